"""The step screen: it owns the moment, sets it down to every view, and answers the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Region
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from rnnviz import i18n
from rnnviz.cursor import ZOOMS, Cursor, fitted, to_part, to_token, to_unit, zoomed
from rnnviz.display import visible
from rnnviz.errors import RnnvizError, one_line
from rnnviz.files import write_new
from rnnviz.query import Explorer, Query, Question, Tracer
from rnnviz.trace import Trace
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.panels import arrangement
from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.cell_diagram import diagram
from rnnviz.tui.panels.equations import Equations
from rnnviz.tui.panels.gradients import Gradients
from rnnviz.tui.panels.heatmap import Heatmap, HeatmapWords, rows
from rnnviz.tui.panels.reach import Reaches
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.panels.weights import WeightsView
from rnnviz.tui.render.segments import wrapped
from rnnviz.tui.step.actions import bindings
from rnnviz.tui.step.key_bar import KeyBar, Small, Status
from rnnviz.tui.step.page_host import Paging, QuestionAnswered
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change
from rnnviz.tui.view.view_state import Reach, ViewState
from rnnviz.tui.view.widget import CellPicked, DrawnView, KeyClicked

if TYPE_CHECKING:
    from textual.widgets import Input

#: Seconds a step is shown, from slow to fast.
SPEEDS = (4.0, 2.0, 1.5, 1.0, 0.7, 0.4, 0.2)
HEATMAPS = 8


class Read(Message):
    """A tracer has answered: a new trace, or why there is none."""

    def __init__(
        self, query: Query, trace: Trace | None, reason: str = "", quiet: bool = False
    ) -> None:
        super().__init__()
        self.query, self.trace, self.reason, self.quiet = query, trace, reason, quiet


class ReachCompared(Message):
    """The reach of other cells over the same sentence."""

    def __init__(self, text: str, reaches: dict[str, Reach], reason: str = "") -> None:
        super().__init__()
        self.text, self.reaches, self.reason = text, reaches, reason


@dataclass(frozen=True)
class InputLine:
    """What the line that is being typed into is for, and what has been asked for from it."""

    then: Callable[[ViewState, str], Change] | None = None  # None: a sentence to read
    asked: Question | None = None
    opened: float = 0.0  # when, on the clock of Textual's messages


class Panels(Layout):
    """Places the panels by :func:`~rnnviz.tui.panels.arrangement.arrange`; hides the others."""

    name = "panels"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Any, greedy: bool = True
    ) -> ArrangeResult:
        assert isinstance(parent, StepScreen)
        places = parent.places(size.width, size.height)
        return [
            WidgetPlacement(
                places.get(child.id or "", Region()), child.styles.offset.resolve(size, size),
                child.styles.margin, child,
            )
            for child in children
            if places.get(child.id or "")
        ]  # fmt: skip


class StepScreen(DiffScreen, Screen[None]):
    """One trace, one cursor, every view of it."""

    DEFAULT_CSS = """
    StepScreen { overflow: hidden; }
    StepScreen #typing { border: none; height: 1; padding: 0 1; width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, read: Tracer, moment: ViewState, explore: Explorer | None = None) -> None:
        super().__init__()
        self.read_with, self.moment = read, moment
        self.paging = Paging(self, explore or cast("Explorer", read))
        self._panels = Panels()
        self._awaited = {"size", "screen"}
        self._begun = False
        self._timer: Timer | None = None
        self._line = InputLine()
        self._speed = SPEEDS.index(1.0)

    # -- where things stand -------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """The arithmetic layout instead of one from a style sheet."""
        return self._panels

    def places(self, width: int, height: int) -> arrangement.Places:
        """The region of every visible view at this size."""
        moment, plan = self.moment, diagram(self.moment.layer)
        status = len(wrapped(moment.status, max(1, width - 4)))
        return arrangement.arrange(
            width,
            height,
            zoom=moment.cursor.zoom,
            shape=arrangement.Shape(
                len(moment.trace.tokens),
                moment.layer.units,
                min(HEATMAPS, len(moment.quantities)),
                (plan.width, len(plan.art)),
                len([m for m in moment.reaches if m != moment.trace.model]),
            ),
            status=min(status, 3),
            typing=self.input is not None,
            page=moment.page,
            alone=self.paging.alone,
        )

    def compose(self) -> ComposeResult:
        """Every view once; which ones are seen is the layout's business."""
        moment = self.moment
        yield TitleBar(moment, id="title")
        yield Sentence(moment, id="sentence")
        for slot in range(HEATMAPS):
            yield HeatmapWords(moment, id=f"words-{slot}")
            yield Heatmap(moment, slot)
        yield CellView(moment, id="cell")
        yield Equations(moment, id="equation")
        yield Gradients(moment, id="backward")
        yield Reaches(moment, id="reach")
        yield WeightsView(moment, id="weights")
        yield Status(moment, id="status")
        yield KeyBar(moment, id="keys")
        yield Small(moment, id="small")

    def on_mount(self) -> None:
        """Nothing is asked of the place for toasts, which are not used here."""
        # Textual hides it a moment later, and that would be another layout.
        self.query("#textual-toastrack").set(display=False)

    def on_resize(self) -> None:
        """The size is known: one of the two things the first picture waits for."""
        self._awaited.discard("size")
        self._begin_if_ready()

    def on_screen_resume(self) -> None:
        """The screen is on: the other one."""
        self._awaited.discard("screen")
        self._begin_if_ready()

    def _begin_if_ready(self) -> None:
        if not self._awaited and not self._begun:
            self._begun = True
            # Long enough for the views' own layout requests to have arrived.
            self.set_timer(0.01, self._begin)

    def _begin(self) -> None:
        """The first picture is painted when every view is in place, and only once."""
        from rnnviz.tui.step.app import RnnvizApp

        # Textual would paint the layout, then the screen, then the layout again: lay out while
        # nothing is written, take back what was asked for, and paint the whole once.
        self._refresh_layout()
        self._layout_required = self._repaint_required = False
        self._dirty_widgets.clear()
        if isinstance(self.app, RnnvizApp):
            self.app.begin()
        self.paging.inquire()
        self.app._display(self, self._compositor.render_update(full=True))

    def show(self, **changes: Any) -> None:
        """Another moment, set down to every view; the layout moves only if it must."""
        before = self._key()
        self.moment = replace(self.moment, **changes)
        places = self.places(*self.size)
        # Not by a query, which asks every widget's style sheet classes: every view is a child.
        for view in self.children:
            if not isinstance(view, DrawnView):
                continue
            if view.id in places:
                view.set_down(self.moment)
            else:
                view.put_away(self.moment)
        if self._key() != before:
            # From a child: a widget that asks for itself keeps its own old arrangement.
            self.query_one("#title").refresh(layout=True)

        self.paging.inquire()

    def _key(self) -> object:
        moment = self.moment
        T = len(moment.trace.tokens)
        shape = (moment.layer.cell, moment.layer.units, T, len(moment.reaches))
        return (moment.cursor.zoom, moment.page, moment.trace.model, *shape, moment.status)

    def move(self, cursor: Cursor) -> None:
        """Another cursor; a message that was read goes away with it."""
        self.show(cursor=cursor, first=self._first_row(cursor.t), status="", failed=False)

    def _first_row(self, t: int) -> int:
        """The token of the first row when the cursor goes to token t.

        A step over the edge turns to rows of which t is the first that is read: what comes after
        it is still dots, so that only one row of numbers has to be sent.
        """
        page, moment = self.paging.page, self.moment
        shown = (
            page.visible_tokens if page else rows(moment, self.query_one("#heat-0").size.height)[1]
        )
        if shown is None:
            return moment.first
        if t in shown:
            return shown.start
        step = abs(t - moment.cursor.t) == 1 and moment.layer.order[0] == 0
        return t if step else max(0, t - len(shown) + 1)

    # -- the keys -----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a terminal that is too small only leaving it makes sense."""
        small = (
            self.size.width < arrangement.SMALLEST[0] or self.size.height < arrangement.SMALLEST[1]
        )
        return action == "quit" if small and self.size.width else True

    def action_token(self, step: int) -> None:
        """Along the sentence."""
        self.move(to_token(self.moment.cursor, self.moment.trace, self.moment.cursor.t + step))

    def action_edge(self, end: int) -> None:
        """To the first or the last token."""
        t = (len(self.moment.trace.tokens) - 1) * end
        self.move(to_token(self.moment.cursor, self.moment.trace, t))

    def action_part(self, step: int) -> None:
        """Along the parts of the cell, over the borders of tokens."""
        self.move(to_part(self.moment.cursor, self.moment.trace, step))

    def action_unit(self, step: int) -> None:
        """To another unit."""
        self.move(to_unit(self.moment.cursor, self.moment.trace, step))

    def action_page(self, name: str) -> None:
        """Open a page in place of the panels, or close it."""
        self.paging.toggle(name)

    def on_key(self, event: events.Key) -> None:
        """The keys of an open page come before the screen's own."""
        if self.input is not None:
            if self.moment.failed:  # whoever goes on typing has read it
                self.show(status="", failed=False)
        elif self.paging.knows(event.key):
            event.stop()
            event.prevent_default()
            # The screen's own keys wait in the app's queue; behind them, the order is kept.
            self.app.call_later(self._press, event)

    def _press(self, event: events.Key) -> None:
        if not self.type_on(event):
            self.paging.press(event.key)

    def action_page_key(self, key: str) -> None:
        """A key of the open page, clicked in the key bar."""
        self.paging.press(key)

    def action_zoom(self, step: int) -> None:
        """In or out; at the outermost level esc does nothing, it never quits."""
        if self.input is not None:
            self.stop_typing()
            self.show(status="", failed=False)
        elif self.moment.status and step < 0:
            self.show(status="", failed=False)
        elif self.moment.page and step < 0:
            self.paging.toggle(self.moment.page)
        else:
            self.show(cursor=zoomed(self.moment.cursor, step))

    def action_view(self) -> None:
        """The next zoom level, round and round."""
        zooms = ZOOMS
        at = (zooms.index(self.moment.cursor.zoom) + 1) % len(zooms)
        self.show(cursor=replace(self.moment.cursor, zoom=zooms[at]))

    def action_play(self) -> None:
        """Steps by itself: tokens in the sentence, parts in the cell."""
        if self._timer is not None:
            self._stop()
            return
        if self._next() == self.moment.cursor:
            self.move(self._start())
        self._run()

    def _start(self) -> Cursor:
        moment, page = self.moment, self.paging.page
        own = page.first_cursor(moment) if page is not None else None
        return own or to_token(moment.cursor, moment.trace, moment.layer.order[0])

    def _run(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(SPEEDS[self._speed], self._play_on)
        self.show(seconds=SPEEDS[self._speed])

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self.show(seconds=None)

    def _next(self) -> Cursor:
        moment, page = self.moment, self.paging.page
        own = page.next_cursor(moment) if page is not None else None
        if own is not None:
            return own
        if moment.cursor.zoom != "sentence":
            return to_part(moment.cursor, moment.trace, 1)
        order = moment.layer.order
        at = order.index(moment.cursor.t) + 1
        t = order[min(at, len(order) - 1)]
        return to_token(moment.cursor, moment.trace, t)

    def _play_on(self) -> None:
        after = self._next()
        if after == self.moment.cursor:
            self._stop()
        else:
            self.move(after)

    def action_speed(self, step: int) -> None:
        """Faster or slower."""
        self._speed = min(max(self._speed + step, 0), len(SPEEDS) - 1)
        if self._timer is not None:
            self._run()

    def action_backward(self) -> None:
        """The equation panel walks back, or forward again."""
        self.show(backward=not self.moment.backward)

    def action_beside(self) -> None:
        """What differs from the second sentence lit in every view, or this sentence alone."""
        own = second_sentence.state(self.moment)
        if not own.text:
            self.fail("beside.none")
            return
        own = replace(own, highlighted=not own.highlighted)
        self.show(page_states={**self.moment.page_states, own.page: own})
        self.say("beside.lit" if own.highlighted else "beside.unlit", text=visible(own.text))

    def action_predict(self) -> None:
        """Hide what comes at this token; press again to see it."""
        hidden = not self.moment.hidden
        hint = self.moment.text("view.hidden_hint") if hidden else ""
        self.show(hidden=hidden, status=hint, failed=False)

    def action_layer(self) -> None:
        """The next layer or direction."""
        moment = self.moment
        N = len(moment.trace.layers)
        if N == 1:
            self.say("status.one_layer")
            return
        # The place within the token is kept by meaning, not by number: cells differ.
        done = moment.cursor.part == len(moment.layer.parts) - 1
        cursor = replace(moment.cursor, layer=(moment.cursor.layer + 1) % N)
        cursor = replace(cursor, part=10**6) if done else cursor
        self.move(fitted(cursor, moment.trace))
        self.say("status.layer", n=self.moment.cursor.layer + 1, N=N, name=self.moment.layer.name)

    def action_language(self) -> None:
        """The next language, at once."""
        at = (i18n.LANGUAGES.index(self.moment.lang) + 1) % len(i18n.LANGUAGES)
        self.show(lang=i18n.LANGUAGES[at], status="")

    def action_theme(self) -> None:
        """The next theme."""
        app = self.app
        assert isinstance(app, ThemedApp)
        name = app.wear_next()
        self.show(theme=app.look)
        self.say(f"theme.{name}")

    def action_screenshot(self, form: str = "svg") -> None:
        """The screen as SVG or text in the working folder; an older one is never overwritten."""
        from rnnviz.tui.export import pictures

        drawn = pictures.of_screen(self.app, form)
        try:
            path = write_new(Path.cwd(), "rnnviz", form, drawn)
        except OSError as error:
            where = error.filename or "."
            self.fail("status.not_saved", path=where, reason=error.strerror or "?")
        else:
            self.say("status.saved", path=path)

    def action_help(self) -> None:
        """All keys, and how to read each panel."""
        from rnnviz.tui.step.help import HelpScreen, page

        self.app.push_screen(HelpScreen(page(self.moment)))

    def action_quit(self) -> None:
        """Leave; nothing is lost."""
        self.app.exit(0)

    def say(self, key: str, **values: object) -> None:
        """A message above the keys."""
        self.show(status=self.moment.text(key, **values), failed=False)

    def fail(self, key: str, **values: object) -> None:
        """A message about what did not work."""
        self.show(status=self.moment.text(key, **values), failed=True)

    # -- another sentence, another cell ---------------------------------------------------------

    @property
    def input(self) -> Input | None:
        """The line a sentence is being typed into, if there is one."""
        return next((child for child in self.children if child.id == "typing"), None)  # type: ignore[return-value]

    def action_sentence(self) -> None:
        """A line to type a sentence into."""
        self.open_line(self.moment.text("status.type"))

    def open_line(
        self,
        words: str,
        filled: str = "",
        selected: bool = False,
        then: Callable[[ViewState, str], Change] | None = None,
    ) -> None:
        """A line to type into; ``words`` say what, ``then`` is done with it.

        ``selected``: what is typed takes the place of what is filled in.
        """
        from rnnviz.tui.step.line_input import LineInput

        if self.input is not None:
            return
        self._stop()
        self._line = InputLine(then, opened=Message().time)
        line = LineInput(filled, placeholder=words, id="typing", select_on_focus=selected)
        line.cursor_blink = False
        self.show(status="", failed=False)
        self.mount(line)
        self.set_focus(line)

    def type_on(self, event: events.Key) -> bool:
        """Type a key into the line that was opened after it was pressed; whether it was such one.

        Keys that come all at once are on their way to the screen when the first opens the line.
        """
        line = self.input
        if line is None or event.time >= self._line.opened:
            return False
        line.post_message(events.Key(event.key, event.character))
        return True

    def stop_typing(self) -> None:
        """Close the line."""
        if self.input is not None:
            self.input.remove()
        self._line = InputLine()
        self.set_focus(None)

    def on_input_changed(self) -> None:
        """Whoever goes on typing has read what was wrong."""
        if self.moment.failed:
            self.show(status="", failed=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A line was typed. It stays until it has led to something: else it can be mended."""
        said, then = event.value.strip(), self._line.then
        if then is not None:
            self._submit(then(self.moment, said))
        elif said:
            query = replace(self.moment.query, text=said, target=None)
            self._line = replace(self._line, asked=query)
            self.ask(query)
        else:
            self.fail("status.empty")

    def _submit(self, change: Change) -> None:
        """Do what was typed on a page; the line is closed unless something may still fail."""
        if change.failed:
            self.show(status=change.message, failed=True)
            return
        moment = self.moment
        new = None if change.query == moment.query else change.query
        asked = new or change.question
        if asked is None or asked in moment.answers:
            self.stop_typing()
        else:
            self._line = replace(self._line, asked=asked)
        self.paging.apply(change)
        if asked in moment.failures:
            self.line_answered(asked, moment.failures[asked])

    def line_answered(self, question: Question, reason: str) -> None:
        """What the line has asked for is there; ``reason``: or why it is not."""
        if self.input is None or question != self._line.asked:
            return
        if reason:
            self.fail("status.failed", reason=reason.rstrip("."))
        else:
            self.stop_typing()

    def on_paste(self, event: events.Paste) -> None:
        """Text pasted where no line is open is a sentence to read."""
        said = " ".join(event.text.split())
        if self.input is None and said:
            self.ask(replace(self.moment.query, text=said, target=None))

    def action_cell(self, n: int) -> None:
        """The same sentence, read by another cell."""
        if n >= len(self.moment.others):
            self.fail("status.no_cell", n=n + 1)
        else:
            self.ask(replace(self.moment.query, model=self.moment.others[n]))

    def ask(self, query: Query, *, quiet: bool = False) -> None:
        """Read another query; ``quiet``: what is said meanwhile stays, and so does the place."""
        self._stop()
        if not quiet:
            self.say("status.reading", text=query.text)
        self._read(query, quiet)

    @work(thread=True, exclusive=True, group="read", exit_on_error=False)
    def _read(self, query: Query, quiet: bool) -> None:
        try:
            self.post_message(Read(query, self.read_with(query), quiet=quiet))
        except RnnvizError as error:
            self.post_message(Read(query, None, one_line(error)))
        except Exception as error:
            # A tracer that breaks must not take the lecture with it.
            self.post_message(Read(query, None, f"{type(error).__name__}: {error}"))

    def on_read(self, message: Read) -> None:
        """The new trace, with the cursor at the same place; or the reason why not."""
        if message.trace is None:
            self.fail("status.failed", reason=message.reason.rstrip("."))
            return
        self.line_answered(message.query, "")
        before, trace = self.moment, message.trace
        same_text = trace.tokens == before.trace.tokens
        if message.quiet:  # a number of the text was changed, not the text
            same_text = len(trace.tokens) == len(before.trace.tokens)
        done = before.cursor.part == len(before.layer.parts) - 1
        cursor = before.cursor if same_text else replace(before.cursor, t=0)
        cursor = replace(cursor, part=10**6) if done or not same_text else cursor
        reaches = before.reaches if same_text else {}
        cursor = fitted(cursor, trace)
        said = {} if message.quiet else {"status": "", "failed": False}
        self.show(trace=trace, query=message.query, cursor=cursor, reaches=reaches, **said)

    def action_reach(self) -> None:
        """Read the sentence with the other cells too, and compare how far back they feel."""
        moment = self.moment
        if moment.comparing or not moment.others:
            return
        self.show(comparing=True)
        queries = [replace(self.moment.query, model=m, target=None) for m in moment.others[:3]]
        self._compare(queries)

    @work(thread=True, exclusive=True, group="compare", exit_on_error=False)
    def _compare(self, queries: Sequence[Query]) -> None:
        found: dict[str, Reach] = {}
        reason = ""
        for query in queries:
            try:
                layer = self.read_with(query).layers[-1]
            except RnnvizError as error:
                reason = one_line(error)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                found[query.model] = Reach(layer.title, layer.reach)
        self.post_message(ReachCompared(queries[0].text, found, reason))

    def on_question_answered(self, message: QuestionAnswered) -> None:
        """An answer to what the open page asked."""
        self.paging.answered(message)

    def on_reach_compared(self, message: ReachCompared) -> None:
        """The comparison arrives, unless another sentence is being read by now."""
        if message.text != self.moment.query.text:
            self.show(comparing=False)
            return
        T = len(self.moment.trace.tokens)
        reaches = {m: r for m, r in message.reaches.items() if len(r.values) == T}
        self.show(reaches=reaches, comparing=False)
        if message.reason:
            self.fail("status.failed", reason=message.reason.rstrip("."))

    # -- the mouse ----------------------------------------------------------------------------

    def on_cell_picked(self, message: CellPicked) -> None:
        """A token or a unit was pointed at."""
        cursor = self.moment.cursor
        if message.t is not None:
            cursor = replace(cursor, t=message.t)
        if message.unit is not None:
            cursor = replace(cursor, unit=message.unit)
        self.move(fitted(cursor, self.moment.trace))

    async def on_key_clicked(self, message: KeyClicked) -> None:
        """A key of the key bar was clicked."""
        await self.run_action(message.action)
