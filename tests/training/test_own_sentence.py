"""The run's own sentence: read with the current weights while it trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnviz.cli.train_progress import EpochLines
from rnnviz.errors import UsageError
from rnnviz.progress import Epoch, Event, RunStarted, SentenceReading
from rnnviz.query import Query
from rnnviz.runs import Options, Run, resume, train
from rnnviz.tracer import tracer

TINY = {"epochs": 2, "units": 4, "limit": 20}
SENTENCE = "it was not boring"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Event]]:
    path, events = tmp_path_factory.mktemp("runs") / "run", []
    options = Options(**TINY, sentence=SENTENCE)
    run = train("sentiment-rnn", options, data="sample", out=path, watch=events.append)
    return run, events


def readings(events: list[Event]) -> list[SentenceReading]:
    return [event for event in events if isinstance(event, SentenceReading)]


def test_it_is_read_before_training_and_at_the_end_of_each_epoch(
    trained: tuple[Run, list[Event]],
) -> None:
    _, events = trained
    begun = next(n for n, event in enumerate(events) if isinstance(event, RunStarted))
    first = events[begun + 1]
    assert isinstance(first, SentenceReading)
    assert (first.step, first.epoch, first.batch) == (0, 1, 0)
    assert (first.text, first.tokens) == (SENTENCE, ("it", "was", "not", "boring"))
    for number, event in enumerate(events):
        if isinstance(event, Epoch):
            before = events[number - 1]
            assert isinstance(before, SentenceReading)
            assert before.epoch == event.number
            assert before.step == event.number * before.batch


def test_its_outputs_are_those_of_a_trace_with_the_same_weights(
    trained: tuple[Run, list[Event]],
) -> None:
    run, events = trained
    ask = tracer()
    untrained = ask(Query(SENTENCE, str(run.path), random=0))
    now = ask(Query(SENTENCE, str(run.path)))
    found = readings(events)
    assert [list(row) for row in found[0].outputs] == untrained.head.readout.tolist()
    assert [list(row) for row in found[-1].outputs] == now.head.readout.tolist()
    assert found[0].outputs != found[-1].outputs
    assert {type(p) for row in found[0].outputs for p in row} == {float}


def test_it_is_stored_and_read_again_after_resuming(trained: tuple[Run, list[Event]]) -> None:
    run, events = trained
    record = run.record()
    assert record["options"]["sentence"] == record["example"] == SENTENCE
    more: list[Event] = []
    resume(run.path, epochs=3, watch=more.append)
    assert readings(more)[0].step == readings(events)[-1].step
    assert {reading.text for reading in readings(more)} == {SENTENCE}


def test_the_lines_of_text_say_its_prediction_after_each_epoch(
    trained: tuple[Run, list[Event]],
) -> None:
    said: list[str] = []
    lines = EpochLines(said.append)
    for event in trained[1]:
        lines(event)
    last = readings(trained[1])[-1].outputs[-1][1]
    assert sum(SENTENCE in line for line in said) == 2
    assert said[-1] == f'  "{SENTENCE}": positive {last:.3f}'


@pytest.mark.parametrize(
    ("recipe", "sentence", "message"),
    [
        ("sentiment-rnn", " ?! ", "no word"),
        ("sentiment-rnn", "good " * 201, "at most 200"),
        ("jena-gru", "good", "--sentence"),
    ],
)
def test_a_sentence_that_cannot_be_read_is_refused_before_anything_is_written(
    recipe: str, sentence: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        train(recipe, Options(limit=2_000, sentence=sentence), data="sample", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
