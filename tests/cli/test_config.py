"""``rnnviz config``: where settings come from, and what is wrong with the file, by line."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.cli import config, config_file, run
from rnnviz.cli.config_file import SETTINGS, ConfigFile
from rnnviz.cli.options import SWITCH


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the config file of a user without settings in the environment."""
    path = tmp_path / "folder" / "config.toml"
    monkeypatch.setattr(config_file, "config_path", lambda: path)
    for name in os.environ:
        if name.startswith(("RNNVIZ_", "LC_", "LANG")):
            monkeypatch.delenv(name)
    return path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def shown(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, tuple[str, str, str]]:
    assert run(["config", "show", "--json", *flags]) == 0
    rows = json.loads(capsys.readouterr().out)["settings"]
    return {row["name"]: (row["value"], row["source"], row["where"]) for row in rows}


def test_path_is_printed_whether_the_file_is_there_or_not(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_a_flag_comes_before_the_environment_the_file_and_the_default(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(shown(capsys)) == {*SETTINGS, "data"}
    assert shown(capsys)["theme"] == ("dark", "default", "")
    written(path, '# mine\nlang = "tr"\ntheme = "light"\n')
    assert shown(capsys)["theme"] == ("light", "file", f"{path}:3")
    assert shown(capsys)["lang"] == ("tr", "file", f"{path}:2")
    monkeypatch.setenv("RNNVIZ_THEME", "contrast")
    assert shown(capsys)["theme"] == ("contrast", "environment", "RNNVIZ_THEME")
    assert shown(capsys, "--theme", "ansi")["theme"] == ("ansi", "flag", "--theme")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_a_flag_and_a_variable(
    name: str, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = (SETTINGS[name] or ["imdb-gru"])[-1]
    assert shown(capsys)[name][1] == "default"
    monkeypatch.setenv(f"RNNVIZ_{name.upper()}", value)
    assert shown(capsys)[name] == (value, "environment", f"RNNVIZ_{name.upper()}")
    flag = [f"--{name}"] if SETTINGS[name] == SWITCH else [f"--{name}", value]
    assert shown(capsys, *flag)[name] == (value, "flag", f"--{name}")


def test_the_language_of_the_locale_is_named_as_that(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    assert shown(capsys)["lang"] == ("tr", "locale", "LC_ALL=tr_TR.UTF-8")


def test_a_variable_that_is_not_read_is_named(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNVIZ_THEM", "light")
    assert run(["config", "show"]) == 0
    assert "RNNVIZ_THEM is not read. Did you mean 'RNNVIZ_THEME'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('modell = "x"', 1, "Did you mean 'model'"),
        ('# model\n\nthem = "light"', 3, "Did you mean 'theme'"),
        ('model = "sentiment-gru"\nlang = "de"', 2, "en, tr"),
        ('lang = "en"\n\ntheme = [\n"light",\n]\n', 3, "theme must be one of"),
        ('theme = "ligth"', 1, "Did you mean 'light'"),
        ('"theme" = 3', 1, "theme must be one of"),
        ('lang = "en"\nlang = ', 2, "no TOML"),
        ('lang = "en"\nlang = "tr"\n', 2, "no TOML"),
        ('theme = """light\n\n\n', 1, "no TOML"),
        ('keys = "x"', 1, "[keys]"),
        ('[keys]\nplay = "x"\npredict = 3', 3, "a key or a list of keys"),
        ('[keys]\nplay = ["x", 3]', 2, "a key or a list of keys"),
        ('keys = { play = 3 }', 1, "a key or a list of keys"),
        ('[key]\nplay = "x"', 1, "Did you mean 'keys'"),
        ('[keys]\nfaster = "f3"\nplay = "x"', 3, "'play' is also a key of 'cut_unit'"),
        ('[keys]\nplay = "f6"\nfaster = "f6"', 3, "'play'"),
        ('[keys]\n# play\nplai = "f6"', 3, "Did you mean 'play'"),
        ('[keys]\nplay = "spaec"', 2, "Did you mean 'space'"),
        ('model = "sentiment-lsmt"', 1, "Did you mean 'sentiment-lstm'"),
    ],
)  # fmt: skip
def test_validate_names_file_line_and_the_nearest_valid_name(
    text: str, line: int, said: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(path, text)
    assert run(["config", "validate"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"Config file {path}:{line}: ")
    assert said in err
    assert run(["config", "validate", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert not document["valid"]
    assert [problem["line"] for problem in document["problems"]] == [line]


def test_validate_names_every_problem(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(path, 'them = 1\nlang = "de"\ndevice = "gpu"\n')
    assert run(["config", "validate"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "3"]


@pytest.mark.parametrize("text", [None, "", 'theme = "light"\n[keys]\nplay = "f6"\n'])
def test_a_file_without_problems_and_none_at_all_are_valid(
    text: str | None, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        written(path, text)
    assert run(["config", "validate"]) == 0
    assert run(["config", "show"]) == 0
    assert run(["config", "validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["valid"]


def test_a_broken_file_stops_commands_but_not_those_that_mend_it(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(path, 'them = "light"')
    for args in (["step", "good", "--plain"], ["models"], ["recipes"], ["config", "show"]):
        assert run(args) == 2
        assert f"{path}:1: unknown key 'them'" in capsys.readouterr().err
    for args in (["config", "path"], ["doctor"], ["completion", "bash"], ["--help"]):
        assert run(args) == 0
    assert "line 1: unknown key 'them'" in capsys.readouterr().out


CLASH = '[keys]\nplay = "x"\n'


@pytest.mark.parametrize(
    "args", [["step", "good", "--plain"], ["step", "good", "--json"], ["train", "--epochs", "1"]]
)
def test_a_clash_of_keys_is_refused_with_file_line_and_both_actions(
    args: list[str], path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(path, CLASH)
    assert run(args) == 2
    said = capsys.readouterr()
    assert said.err.startswith(
        f"rnnviz: Config file {path}:2: The key x of 'play' is also a key of"
    )
    assert "'cut_unit'" in said.err and said.out == ""
    for others in (["models"], ["config", "show"], ["doctor"]):  # they have no keys
        assert run(others) == 0


def test_the_keys_of_the_file_reach_the_stepper_and_its_pictures(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "a.txt"
    for key, bar in (("space", "space play"), ("f6", "F6 play")):
        written(path, f'[keys]\nplay = "{key}"\n')
        assert run(["step", "good", "--screenshot", str(picture), "--size", "120x36"]) == 0
        assert bar in picture.read_text()


def test_show_lists_the_keys_with_their_lines(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(path, 'theme = "light"\n\n[keys]\npredict = ["p", "f2"]\n')
    assert run(["config", "show"]) == 0
    assert "keys.predict  p, f2" in capsys.readouterr().out
    assert run(["config", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["keys"] == {"predict": ["p", "f2"]}


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, code: str) -> None:
    """An editor that runs Python on its file; the code sees ``path``."""
    script = folder / f"editor of {variable}.py"
    script.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[-1])\n{code}\n")
    monkeypatch.setenv(variable, f"'{sys.executable}' '{script}' --wait")


def test_edit_opens_visual_before_editor_and_checks_what_was_written(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    editor(tmp_path, monkeypatch, "EDITOR", "path.write_text(path.read_text() + 'them = 1')")
    assert run(["config", "edit"]) == 2
    assert "unknown key 'them'" in capsys.readouterr().err
    kept = path.read_text()
    assert kept.endswith("them = 1") and kept.startswith("# ")  # what was typed is not lost
    editor(tmp_path, monkeypatch, "VISUAL", "path.write_text('theme = \"light\"')")
    assert run(["config", "edit"]) == 0
    assert path.read_text() == 'theme = "light"'
    assert "valid" in capsys.readouterr().out


def test_edit_makes_a_file_of_comments_that_hold_what_they_say(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, "VISUAL", "pass")
    assert run(["config", "edit"]) == 0
    text = path.read_text()
    assert tomllib.loads(text) == {}
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]
    assert not stat.S_IMODE(path.stat().st_mode) & 0o111
    used = "\n".join(line.removeprefix("# ") for line in text.splitlines()[1:])
    assert set(tomllib.loads(used)) == {*SETTINGS, "keys"}
    written(path, used)
    assert not config_file.read().problems
    assert config_file.user_keymap().overridden() == {}


@pytest.mark.parametrize("value", ["no-such-editor-anywhere", "'unfinished", "false"])
def test_an_editor_that_cannot_be_run_is_named(
    value: str, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISUAL", value)
    assert run(["config", "edit"]) == 2
    err = capsys.readouterr().err
    assert "EDITOR=nano" in err and "Traceback" not in err


NAMES = st.sampled_from(["lang", "theme", "a", "model", "x.y", "a b"])
VALUES = st.sampled_from(
    ['"lang"', '"a # theme"', "3", "[1, 2]", "[\n1,\n# theme\n2]", '"""\nmodel = 3\n"""', "{a = 1}"]
)
COMMENTS = st.sampled_from(["", "# theme = 3", "   # model", "\t"])


@given(st.lists(st.tuples(COMMENTS, NAMES, VALUES), max_size=6, unique_by=lambda each: each[1]))
def test_the_line_of_a_key_is_where_it_was_written(entries: list[tuple[str, str, str]]) -> None:
    lines: list[str] = []
    expected = {}
    for comment, name, value in entries:
        lines += comment.split("\n")
        expected[name] = len(lines) + 1
        lines += f'"{name}" = {value}'.split("\n")
    text = "\n".join(lines)
    assert set(tomllib.loads(text)) == set(expected)
    found = ConfigFile(Path("x"), text)
    assert {name: found.line_of(name) for name in expected} == expected
    assert found.line_of("absent") is None


def test_the_line_of_a_key_in_a_table() -> None:
    text = 'theme = "x"\n[other]\nplay = 1\n[keys]\n# play = 1\nplay = [\n  "x",\n]\n'
    assert ConfigFile(Path("x"), text).line_of("keys", "play") == 6
    assert ConfigFile(Path("x"), text).line_of("keys") == 4


def test_the_template_names_every_setting() -> None:
    assert all(f"# {name} = " in config.template() for name in SETTINGS)
