"""The config file: behind flags and the environment, in front of defaults, for every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnviz.cli import config_file, run


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config file that wants colour, and a user without any other wish."""
    path = tmp_path / "config.toml"
    path.write_text('color = "always"\n')
    monkeypatch.setattr(config_file, "config_path", lambda: path)
    monkeypatch.delenv("RNNVIZ_COLOR", raising=False)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with a curve to draw."""
    out = str(tmp_path_factory.mktemp("runs") / "small")
    args = ["train", "sentiment-rnn", "--data", "sample", "--limit", "50", "--units", "2"]
    assert run([*args, "--epochs", "1", "-q", "--out", out]) == 0
    return out


@pytest.mark.parametrize("command", ["doctor", "runs plot RUN", "runs compare RUN"])
def test_a_setting_reaches_commands_and_the_commands_of_groups(
    command: str,
    config: Path,
    trained: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def coloured(*more: str) -> bool:
        assert run([*command.replace("RUN", trained).split(), *more]) == 0
        return "\x1b[" in capsys.readouterr().out

    assert coloured()
    assert not coloured("--color", "never")
    monkeypatch.setenv("RNNVIZ_COLOR", "never")
    assert not coloured()
    assert coloured("--color", "always")
    monkeypatch.delenv("RNNVIZ_COLOR")
    config.unlink()
    assert not coloured()
