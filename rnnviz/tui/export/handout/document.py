"""The HTML page of a handout: one file, for paper and for a screen, that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from rnnviz import i18n
from rnnviz.display import folded, json_text, markup, visible
from rnnviz.glossary import Term, glossary, on_screen
from rnnviz.lessons.lesson import Lesson
from rnnviz.query import Explorer, Query
from rnnviz.trace import Trace
from rnnviz.tui.export.app_player import FRAMES, AppPlayer
from rnnviz.tui.export.handout.calculation import Calculation, calculation
from rnnviz.tui.export.handout.gradient_tables import gradient_tables
from rnnviz.tui.export.handout.inline_svg import COLUMN, LINE, PictureSheet
from rnnviz.tui.export.handout.lesson_sheet import LessonSheet
from rnnviz.tui.export.handout.scenes import (
    COLUMNS,
    HEATMAP,
    SENTENCE,
    Studio,
    at_top,
)
from rnnviz.tui.export.handout.walk import WalkFrame, walk_frames
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.pages import load
from rnnviz.tui.view.label_translation import localized
from rnnviz.tui.view.view_state import ViewState

#: What a browser may use of the page: its own styles and script, and no connection at all.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
#: The most rows of a heat map; a longer text has none.
MOST_HEATMAP = 30


@dataclass(frozen=True)
class HandoutSource:
    """What a handout is of: the query of its sentence, its trace, and a lesson or None.

    ``command`` is the command that made the page.
    """

    query: Query
    trace: Trace
    command: str
    lesson: Lesson | None = None


def handout(
    source: HandoutSource, explorer: Explorer, lang: str, *, answers: bool = True,
    keymap: Keymap = DEFAULT_KEYMAP, player: AppPlayer | None = None,
) -> str:  # fmt: skip
    """The page as HTML; RnnvizError if what the lesson reads cannot be read.

    ``answers`` False leaves out what is right, and from the player the pictures that tell it. With
    an AppPlayer the page can open the app, too.
    """
    studio = Studio(explorer, lang, PictureSheet(), keymap)
    return _Handout(source, studio, answers, player).page()


@dataclass
class _Handout:
    """A page as it is put together."""

    source: HandoutSource
    studio: Studio
    answers: bool
    app: AppPlayer | None

    @property
    def lang(self) -> str:
        """The language of the page."""
        return self.studio.lang

    def say(self, key: str, **values: object) -> str:
        """A text of the handout, escaped."""
        return markup(i18n.text(f"handout.{key}", self.lang, **values))

    def page(self) -> str:
        """The whole page."""
        lesson, studio = self.source.lesson, self.studio
        state = at_top(studio.view_state(self.source.query, self.source.trace))
        sheet = None if lesson is None else LessonSheet(studio, lesson, self.answers)
        worked = calculation(state)
        frames = [] if sheet is None else list(sheet.frames())
        lesson_frames = len(frames)
        frames += walk_frames(studio, state)
        body = [
            self._header(state),
            self._player(),
            *([] if self.app is None else [self.app.section()]),
            *([] if sheet is None else [self._section("steps", self.say("steps"), sheet.steps())]),
            self._sentence(state),
            self._equations(state, worked),
            self._backward(state),
            self._glossary(state),
        ]
        if self.answers:
            body.append(self._answers(worked, [] if sheet is None else sheet.answer_sections()))
        return "\n".join(self._document(state, body, frames, lesson_frames)) + "\n"

    def _document(
        self, state: ViewState, body: Sequence[str], frames: Sequence[WalkFrame], lesson_frames: int
    ) -> Iterator[str]:
        """Last, when every picture is on the sheet."""
        title = visible(self.source.lesson.title if self.source.lesson else _title(state))
        yield f'<!doctype html>\n<html lang="{self.lang}">\n<head>\n<meta charset="utf-8">'
        policy = POLICY if self.app is None else f"{POLICY}; {FRAMES}"
        yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield '<link rel="icon" href="data:,">'
        yield f"<title>{markup(title)} · rnnviz</title>"
        yield f"<style>\n{_resource('handout.css')}\n{self.studio.sheet.css()}\n</style>"
        if self.app is not None:
            yield f"<style>\n{self.app.style}</style>"
        yield "</head>"
        yield "<body>"
        yield self.studio.sheet.definitions()
        yield "\n".join(body)
        data = json_text(_frames_record(frames, lesson_frames))
        # A script ends at the first "</script", in whatever it stands.
        data = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield f'<script type="application/json" id="frames">{data}</script>'
        yield f"<script>\n{_resource('handout.js')}</script>"
        if self.app is not None:
            yield f"<script>\n{self.app.script}</script>"
        yield "</body>\n</html>"

    def _section(self, name: str, title: str, content: str, *, sheet: bool = False) -> str:
        kind = ' class="sheet"' if sheet else ""
        return f'<section id="{name}"{kind}>\n<h2>{title}</h2>\n{content}\n</section>'

    # -- parts ------------------------------------------------------------------------------------

    def _header(self, state: ViewState) -> str:
        lesson, state = self.source.lesson, localized(state)
        trace, layer = state.trace, state.layer
        name = i18n.model_name(trace.model, self.lang)
        size = i18n.units(layer.units, self.lang)
        net = " · ".join(filter(None, (name, layer.title, size, trace.about)))
        if lesson is None:
            lines = [f"<h1>{markup(_title(state))}</h1>"]
        else:
            number = f"{lesson.number}. " if lesson.number else ""
            lines = [
                f"<h1>{number}{markup(lesson.title)}</h1>",
                f'<p class="ask">{markup(lesson.question)}</p>',
            ]
        lines.append(f"<p>{markup(net)}</p>")
        made = self.say("made_by")
        lines.append(f"<p>{made} <code>{markup(self.source.command)}</code></p>")
        return "<header>\n" + "\n".join(lines) + "\n</header>"

    def _player(self) -> str:
        """The controls of the player; its pictures are drawn by the script."""
        buttons = "".join(
            f'<button type="button" data-go="{go}" aria-label="{self.say(key)}" '
            f'title="{self.say(key)}">{sign}</button>'
            for go, key, sign in (
                ("first", "go_first", "|←"), ("back-word", "go_back_word", "«"),
                ("back", "go_back", "←"), ("next", "go_next", "→"),
                ("next-word", "go_next_word", "»"), ("last", "go_last", "→|"),
            )
        )  # fmt: skip
        return (
            f'<section class="player" aria-labelledby="player-title">\n'
            f'<h2 id="player-title">{self.say("player")}</h2>\n<p>{self.say("player_keys")}</p>\n'
            f'<div class="keys">{buttons}<input type="range" id="slider" min="1" value="1" '
            f'aria-label="{self.say("slider")}"><span id="frame-count"></span></div>\n'
            '<div aria-live="polite"><h3 id="frame-title"></h3><p class="text" id="frame-text"></p>'
            '</div>\n<div class="stage" id="stage" tabindex="0"></div>\n</section>'
        )

    def _sentence(self, state: ViewState) -> str:
        """The whole text read: the predictions, then what the gates and states did."""
        pictures = [self.studio.panels(state, {"sentence": SENTENCE + 1})]
        if len(state.trace.tokens) <= MOST_HEATMAP and state.layer.units > 1:
            pictures += [
                self.studio.panels(
                    state,
                    {name: max(HEATMAP, len(state.trace.tokens) + 2)},
                    self.say("alt_heatmap", name=state.symbol(name), word=state.word("name", name)),
                )
                for name in state.quantities
            ]
        content = "\n".join(
            f"<figure>{self.studio.sheet.svg(picture)}</figure>" for picture in pictures
        )
        # A trace has nothing before it but its title.
        sheet = self.source.lesson is not None
        return self._section("sentence", self.say("sentence"), content, sheet=sheet)

    def _equations(self, state: ViewState, worked: Calculation) -> str:
        items = "\n".join(f"<li>{line}</li>" for line in worked.lines)
        picture = self.studio.blank_cell(state, i18n.text("handout.alt_cell", self.lang))
        note = self.say(
            "equations_note", unit=state.cursor.unit, t=state.cursor.t + 1,
            token=visible(state.trace.tokens[state.cursor.t]),
        )  # fmt: skip
        return self._section(
            "equations", self.say("equations", cell=visible(localized(state).layer.title)),
            f"<p>{note}</p>\n<figure>{self.studio.sheet.svg(picture)}</figure>\n"
            f'<ol class="equations">\n{items}\n</ol>',
            sheet=True,
        )  # fmt: skip

    def _backward(self, state: ViewState) -> str:
        page = load("backward")(state)
        walked = replace(state, page="backward", backward=True, cursor=page.cursor_at_end(state))
        picture = self.studio.page(self.studio.answered(walked), 30, alone=True)
        objective = markup(localized(state).loss())
        return self._section(
            "backward", self.say("backwards"),
            f"<p>{self.say('backwards_note')} {objective}</p>\n"
            f"<figure>{self.studio.sheet.svg(picture)}</figure>\n"
            f'<div class="scroll" tabindex="0">{gradient_tables(state)}</div>',
            sheet=True,
        )  # fmt: skip

    def _glossary(self, state: ViewState) -> str:
        terms = "\n".join(
            f"<div><dt>{markup(term.name[self.lang])}</dt><dd>{markup(term.about[self.lang])}</dd></div>"
            for term in _terms(state, self.source.lesson)
        )
        return self._section("glossary", self.say("glossary"), f"<dl>\n{terms}\n</dl>")

    def _answers(self, worked: Calculation, sections: Sequence[str]) -> str:
        computed = ", ".join(f"{letter} = {value}" for letter, value in worked.blanks)
        own = (
            f'<details id="computed"><summary>{self.say("computed")}</summary>'
            f"<p>{markup(computed)}</p></details>"
        )
        return self._section(
            "answers", self.say("answers"),
            '<div class="columns">\n' + "\n".join([own, *sections]) + "\n</div>", sheet=True,
        )  # fmt: skip


def _title(state: ViewState) -> str:
    return state.trace.text or state.trace.model


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _frames_record(frames: Sequence[WalkFrame], lesson_frames: int) -> dict[str, object]:
    """The pictures of the player as JSON values; those of the walk all have the same height."""
    high = max((len(frame.picture.lines) for frame in frames[lesson_frames:]), default=1)
    return {
        "width": COLUMNS * COLUMN,
        "line": LINE,
        "frames": [
            {
                "title": frame.title, "text": frame.text, "alt": frame.picture.alt,
                "group": frame.group, "lines": list(frame.picture.lines),
                "rows": len(frame.picture.lines) if n < lesson_frames else high,
            }
            for n, frame in enumerate(frames)
        ],
    }  # fmt: skip


def _terms(state: ViewState, lesson: Lesson | None) -> list[Term]:
    """The terms of the glossary that the page uses, in the glossary's order.

    Those of the cell's parts, of the pages, of the lesson, and those that a text of it names.
    """
    layer = state.layer
    pages = ["backward"]
    texts = ""
    if lesson is not None:
        shown = (view for step in lesson.steps for view in (step.view, step.reveal_view))
        pages += [view for view in shown if view and view != "panels"]
        texts = folded(" ".join(f"{step.say} {step.reveal}" for step in lesson.steps))
    found = [term for part in layer.parts for term in on_screen(part, "", layer.cell)]
    found += [term for page in pages for term in on_screen("", page, layer.cell)]
    found += [
        term for term in glossary().values() if lesson is not None and term.lesson == lesson.id
    ]
    found += [t for t in glossary().values() if texts and _named(t, state.lang, texts)]
    keys = {term.key for term in found}
    return [term for key, term in glossary().items() if key in keys]


def _named(term: Term, lang: str, texts: str) -> bool:
    """Whether the folded texts have the term; in Turkish suffixes may follow."""
    name = folded(term.name[lang])
    return len(name) > 3 and f" {name}" in texts
