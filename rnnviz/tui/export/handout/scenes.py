"""View states of a handout, and their pictures: panels or a page, drawn without an app."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich.segment import Segment
from textual.strip import Strip

from rnnviz.analysis import model_family
from rnnviz.cursor import Cursor, start
from rnnviz.display import visible
from rnnviz.equations import MINUS
from rnnviz.errors import RnnvizError, one_line
from rnnviz.lessons.player import LessonPlayer
from rnnviz.query import Explorer, Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.export.handout.inline_svg import PagePicture, PictureSheet
from rnnviz.tui.export.pictures import panel_strips, trimmed
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.pages import load
from rnnviz.tui.panels import conclusion
from rnnviz.tui.panels.part_words import part_words
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.conclusion import Clause, sentence
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.lesson_state import LessonState, place_cursor, with_open_question
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.predict_first import without_answer
from rnnviz.tui.view.view_state import ViewState

#: Columns of every picture: on A4 with margins of 14 mm a character is 8.4 points high.
COLUMNS = 100
#: The most lines of the sentence, of the cell's diagram, of the equations, of a page, of a heat
#: map. Together they fit on a sheet of A4.
SENTENCE, CELL, EQUATIONS, PAGE, HEATMAP = 11, 20, 16, 34, 14
#: Columns of the pictures in two columns of text, in letters of 7.5 points, and their most lines.
SMALL_COLUMNS, SMALL_PANEL, SMALL_PAGE = 55, 10, 16
#: Pages that show nothing as long as the prediction is hidden.
HIDES_ALL = ("backward", "reach", "check")
#: How often a page may ask on after an answer.
ROUNDS = 4

LIGHT, DARK = ViewTheme("light"), ViewTheme("dark")

#: The most lines of panels, by name.
Rows = Mapping[str, int]


@dataclass
class Studio:
    """Draws the pictures of one handout."""

    explorer: Explorer
    lang: str
    sheet: PictureSheet
    keymap: Keymap = DEFAULT_KEYMAP
    _answers: dict[Question, object] = field(default_factory=dict)
    _failures: dict[Question, str] = field(default_factory=dict)

    def view_state(self, query: Query, trace: Trace | None = None) -> ViewState:
        """The view state at the end of a query's text; RnnvizError if it cannot be read."""
        if trace is None:
            trace = self.explorer(query)
            assert isinstance(trace, Trace)
        kind = model_family.input_kind(query, trace)
        cursor = start(trace, len(trace.tokens) - 1, trace.leading_unit())
        return ViewState(
            trace, cursor, LIGHT, self.lang, paper=True, query=query, keymap=self.keymap,
            others=model_family.switch_models(kind),
        )  # fmt: skip

    def lesson_state(self, player: LessonPlayer, before: Trace | None) -> ViewState:
        """What the screen shows at a phase of a lesson.

        ``before`` is the trace that a change is compared with.
        """
        scene = player.scene
        state = self.view_state(scene.query)
        place = scene.place
        second = replace(second_sentence.state(state), text=scene.against)
        state = replace(
            state,
            # On paper every value is known; not while a question is open.
            paper=not scene.covered,
            still=True,
            page="" if place.view == "panels" else place.view,
            page_states={second.page: second},
            lesson=LessonState(player, before),
        )
        # What no step has chosen is where the last prediction comes from.
        state = replace(state, cursor=place_cursor(place, state.trace, state))
        return with_open_question(self.answered(state))

    def answered(self, state: ViewState) -> ViewState:
        """The view state with the answers to what its page and the second sentence ask."""
        for _ in range(ROUNDS):
            asked: list[Question] = []
            if state.page:
                page = load(state.page)(state)
                asked += page.questions(state)
                if not state.hidden:
                    asked += page.conclusion_questions(state)
            elif not state.hidden:
                asked += conclusion.questions(state) if len(state.trace.tokens) <= 40 else []
            second = second_sentence.sentence_query(state)
            asked += [] if second is None else [second]
            known = (*state.answers, *state.failures)
            asked = [question for question in dict.fromkeys(asked) if question not in known]
            if not asked:
                break
            for question in asked:
                self._ask(question)
            state = replace(
                state,
                answers={
                    q: self._answers[q] for q in (*state.answers, *asked) if q in self._answers
                },
                failures={
                    q: self._failures[q] for q in (*state.failures, *asked) if q in self._failures
                },
            )
        return state

    def _ask(self, question: Question) -> None:
        if question in self._answers or question in self._failures:
            return
        try:
            self._answers[question] = self.explorer(question)
        except RnnvizError as error:
            self._failures[question] = one_line(error)

    # -- drawing ----------------------------------------------------------------------------------

    def panels(
        self, state: ViewState, rows: Rows, alt: str = "", columns: int = COLUMNS
    ) -> PagePicture:
        """Panels below each other."""
        light, dark = (
            panel_strips(replace(state, theme=theme), rows, columns) for theme in (LIGHT, DARK)
        )
        return self.sheet.picture(light, dark, alt or said(state), columns)

    def page(
        self, state: ViewState, rows: int = PAGE, *, alone: bool = False, columns: int = COLUMNS
    ) -> PagePicture:
        """The open page, below the sentence if that is above it on the screen, or ``alone``."""
        page = load(state.page)(state)
        above = {} if alone or page.full_screen else {"sentence": SENTENCE - 3}
        light, dark = (
            [
                *panel_strips(themed, above, columns),
                *_tightened(trimmed(page.strips_at(themed, columns, rows))),
            ]
            for themed in (replace(state, theme=theme) for theme in (LIGHT, DARK))
        )
        return self.sheet.picture(light, dark, said(state, page), columns)

    def blank_cell(self, state: ViewState, alt: str) -> PagePicture:
        """The diagram of the cell with a line to write on in place of each number."""
        light, dark = (
            [
                _without_numbers(strip)
                for strip in panel_strips(replace(state, theme=theme), {"cell": CELL}, COLUMNS)
            ]
            for theme in (LIGHT, DARK)
        )
        return self.sheet.picture(light, dark, alt, COLUMNS)

    def shown(self, state: ViewState) -> PagePicture:
        """What a lesson shows: the page, or the panels that its zoom level is about."""
        if state.page and not (state.hidden and state.page in HIDES_ALL):
            return self.page(state)
        return self.panels(state, rows_of(state))

    def small(self, state: ViewState) -> PagePicture:
        """The same on half the width of a sheet, of several panels the last one."""
        if state.page and not (state.hidden and state.page in HIDES_ALL):
            return self.page(state, SMALL_PAGE, alone=True, columns=SMALL_COLUMNS)
        name = list(rows_of(state))[-1]
        return self.panels(state, {name: SMALL_PANEL}, columns=SMALL_COLUMNS)


def rows_of(state: ViewState) -> dict[str, int]:
    """The panels that a zoom level is about, with the most lines of each."""
    rows = {"sentence": SENTENCE}
    inside = state.cursor.part < len(state.layer.parts) - 1
    if state.cursor.zoom == "cell" or inside:
        rows["cell"] = CELL
    if state.cursor.zoom == "equation" or inside:
        rows["equation"] = EQUATIONS
    return rows


def _tightened(strips: list[Strip]) -> list[Strip]:
    """The lines with at most one empty one between two others."""
    return [
        strip
        for strip, above in zip(strips, [None, *strips], strict=False)
        if strip.text.strip() or above is None or above.text.strip()
    ]


#: A number in the diagram of a cell.
_NUMBER = re.compile(rf"[+{MINUS}]?\d+\.\d+(?:e{MINUS}?\d+)?")


def _without_numbers(strip: Strip) -> Strip:
    """The line with an underscore for each character of its numbers."""
    return Strip(
        [
            Segment(_NUMBER.sub(lambda m: "_" * len(m[0]), segment.text), segment.style)
            for segment in strip
        ]
    )


def said(state: ViewState, page: Page | None = None) -> str:
    """What a picture shows, in words, for those who do not see it; without the hidden answer."""
    state = localized(without_answer(state))
    trace, t = state.trace, state.cursor.t
    place = state.text(
        "handout.alt_place", t=t + 1, T=len(trace.tokens), token=visible(trace.tokens[t])
    )
    if page is not None:
        title = state.text(f"page.{page.name}.title")
        question = state.text(f"page.{page.name}.question")
        return f"{title}: {question} {place} {told(page.conclusion(state))}".strip()
    part = "" if state.part == "predict" else part_words(state, state.part)
    return f"{place} {told(conclusion.clauses(state))} {part}".strip()


def told(clauses: Sequence[Clause]) -> str:
    """The clauses of a sentence, each in its longest text."""
    return sentence([visible(clause.texts[0]) for clause in clauses])


def top_layer(trace: Trace) -> int:
    """The layer that the head reads; of two directions the one that reads forward."""
    last = len(trace.layers) - 1
    both = last > 0 and trace.layers[last].direction == "backward"
    return last - both if both and trace.layers[last - 1].direction == "forward" else last


def at_top(state: ViewState) -> ViewState:
    """The view state with the cursor in the layer that the head reads."""
    layer = top_layer(state.trace)
    parts = len(state.trace.layers[layer].parts)
    unit = min(state.cursor.unit, state.trace.layers[layer].units - 1)
    cursor: Cursor = replace(state.cursor, layer=layer, part=parts - 1, unit=unit)
    return replace(state, cursor=cursor)
