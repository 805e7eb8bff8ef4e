"""The notes as lines: what is said, the notes, the answer, what the class sees, what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from rnnviz import i18n
from rnnviz.display import in_one_line, visible
from rnnviz.lessons.predictions import allowed, spoken
from rnnviz.tui.keymap import localized_key
from rnnviz.tui.notes.notes_state import NotesState
from rnnviz.tui.notes.vote_lines import vote_lines
from rnnviz.tui.pages import PAGES
from rnnviz.tui.render.segments import Line, beside, cut, heading, trimmed, wrapped
from rnnviz.tui.view.widget import DrawnView, KeyClicked

#: Columns of the longest line of a text, which is read from a metre away.
LONGEST = 88
#: The key bar: actions, and the text of both.
KEYS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("lesson_on",), "key.lesson_on"),
    (("lesson_back",), "key.lesson_back"),
    (("type",), "key.lesson_type"),
    (("token_back", "token_on"), "key.token"),
    (("part_back", "part_on"), "key.part"),
    (("language",), "notes.key_language"),
    (("help",), "key.help"),
    (("quit",), "key.quit"),
)


@dataclass(frozen=True)
class _Section:
    """A titled part of the notes; the lines of the one with the greatest ``rank`` go first."""

    title: str
    lines: tuple[Line, ...]
    rank: int
    note: str = ""


class NotesTitle(DrawnView[NotesState]):
    """The lesson, where it is, and the clock."""

    def lines(self, state: NotesState, width: int, height: int) -> list[Line]:
        theme, player = state.theme, state.player
        name = state.name or state.text("notes.title")
        title = visible(name if player is None else player.lesson.title)
        left = [Segment(f" {title} ", theme.bold)]
        if player is not None:
            n, N = player.index + 1, len(player.lesson.steps)
            left.append(Segment(f"· {state.text('notes.step', n=n, N=N)}", theme.source))
        clock, late = clock_text(state)
        style = theme.wrong if late else theme.now
        return [beside(left, [Segment(f"{clock} ", style)], width, theme.ink)]


class NotesView(DrawnView[NotesState]):
    """All sections; of what does not fit, the least important goes first."""

    def lines(self, state: NotesState, width: int, height: int) -> list[Line]:
        theme, sections = state.theme, list(_sections(state, min(LONGEST, width - 4)))
        room = height - sum(1 + len(section.lines) for section in sections)
        drop: dict[str, int] = {}
        for section in sorted(sections, key=lambda each: -each.rank):
            drop[section.title] = min(max(0, -room), max(0, len(section.lines) - 1))
            room += drop[section.title]
        lines: list[Line] = []
        for section in sections:
            kept = section.lines[: len(section.lines) - drop[section.title]]
            lines.append(heading(section.title, "", width, theme, section.note))
            lines += [trimmed(line, width, theme.ink) for line in kept]
            if drop[section.title]:
                lines[-1] = trimmed([*trimmed(lines[-1], width - 2, theme.ink),
                                     Segment("…", theme.dim)], width, theme.ink)  # fmt: skip
            if room > 0 and section is not sections[-1]:
                lines.append([])
                room -= 1
        return lines


def _sections(state: NotesState, width: int) -> Iterator[_Section]:
    theme, player = state.theme, state.player
    if state.session is None:
        yield _Section(state.text("notes.waiting"), _text(_waiting(state), width, theme.now), 0)
    if player is not None:
        step, say = player.step, state.text
        yield _Section(say("notes.say"), _text(player.said, width, theme.bold), 1)
        if step.notes:
            yield _Section(say("notes.notes"), _text(step.notes, width, theme.now), 0)
        if step.question is not None:
            yield _Section(say("notes.answer"), tuple(_answer(state, width)), 1)
    elif state.session is not None:
        empty = state.text("notes.no_lesson")
        yield _Section(state.text("notes.notes"), _text(empty, width, theme.dim), 2)
    if state.session is not None and state.vote is not None:
        lines = vote_lines(state, state.vote, width)
        yield _Section(state.text("notes.vote"), tuple(lines), 0)
    if state.session is not None and state.cursor is not None:
        yield _Section(state.text("notes.class"), tuple(_class(state, width)), 3)
    if player is not None:
        after = state.next_player()
        text = state.text("notes.end") if after is None else after.said
        yield _Section(
            state.text("notes.next"), _text(text, width, theme.dim), 4, _what_next(state)
        )


def _waiting(state: NotesState) -> str:
    command = f"rnnviz lesson {state.name}".strip() if state.name else "rnnviz step"
    return state.text("notes.wait", command=visible(command))


def _text(text: str, width: int, style: Style) -> tuple[Line, ...]:
    lines: list[Line] = [[Segment("  " + line, style)] for line in wrapped(visible(text), width)]
    return tuple(lines)


def _answer(state: NotesState, width: int) -> Iterator[Line]:
    """The options with the right one marked, or the right number or word; then what was said."""
    theme, step, answer = state.theme, state.step, state.answer
    assert step is not None and step.question is not None
    question = step.question
    for n, option in enumerate(question.options, start=1):
        right = n == question.right
        mark = "✓" if right else " "
        style = theme.chosen if right else theme.ink
        yield [Segment("  ", theme.ink),
               Segment(cut(f"{mark} {n} {visible(option)} ", width), style)]  # fmt: skip
    if not question.options:
        within = ""
        if question.kind == "number":
            within = " " + state.text("notes.within", within=allowed(question.within))
        known = visible(state.right) or "…"  # not computed yet
        yield [Segment("  ", theme.ink), Segment(f"✓ {known} ", theme.chosen),
               Segment(within, theme.ink)]  # fmt: skip
    if answer is not None and answer.question == step.id:
        yield [Segment("  " + cut(_answered(state), width), _answer_style(state))]


def _answer_style(state: NotesState) -> Style:
    correct = None if state.answer is None else state.answer.correct
    return state.theme.wrong if correct is False else state.theme.now


def _answered(state: NotesState) -> str:
    answer = state.answer
    assert answer is not None
    seconds = f"{answer.seconds:.0f}"
    if answer.answer is None:
        return state.text("notes.passed", seconds=seconds)
    given = f"“{visible(answer.text)}”" if answer.text else spoken(answer.answer)
    mark = {True: " ✓", False: " ✗", None: ""}[answer.correct]
    return state.text("notes.answered", answer=given + mark, seconds=seconds)


def _class(state: NotesState, width: int) -> Iterator[Line]:
    """What is on the screen of the class, in one or two lines."""
    theme, cursor, query = state.theme, state.cursor, state.query
    assert cursor is not None
    if query is not None:
        clamps = "".join(f" · {visible(clamp)}" for clamp in query.clamps)
        name = i18n.model_name(query.model, state.lang)
        text = f"{visible(name)}{clamps} · {in_one_line(query.text)}"
        yield [Segment("  " + cut(text, width), theme.ink)]
    page = state.text("notes.panels")
    if state.page in {entry.name for entry in PAGES}:
        page = state.text(f"page.{state.page}.title")
    place = state.text(
        "notes.place", n=cursor.t + 1, N=cursor.tokens, token=visible(cursor.token),
        part=i18n.word("part", cursor.part, state.lang), unit=cursor.unit,
    )  # fmt: skip
    hidden = f" · {state.text('notes.hidden')}" if state.hidden else ""
    yield [Segment("  " + cut(f"{page} · {place}{hidden}", width), theme.ink)]


def _what_next(state: NotesState) -> str:
    """What the key that goes on leads to: a reveal, a change, another step."""
    player, after = state.player, state.next_player()
    if player is None or after is None:
        return ""
    if after.index != player.index:
        return state.text("notes.next_step", n=after.index + 1)
    return state.text("notes.next_reveal" if after.phase == "revealed" else "notes.next_change")


def clock_text(state: NotesState) -> tuple[str, bool]:
    """The minutes that have passed of those that are planned, and whether they are over."""
    minutes = None if state.lesson is None else state.lesson.minutes
    if state.seconds is None:
        return ("" if minutes is None else state.text("notes.minutes", minutes=minutes)), False
    whole = int(state.seconds)
    clock = f"{whole // 60}:{whole % 60:02}"
    if minutes is None:
        return clock, False
    return state.text("notes.clock", clock=clock, minutes=minutes), whole >= 60 * minutes


class NotesKeyBar(DrawnView[NotesState]):
    """The keys, all of them clickable."""

    def lines(self, state: NotesState, width: int, height: int) -> list[Line]:
        return [[piece for piece, _ in self._pieces(state, width)]]

    def _pieces(self, state: NotesState, width: int) -> list[tuple[Segment, str | None]]:
        theme, keymap = state.theme, state.keymap
        found: list[tuple[Segment, str | None]] = []
        for gap in (3, 2, 1):
            found = [(Segment(" ", theme.ink), None)]
            for names, word in KEYS:
                for n, name in enumerate(names):
                    key = localized_key(keymap[name].keys[0], state.lang)
                    found.append((Segment(f" {key}" if n else key, theme.key), name))
                found.append((Segment(f" {state.text(word)}", theme.ink), names[-1]))
                found.append((Segment(" " * gap, theme.ink), None))
            found.pop()  # the last gap
            if sum(piece.cell_length for piece, _ in found) <= width:
                break
        return found

    def picked(self, state: NotesState, x: int, y: int) -> KeyClicked | None:
        """The action of the key that was clicked."""
        at = 0
        for piece, name in self._pieces(state, self.size.width):
            at += piece.cell_length
            if x < at:
                return None if name is None else KeyClicked(action_of(name))
        return None


#: Actions that are done here and not on the screen of the class.
OWN_ACTIONS = {
    "lesson_on": "go_on", "type": "answer", "language": "language", "theme": "theme",
    "help": "help", "quit": "quit",
}  # fmt: skip


def action_of(name: str) -> str:
    """Textual's action of an action of the keymap in this terminal."""
    return OWN_ACTIONS.get(name, f"steer({name!r})")
