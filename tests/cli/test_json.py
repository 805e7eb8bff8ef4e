"""Every command that prints a table has --json, which prints one document and nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from cli.command_tree import commands
from tui.recorded_sessions import small

from rnnviz.bench import comparison
from rnnviz.bench.comparison import Comparison
from rnnviz.bench.process import OURS
from rnnviz.bench.timing import BenchResult
from rnnviz.cli import run, tables
from rnnviz.lessons.results import ResultRecord

SAMPLE = ("--data", "sample")
MODEL_FILE = Path(__file__).parent.parent / "interop/files/bigru2.safetensors"
SMALL = (*SAMPLE, "--limit", "50", "--epochs", "1", "-q")
#: Arguments with which each command runs; OUT is a new folder, RUN a run with two epochs.
COMMANDS: dict[str, tuple[str, ...]] = {
    "step": ("not good", "--compare", "rnn,gru"),
    "train": ("sentiment-rnn", "--units", "2", "--out", "OUT", *SMALL),
    "runs": (), "runs show": ("RUN",), "runs plot": ("RUN",), "runs compare": ("RUN", "RUN"),
    "models": (), "models show": ("jena-gru",), "models export": ("jena-gru", "OUT.json"),
    "inspect": (str(MODEL_FILE),),
    "models compare": ("sentiment-rnn", "sentiment-gru", "not good"),
    "models units": ("names-lstm", "--untrained", "1"),
    "models import": (str(MODEL_FILE), "--as", "NEW"), "models remove": ("IMPORTED",),
    "evaluate": ("sentiment-rnn", "TABLE"),
    "recipes": (), "recipes show": ("imdb-rnn",),
    "reproduce": ("jena-naive", "--out", "OUT", "--limit", "5000", "-q"),
    "data": SAMPLE, "data show": ("jena", *SAMPLE), "data path": SAMPLE,
    "data fetch": ("jena", "--offline", "--data", "OUT"),
    "bench": ("--workload", "jena-gru", "--peers", "none", "--rounds", "1", "-q"),
    "config path": (), "config show": (), "config validate": (), "config edit": (),
    "lesson": (), "lesson check": ("not",), "lesson run": ("not", "--plain"), "explain": ("z",),
    "class": ("not",),
    "handout": ("-m", "sentiment-lstm-8", "good", "-o", "OUT.html", "-q"),
    "write": ("-m", "names-lstm", "--length", "3", "-q"),
    "results": ("ANSWERS",), "replay": ("RECORDING", "--plain"),
    "doctor": (), "completion": ("bash",), "serve": ("--runtime", "OUT"),
}  # fmt: skip
#: Exit codes that are not 0: the download is refused, the folder is not there, a class needs
#: a terminal.
CODES = {"data fetch": 3, "serve": 2, "class": 2}


ALL = commands()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("runs") / "small"
    args = ["train", "sentiment-rnn", "--units", "2", "--out", str(out), *SMALL]
    assert run(args) == 0
    return str(out)


def test_every_command_is_here() -> None:
    assert set(COMMANDS) == set(ALL)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_with_a_table_has_json(
    name: str, trained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    measured = (BenchResult(OURS, rounds=[1.0]),)
    monkeypatch.setattr(comparison, "compare", lambda net, *_: Comparison(net, measured))
    drawn: list[object] = []
    aligned = tables.aligned

    def watched(*args: object, **kwargs: object) -> list[str]:
        drawn.append(args)
        return aligned(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(tables, "aligned", watched)
    monkeypatch.setattr("rnnviz.cli.step.compare_cells.aligned", watched)
    answers = tmp_path / "answers.jsonl"
    answers.write_bytes(ResultRecord("not", "not.guess", 0.2, True, 8.0).line())
    replaced = {
        "ANSWERS": str(answers),
        "RUN": trained,
        "OUT": str(tmp_path / "out"),
        "OUT.json": str(tmp_path / "m.json"),
        "OUT.html": str(tmp_path / "m.html"),
    }
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for imported in ("imported-1", "imported-2") if "IMPORTED" in COMMANDS[name] else ():
        assert run(["models", "import", str(MODEL_FILE), "--as", imported]) == 0
        drawn.clear()
    if "RECORDING" in COMMANDS[name]:
        replaced["RECORDING"] = str(asyncio.run(small(tmp_path / "r.jsonl", ["right"])).path)
    (tmp_path / "t.csv").write_text("text,label\nso good,positive\nso bad,negative\n")
    replaced["TABLE"] = str(tmp_path / "t.csv")

    def arguments(call: int) -> list[str]:
        own = replaced | {"NEW": f"json-{call}", "IMPORTED": f"imported-{call}"}
        return [*name.split(), *(own.get(arg, arg) for arg in COMMANDS[name])]

    assert run(arguments(1)) == CODES.get(name, 0)
    capsys.readouterr()
    options = {option for param in ALL[name].params for option in param.opts}
    if drawn:
        assert "--json" in options
    if "--json" in options:
        assert run([*arguments(2), "--json"]) == CODES.get(name, 0)
        assert json.loads(capsys.readouterr().out) is not None
