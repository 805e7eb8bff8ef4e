"""Every command is documented, answers --help, and says what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnviz.cli import COMMANDS, cli, run
from rnnviz.model_files import shipped

ROOT = Path(__file__).parents[2]
#: The README and the pages that it links.
DOCS = [ROOT / "README.md", *(ROOT / "assets" / "docs").glob("*.md")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_is_in_the_documentation(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: rnnviz {name}")
    assert any(f"rnnviz {name}" in page.read_text("utf-8") for page in DOCS)
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    for option in command.params:
        described = getattr(option, "help", None) or option.param_type_name == "argument"
        named = option.name in ("epochs", "batch_size", "units", "cell", "seed")
        assert described or named, option.name


def test_no_command_prints_help_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "rnnviz step" in capsys.readouterr().out


def test_models_lists_every_shipped_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows if row["from"] == "shipped"} == set(shipped())
    assert run(["models"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in shipped())


@pytest.mark.parametrize(
    ("model", "total", "arithmetic"),
    [
        ("sentiment-rnn", 322_113, "32·32 + 32·32 + 32 = 2,080"),
        ("sentiment-lstm", 328_353, "4·(32·32 + 32·32 + 32) = 8,320"),
        ("sentiment-gru", 326_369, "3·(32·32 + 32·32 + 2·32) = 6,336"),
        ("sentiment-lstm-slide", 329_377, "4·(32·32 + 32·32 + 32) + 32·32 = 9,344"),
        ("sentiment-mingru", 322_145, "2·(32·32 + 32) = 2,112"),
    ],
)
def test_models_show_counts_as_the_lecture_does(
    model: str, total: int, arithmetic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "show", model, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown)[:5] == ["name", "weights", "config", "metrics", "parameters"]
    assert sum(row["count"] for row in shown["parameters"]) == total
    assert shown["parameters"][1]["arithmetic"] == arithmetic
    assert Path(shown["weights"]).is_file()


def test_doctor_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["rnnviz"] == "0.1.0"
    assert "CPU" in facts["computing"]["GPU"]
    assert run(["doctor", "--color", "never"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_config_file_sets_defaults_and_flags_and_environment_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rnnviz.cli import config_file

    config = tmp_path / "config.toml"
    monkeypatch.setattr(config_file, "config_path", lambda: config)
    config.write_text('model = "sentiment-gru"\nlang = "tr"\n')

    def model(*args: str) -> str:
        assert run(["step", "good", "--json", *args]) == 0
        return str(json.loads(capsys.readouterr().out)["model"])

    assert model() == "sentiment-gru"
    assert model("-m", "sentiment-rnn") == "sentiment-rnn"
    assert model("--cell", "lstm") == "sentiment-lstm"
    monkeypatch.setenv("RNNVIZ_MODEL", "sentiment-lstm-8")
    assert model() == "sentiment-lstm-8"
    assert run(["step", "good", "--plain"]) == 0
    assert "Tahmin:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [('modell = "x"', "Did you mean 'model'"), ('lang = "de"', "en, tr"), ("lang = ", "config")],
)
def test_a_config_file_that_cannot_be_used_is_named(
    content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from rnnviz.cli import config_file

    config = tmp_path / "config.toml"
    config.write_text(content)
    monkeypatch.setattr(config_file, "config_path", lambda: config)
    assert run(["step", "good"]) == 2
    assert said in capsys.readouterr().err


def test_saving_where_nothing_can_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", "good", "--save", str(tmp_path / "no" / "x.trace")]) == 2
    assert "mkdir -p" in capsys.readouterr().err


def test_a_cuda_wish_is_answered_the_same_from_python() -> None:
    import rnnviz
    from rnnviz.errors import MissingError, UsageError

    with pytest.raises(MissingError, match="cpu"):
        rnnviz.step("good", device="cuda")
    with pytest.raises(UsageError, match="cuda"):
        rnnviz.train("sentiment-lstm", device="cdua")
