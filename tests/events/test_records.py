"""Events as JSON lines: what is written is read back, and anything else is refused in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.analysis.padding import PaddingMode
from rnnviz.events import (
    KINDS,
    LONGEST_LINE,
    SCHEMA,
    ActionEvent,
    AnswerEvent,
    BallotEvent,
    CloseVoteEvent,
    CursorEvent,
    Event,
    EventError,
    LessonEvent,
    LineEvent,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    QuestionEvent,
    ReachEvent,
    RevealEvent,
    ScreenEvent,
    SessionEvent,
    SizeEvent,
    TallyEvent,
    ViewEvent,
    WindowEvent,
    line_of,
    parse_line,
)
from rnnviz.events.records import from_record
from rnnviz.tui.pages.padding import PaddingState

EXAMPLES: tuple[Event, ...] = (
    SessionEvent("4711", "not", "0.1"),
    CursorEvent(3, "forget", 17, 1, "cell", 2),
    PageEvent("clamp"),
    PageStateEvent("padding", {"mode": ("front", True), "pads": 3}),
    QueryEvent("not good", "sentiment-lstm", None, 7, ("f[3]=0",), {"cell": "rnn"}, "edit"),
    ViewEvent({"hidden": True}),
    ReachEvent(),
    LessonEvent("not", "not.guess", "ask", 0, 2, 9),
    QuestionEvent("not.good", "choice", ("it rises", "it falls")),
    AnswerEvent("not.good", 3.0, True, 3.5, "it falls"),
    RevealEvent("not.good"),
    ActionEvent("token_on"),
    ScreenEvent({"lang": "tr", "trace": {"trace": 1, "notation": "rnnviz"}}),
    SizeEvent(120, 36),
    LineEvent((("not go", "bold"), ("od", ""))),
    WindowEvent(True, {"0": [["help", "bold"]]}),
    BallotEvent(
        "turn", 2, "word", {"en": {"said": "Which?"}}, ("not", "good"), 1, (0.5,), 0.0, 1.0
    ),
    CloseVoteEvent("turn", 2, 0.18, 0.1),
    TallyEvent("turn", 2, False, 3, 5, (1, 2), (0.5,), ("why",)),
)


def test_every_kind_has_an_example() -> None:
    assert {type(event) for event in EXAMPLES} == set(KINDS.values())


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_what_is_written_is_read_back(event: Event) -> None:
    line = line_of(event, 12.3456)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    found = parse_line(line)
    assert found is not None
    assert found[0] == 12.346
    assert json.dumps(found[1].__dict__) == json.dumps(event.__dict__)


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_text_is_one_line(text: str, model: str) -> None:
    event = QueryEvent(text, model)
    line = line_of(event, 0)
    assert line.count(b"\n") == 1 and b"\r" not in line and b"\x1b" not in line
    assert parse_line(line) == (0.0, event)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_an_event_error(data: bytes) -> None:
    with pytest.raises(EventError) as error:
        parse_line(data)
    assert "\n" not in str(error.value)


@given(
    st.sampled_from(EXAMPLES),
    st.data(),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.lists(st.integers(), max_size=3) | st.dictionaries(st.text(max_size=3), st.none()),
)  # fmt: skip
def test_a_field_of_any_other_type_is_refused_or_fits(event: Event, data: Any, value: Any) -> None:
    record = json.loads(line_of(event, 0))
    record[data.draw(st.sampled_from(sorted(record)))] = value
    try:
        found = parse_line(json.dumps(record).encode())
    except EventError:
        return
    if found is not None:
        assert parse_line(line_of(found[1], found[0])) is not None


def changed(**fields: object) -> bytes:
    record = json.loads(line_of(CursorEvent(3, "forget"), 0))
    return json.dumps({k: v for k, v in (record | fields).items() if v != "gone"}).encode()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[]", "not a JSON object"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 9000, "not JSON"),
        (changed(schema="rnnviz.events/2"), f"this version of rnnviz reads {SCHEMA!r}"),
        (changed(timestamp=-1), "'timestamp'"),
        (changed(timestamp=float("nan")), "'timestamp'"),
        (changed(event=3), "'event' is 3"),
        (changed(t="gone"), "cursor: 't' is missing"),
        (changed(t=True), "cursor: 't' cannot be True"),
        (changed(t=10**30), "cursor: 't' cannot be"),
        (changed(zoom="far"), "cursor: 'zoom' cannot be 'far'"),
        (b" " * (LONGEST_LINE + 1), "limit"),
    ],
)
def test_errors_say_what_is_wrong(line: bytes, words: str) -> None:
    with pytest.raises(EventError, match=words.replace("(", "\\(")):
        parse_line(line)


def test_kinds_and_fields_of_later_versions_are_ignored() -> None:
    assert parse_line(changed(event="fireworks")) is None
    assert parse_line(changed(colour="red")) == (0.0, CursorEvent(3, "forget"))


def test_a_named_tuple_is_read_from_a_list() -> None:
    state = from_record(PaddingState, {"mode": ["end", True], "pads": 2}, "padding")
    assert state == PaddingState(PaddingMode("end", True), 2)
    for wrong in (["end"], ["end", 1], "end", [[], True]):
        with pytest.raises(EventError):
            from_record(PaddingState, {"mode": wrong}, "padding")


def test_events_need_neither_textual_nor_numpy() -> None:
    check = (
        "import sys, rnnviz.events, rnnviz.events.client, rnnviz.events.server\n"
        "assert not {'textual', 'numpy', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
