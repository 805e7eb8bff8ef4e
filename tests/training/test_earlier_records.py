"""Runs of earlier versions, whose records have obsolete fields."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training.test_run_directory import same, stop_at
from training.tiny import tiny

from rnnviz.errors import InterruptedTraining
from rnnviz.progress import Event, Note
from rnnviz.runs import Options, resume, train

__all__ = ["tiny"]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("parts", [1, 2])
def test_a_run_of_a_former_version_goes_on(parts: int, tmp_path: Path) -> None:
    whole = train("tiny", Options(), data=tmp_path, out=tmp_path / "whole")
    watch, stop = stop_at(2, 3)
    with pytest.raises(InterruptedTraining):
        train("tiny", Options(), data=tmp_path, out=tmp_path / "cut", watch=watch, stop=stop)
    path = tmp_path / "cut/spec.json"
    record = json.loads(path.read_text())
    record["fit"]["parts"], record["options"]["processes"] = parts, None
    path.write_text(json.dumps(record))
    seen: list[Event] = []
    same(resume(tmp_path / "cut", watch=seen.append).path, whole.path)
    said = [event.text for event in seen if isinstance(event, Note)]
    assert any("two halves" in text for text in said) == (parts == 2)
