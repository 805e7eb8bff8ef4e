"""Read a lesson file in one language.

A file is TOML. Wherever a screen shows a value, or a claim depends on it, there may be a value for
each language instead (``say.en``, ``say.tr``). What a step reads holds until a later step changes
it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnviz.analysis.model_family import with_cell
from rnnviz.clamps import Clamp, parse
from rnnviz.errors import InvalidFileError, RnnvizError
from rnnviz.files import read_limited
from rnnviz.files.readers import invalid_file_on_error
from rnnviz.import_settings import ImportSettings, split_name
from rnnviz.lessons.lesson import CursorPosition, Lesson, LessonChange, LessonQuestion, Step
from rnnviz.lessons.table_values import InvalidValueError, TableReader
from rnnviz.messages import _
from rnnviz.query import Query
from rnnviz.toy_net import CELLS as TOY_CELLS
from rnnviz.toy_net import is_toy_net, model_of
from rnnviz.toy_net.default_nets import example, for_model
from rnnviz.toy_net.edits import edited
from rnnviz.toy_net.net_files import open_net
from rnnviz.toy_net.number_text import input_text

#: The largest lesson file and the largest text file in bytes.
_MAX_BYTES = 500_000

_READ = ("model", "text", "text_file", "net", "random", "target", "clamps", "against")
_LESSON = (
    "id", "number", "kind", "title", "question", "minutes", "level", "data", *_READ, "step",
)  # fmt: skip
_STEP = (
    "id", "say", "cursor", "view", "ask", "hide", "reveal", "then", "change", "claim", "notes",
    *_READ,
)  # fmt: skip
_CURSOR = ("token", "part", "unit", "layer", "zoom")
_ASK = ("kind", "options", "right", "of", "within", "why", "seen")
_THEN = ("cursor", "view")
_CHANGE = (
    "say", "clamp", "weight", "cell", "own", "goal", "reached", "example", "train", *_READ,
)  # fmt: skip
#: Every key of a lesson file.
KEYS = frozenset((*_LESSON, *_STEP, *_CURSOR, *_ASK, *_THEN, *_CHANGE))
_OWN = ("text", "clamp", "cell", "weight")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STEP_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


def read(path: Path, lang: str, keys: Mapping[str, str] | None = None) -> Lesson:
    """The lesson of a file, in a language.

    ``keys``: the key of each action, which stands in a text as ``{key.ACTION}``; without it, and
    for an action that it lacks, the text stays as it is in the file.
    InvalidFileError with the step and the key for what is not as a lesson has to be; what is wrong
    with its contents, such as a claim that does not hold, is found by ``check``.
    """
    with invalid_file_on_error(path, _("lesson")):
        text = read_limited(path, _MAX_BYTES).decode("utf-8-sig")
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFileError(
            _("{path} is not a lesson: {reason}").format(path=path, reason=error)
        ) from None
    return _FileReader(lang, keys or {}, path).lesson(record)


@dataclass(frozen=True)
class _FileReader(TableReader):
    """Turns the tables of one file into a lesson in one language."""

    path: Path

    def lesson(self, record: Mapping[str, Any]) -> Lesson:
        where = _("the lesson")
        try:
            self._known(record, _LESSON)
            id_ = self._text(record, "id", required=True)
            if not _ID.fullmatch(id_):
                raise InvalidValueError(
                    _("id = {id!r}: use small letters, digits and hyphens.").format(id=id_)
                )
            kind = record.get("kind", "lesson")
            if kind not in ("lesson", "quiz"):
                raise InvalidValueError(
                    _('kind = {kind!r} is neither "lesson" nor "quiz".').format(kind=kind)
                )
            query, against = self._reading(record, Query("", ""), "")
            tables = record.get("step", [])
            if not tables or not isinstance(tables, list):
                raise InvalidValueError(_("there is no [[step]]."))
            steps: list[Step] = []
            for n, table in enumerate(tables, start=1):
                where = _("step {n}").format(n=n)
                if isinstance(table, dict) and isinstance(table.get("id"), str):
                    where = _("step {n} ({id})").format(n=n, id=table["id"])
                step = self._step(table, query, against)
                if step.id in {earlier.id for earlier in steps}:
                    raise InvalidValueError(_("another step has the same id."))
                if step.id.split(".")[0] != id_:
                    raise InvalidValueError(
                        _('the id of a step begins with that of its lesson: "{id}.…"').format(
                            id=id_
                        )
                    )
                query, against = step.query, step.against
                steps.append(step)
            where = _("the lesson")
            return Lesson(
                id=id_, path=self.path, lang=self.lang, number=self._integer(record, "number"),
                title=self._text(record, "title", required=True),
                question=self._text(record, "question", required=True),
                minutes=self._integer(record, "minutes", required=True) or 0,
                level=self._integer(record, "level", required=True) or 0,
                kind=kind, data=self._text(record, "data") or None, steps=tuple(steps),
            )  # fmt: skip
        except (InvalidValueError, RnnvizError) as error:
            raise InvalidFileError(f"{self.path}: {where}: {error}") from None

    def _step(self, table: Any, query: Query, against: str) -> Step:
        if not isinstance(table, dict):
            raise InvalidValueError(_("a step is a table: [[step]]."))
        self._known(table, _STEP)
        id_ = self._text(table, "id", required=True)
        if not _STEP_ID.fullmatch(id_):
            raise InvalidValueError(
                _('id = {id!r} is not of the form "lesson.step".').format(id=id_)
            )
        query, against = self._reading(table, query, against)
        then = self._table(table, "then", _THEN)
        question = self._question(table)
        return Step(
            id=id_,
            say=self._text(table, "say", required=True),
            query=query,
            against=against,
            cursor=self._cursor(table),
            view=self._text(table, "view") or None,
            question=question,
            hide=self._flag(table, "hide"),
            reveal=self._text(table, "reveal"),
            reveal_cursor=self._cursor(then) or _revealed_token(question),
            reveal_view=self._text(then, "view") or None,
            changes=tuple(self._change(change, query) for change in self._tables(table, "change")),
            claims=self._texts(table, "claim"),
            notes=self._text(table, "notes"),
        )

    def _reading(self, table: Mapping[str, Any], query: Query, against: str) -> tuple[Query, str]:
        """What is read from a table on: the query before it with the table's changes."""
        model = self._model(self._text(table, "model"))
        if model and model != query.model:
            query = replace(query, model=model, hand=None, random=None, clamps=(), target=None)
            query = replace(query, hand=for_model(None, model)) if is_toy_net(model) else query
        if net := self._text(table, "net"):
            query = self._with_net(net)
        if (text := self._read_text(table)) is not None:
            query = replace(query, text=text)
        if "random" in table:
            seed = self._integer(table, "random")
            query = replace(query, random=None if seed is None or seed < 0 else seed)
        if "target" in table:
            query = replace(query, target=self._text(table, "target") or None)
        if "clamps" in table:
            query = replace(query, clamps=_clamps(self._texts(table, "clamps")))
        if "against" in table:
            against = self._text(table, "against")
        return query, against

    def _model(self, name: str) -> str:
        """The name of a model: one that is known, the cell of a toy net, or a file beside it."""
        if name in TOY_CELLS:
            return model_of(name)
        file, settings = split_name(name)
        path = self._beside(file)
        if path is None:
            return name
        values = dict(settings.values)
        if (words := self._beside(values.get("vocab", ""))) is not None:
            values["vocab"] = str(words)
        return ImportSettings.of(values).named(str(path))

    def _beside(self, name: str) -> Path | None:
        """A file in the folder of the lesson; None where it is none."""
        path = self.path.parent / name
        inside = self.path.parent.resolve() in path.resolve().parents
        return path if name and inside and path.is_file() else None

    def _with_net(self, name: str) -> Query:
        """The query of a toy net: a shipped one, or a file beside the lesson."""
        beside = self.path.parent / name
        net = open_net(str(beside) if beside.is_file() else name)
        hand = net.hand
        text = example(hand.inputs) if net.x is None else input_text(net.x)
        return Query(text, model_of(hand.cell), clamps=net.hold, hand=hand)

    def _read_text(self, table: Mapping[str, Any]) -> str | None:
        if "text" in table and "text_file" in table:
            raise InvalidValueError(_("give text or text_file, not both."))
        if "text" in table:
            return self._text(table, "text")
        if not (name := self._text(table, "text_file")):
            return None
        path = self.path.parent / name
        if self.path.parent.resolve() not in path.resolve().parents:
            raise InvalidValueError(
                _("text_file = {name!r} is not in the folder of the lesson.").format(name=name)
            )
        with invalid_file_on_error(path, _("text")):
            return " ".join(read_limited(path, _MAX_BYTES).decode("utf-8-sig").split())

    def _question(self, table: Mapping[str, Any]) -> LessonQuestion | None:
        ask = self._table(table, "ask", _ASK)
        if not ask:
            return None
        kind = ask.get("kind")
        if kind not in ("choice", "number", "word"):
            raise InvalidValueError(
                _('ask: kind = {kind!r} is not "choice", "number" or "word".').format(kind=kind)
            )
        question = LessonQuestion(
            kind=kind, options=self._texts(ask, "options"), right=self._integer(ask, "right"),
            of=self._text(ask, "of"), within=self._number(ask, "within"),
            why=self._flag(ask, "why"), seen=self._flag(ask, "seen"),
        )  # fmt: skip
        if kind == "choice":
            if not 2 <= len(question.options) <= 5:
                raise InvalidValueError(_("ask: a choice has 2 to 5 options."))
            if question.right is None or not 1 <= question.right <= len(question.options):
                raise InvalidValueError(
                    _("ask: right is a number from 1 to {count}.").format(
                        count=len(question.options)
                    )
                )
        elif question.options:
            raise InvalidValueError(_("ask: only a choice has options."))
        if kind == "number" and not (question.of and question.within > 0):
            raise InvalidValueError(
                _('ask: a number has of = "…", an expression, and within, above 0.')
            )
        if kind == "word" and bool(question.of) == (question.right is not None):
            raise InvalidValueError(
                _("ask: a word has right, its number in the text, or of = an expression.")
            )
        return question

    def _change(self, table: Mapping[str, Any], query: Query) -> LessonChange:
        self._known(table, _CHANGE)
        say = self._text(table, "say")
        if "own" in table:
            own: Any = "text" if table["own"] is True else table["own"]
            if own not in _OWN:
                raise InvalidValueError(
                    _("change: own = {own!r} is not one of {choices}.").format(
                        own=own, choices=", ".join(_OWN)
                    )
                )
            goal, reached, example_ = (
                self._text(table, key, required=True) for key in ("goal", "reached", "example")
            )
            query, _against = self._reading(table, query, "")
            return LessonChange(query, "", say, own, goal, reached, example_)
        if "train" in table:
            options = table["train"]
            if not isinstance(options, dict) or not isinstance(options.get("recipe"), str):
                raise InvalidValueError(_('change: train is a table with at least recipe = "…".'))
            return LessonChange(None, options["recipe"], say, train=options)
        changed, titles = query, []
        for key in ("clamp", "weight", "cell"):
            if typed := self._text(table, key):
                changed = with_change(changed, key, typed)
                titles.append(typed)
        changed, _against = self._reading(table, changed, "")
        titles += [str(clamp) for clamp in changed.clamps if "clamps" in table]
        titles += [self._text(table, key) for key in ("text", "model", "net") if key in table]
        if changed == query:
            raise InvalidValueError(_("change: nothing is changed."))
        return LessonChange(changed, " ".join(titles), say)

    def _cursor(self, table: Mapping[str, Any]) -> CursorPosition | None:
        cursor = self._table(table, "cursor", _CURSOR)
        if not cursor:
            return None
        numbers = {key: self._integer(cursor, key) for key in ("token", "unit", "layer")}
        for key, least in (("token", 1), ("unit", 0), ("layer", 1)):
            if (value := numbers[key]) is not None and value < least:
                raise InvalidValueError(
                    _("cursor: {key} = {value}: the first one is {least}.").format(
                        key=key, value=value, least=least
                    )
                )
        zoom = self._text(cursor, "zoom") or None
        if zoom not in (None, "sentence", "cell", "equation"):
            raise InvalidValueError(
                _('cursor: zoom = {zoom!r} is not "sentence", "cell" or "equation".').format(
                    zoom=zoom
                )
            )
        part = self._text(cursor, "part") or None
        return CursorPosition(numbers["token"], part, numbers["unit"], numbers["layer"], zoom)


def with_change(query: Query, kind: str, typed: str) -> Query:
    """The query with a typed change: a "text", a "clamp", a "cell" or a "weight".

    A clamp is added to those of the query. UsageError if the change cannot be read.
    """
    if kind == "text":
        return replace(query, text=typed)
    if kind == "clamp":
        return replace(query, clamps=(*query.clamps, *_clamps([typed])))
    if kind == "cell":
        model = with_cell(query.model, typed)
        hand = for_model(None, model) if is_toy_net(model) else None
        return replace(query, model=model, hand=hand)
    hand, text = edited(for_model(query.hand, query.model), query.text, typed)
    return replace(query, hand=hand, text=text)


def _clamps(typed: Sequence[str]) -> tuple[Clamp, ...]:
    return tuple(parse(clamp) for clamp in typed)


def _revealed_token(question: LessonQuestion | None) -> CursorPosition | None:
    """The token that a number question asks about: N of ``p(N)``."""
    match = re.match(r"\w+\(\s*(\d+)", question.of) if question and question.of else None
    return CursorPosition(token=int(match[1])) if match else None
