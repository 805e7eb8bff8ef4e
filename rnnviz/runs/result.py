"""``result.json``: the metrics of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnviz.errors import InvalidFileError
from rnnviz.files import read_json, reason
from rnnviz.messages import _
from rnnviz.progress import metrics_from_json


def new_result(
    record: Mapping[str, Any], epochs: int, best_epoch: int, valid: Mapping[str, float],
    test: Mapping[str, float] | None, seconds: float, snapshot_seconds: float = 0.0,
    snapshot_count: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The content of the file; ``record`` is that of spec.json."""
    plan = record.get("snapshots") or {}
    return {
        "schema": "rnnviz.result/1",
        "finished": True,
        "epochs": epochs,
        "best_epoch": best_epoch,  # whose weights were saved, validated and tested
        "stopped_early": epochs < record["fit"]["epochs"],
        "valid": dict(valid),
        "test": None if test is None else dict(test),
        "seconds": round(seconds, 3),
        "snapshot_seconds": round(snapshot_seconds, 3),  # of writing them, beside the above
        # "asked": the number that was asked for, if there was not room for it.
        "snapshots": {**plan, "count": snapshot_count},
        "metric": record["metric"],
        "published": record["published"],
        "trained_on": record["trained_on"],
        "sample": record.get("sample", False),
        "data": dict(record["data"]),  # the files, with their hashes
    }


def read_result(path: Path) -> dict[str, Any]:
    """The content of the file, null as NaN in metrics; InvalidFileError if it is damaged."""
    record: dict[str, Any] = read_json(path)
    try:
        for name in ("epochs", "best_epoch"):
            if type(record[name]) is not int or record[name] < 1:
                raise ValueError(_("{name} is {found!r}").format(name=name, found=record[name]))
        tested = None if record["test"] is None else metrics_from_json(record["test"])
        measured = metrics_from_json({"seconds": record["seconds"]})
        if type(record.get("stopped_early", False)) is not bool:
            raise ValueError(_("stopped_early is {found!r}").format(found=record["stopped_early"]))
        return {**record, **measured, "valid": metrics_from_json(record["valid"]), "test": tested}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        why = f"{type(error).__name__}: {reason(error)}"
        raise InvalidFileError(
            _("{path} is not the result of a run ({why}).").format(path=path, why=why)
        ) from error
