"""``rnnviz doctor`` names what the other commands use."""

from __future__ import annotations

import json
from pathlib import Path

import platformdirs
import pytest

from rnnviz.cli import run


@pytest.mark.parametrize("named", [None, "sample", "~", "~/none", "/nowhere"])
def test_the_data_folder_is_that_of_the_data_command(
    named: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RNNVIZ_DATA", raising=False)
    if named is not None:
        monkeypatch.setenv("RNNVIZ_DATA", named)
    assert run(["data", "path"]) == 0
    folder = capsys.readouterr().out.strip()
    assert run(["doctor", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["paths"]["data"]
    assert said == (folder if Path(folder).is_dir() else f"{folder} (not there yet)")
