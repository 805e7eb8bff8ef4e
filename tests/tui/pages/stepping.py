"""A sentence of sixty tokens on the panels or a page, stepped through as keys do it."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from rnnviz.cursor import Cursor, to_token
from rnnviz.explore import explorer
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.app import RnnvizApp

WORDS = "the film that was shown to us last night was not as good as the book had been but "
TEXT = " ".join((WORDS * 5).split()[:60])
#: The model a page is about, where it is not the default one.
MODELS = {
    "padding": "imdb-lstm", "net": "agnews-bilstm", "series": "jena-gru",
    "scan": "sentiment-mingru",
}  # fmt: skip
NAMES = ["", *(entry.name for entry in PAGES)]
Step = Callable[[Cursor, Trace, int], Cursor]


def opened(name: str, lang: str = "en") -> RnnvizApp | None:
    """The app on a page; None if the page has nothing to say about the sentence."""
    read = explorer()
    query = Query("" if name == "series" else TEXT, MODELS.get(name, "sentiment-lstm"))
    page_states = {}
    if name == "against":
        from rnnviz.tui.view.second_sentence import SecondSentence

        page_states = {"against": SecondSentence(TEXT.replace("not ", ""))}
    switch = ("sentiment-rnn", "sentiment-lstm", "sentiment-gru")
    app = RnnvizApp(
        read,
        query,
        read(query),
        switch=switch,
        page=name,
        page_states=page_states,
        lang=lang,
    )  # type: ignore[arg-type]
    if name and name != "clamp" and not load(name).applies(app.step_screen.view_state):
        return None
    return app


def wired(app: RnnvizApp) -> Console:
    """A terminal of true colour."""
    return Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=app.size.width
    )


def drawn(app: RnnvizApp, console: Console) -> str:
    """What is sent to the terminal for everything that asked to be painted again."""
    screen = app.step_screen
    screen._compositor.update_widgets(screen._dirty_widgets)
    screen._dirty_widgets.clear()
    update = screen._compositor.render_update()
    return "" if update is None else update.render_segments(console)


def steps(app: RnnvizApp, onward: bool = True) -> list[int]:
    """How many bytes every step to the next token sends, from end to end."""
    console, screen = wired(app), app.step_screen
    T = len(screen.view_state.trace.tokens)
    sizes = []
    for t in range(T) if onward else range(T - 1, -1, -1):
        screen.move(to_token(screen.view_state.cursor, screen.view_state.trace, t))
        sizes.append(len(drawn(app, console).encode()))
    return sizes[1:]  # the first one is a jump
