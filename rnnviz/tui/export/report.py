"""One sentence as one HTML page: every view as a picture, with its explanation."""

from __future__ import annotations

from dataclasses import replace

from rnnviz import i18n
from rnnviz.display import markup
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.tui.export import pictures
from rnnviz.tui.export.app_player import AppPlayer
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState

#: Columns and lines of the pictures.
SIZE = (120, 40)

_STYLE = """
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; line-height: 1.5;
  font-family: system-ui, sans-serif; color: #222; background: #fff; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: left; }
.tables { display: flex; flex-wrap: wrap; gap: 1rem 3rem; }
caption { text-align: left; font-weight: bold; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
section { margin: 2.5rem 0; break-inside: avoid; } .what { color: #666; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616; } }
"""


async def report(app: RnnvizApp, player: AppPlayer | None = None) -> str:
    """The HTML page; user text is escaped.

    No scripts and no external files, unless there is a ``player``, which opens the app.
    """
    async with app.run_test(size=SIZE) as pilot:
        screen = app.step_screen
        await settled(app, pilot)
        view_state = screen.view_state
        last = view_state.layer.order[-1]
        at_end = replace(view_state.cursor, t=last, part=len(view_state.layer.parts) - 1)
        screen.show(paper=True, hidden=False, cursor=at_end)
        await settled(app, pilot)
        view_state = screen.view_state
        panels = pictures.of_screen(app, "svg")
        parts = [
            _introduction(view_state),
            *([] if player is None else [player.section()]),
            _section(view_state.text("report.screen"), "", "", panels),
        ]
        for entry in PAGES:
            page: type[Page] = load(entry.name)
            if not page.applies(view_state):
                continue
            screen.action_page(entry.name)
            await settled(app, pilot)
            if screen.page_host.page is not None:
                screen.move(screen.page_host.page.cursor_at_end(screen.view_state))
                await settled(app, pilot)
            title, question, help_text = (
                view_state.text(f"page.{entry.name}.{key}") for key in ("title", "question", "help")
            )
            picture = pictures.of_screen(app, "svg")
            parts.append(_section(title, question, help_text, picture))
            screen.action_page(entry.name)
            screen.move(at_end)
        title = markup(view_state.trace.text or view_state.trace.model)
    style = _STYLE if player is None else _STYLE + player.style
    icon = "" if player is None else '<link rel="icon" href="data:,">\n'  # else a host is asked
    end = "" if player is None else f"<script>\n{player.script}</script>\n"
    return (
        f'<!doctype html>\n<html lang="{view_state.lang}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title} · rnnviz</title>\n'
        f"{icon}<style>{style}</style>\n" + "\n".join(parts) + f"\n{end}</html>\n"
    )


def _section(title: str, question: str, help_text: str, picture: str) -> str:
    subtitle = f'<p class="what">{markup(question)}</p>' if question else ""
    paragraph = f"<p>{markup(help_text)}</p>" if help_text else ""
    return f"<section>\n<h2>{markup(title)}</h2>{subtitle}\n{picture}\n{paragraph}</section>"


def _introduction(view_state: ViewState) -> str:
    """The sentence, the model, and a table of the prediction after each token of both sentences."""
    trace, shown = view_state.trace, view_state.shown_class()
    difference = second_sentence.difference(view_state)
    other = None if difference is None else difference.b
    versus = ""
    if other is not None:
        versus = f"<p>{markup(view_state.text('report.against'))} {_title(other)}</p>\n"
    size = i18n.units(view_state.layer.units, view_state.lang)
    tables = [
        _prediction_table(each, view_state, shown) for each in (trace, other) if each is not None
    ]
    name = i18n.model_name(trace.model, view_state.lang)
    about = (markup(name), markup(view_state.layer.title), size, markup(trace.about))
    return (
        f"<h1>{_title(trace)}</h1>\n{versus}<p>{' · '.join(about)}</p>\n"
        f'<div class="tables">\n' + "\n".join(tables) + "\n</div>"
    )


def _title(trace: Trace) -> str:
    return markup(trace.text or trace.model)


def _prediction_table(trace: Trace, view_state: ViewState, shown: int) -> str:
    """The prediction for class ``shown`` after each token, a row a token."""
    head = trace.head
    label = markup(head.labels[shown]) if shown < len(head.labels) else ""
    rows = [
        f"<tr><td>{t + 1}</td><td>{markup(token)}</td>"
        f'<td class="n">{number(float(head.readout[t, shown]))}</td></tr>'
        for t, token in enumerate(trace.tokens)
    ]
    return (
        f"<table><caption>{_title(trace)}</caption>\n"
        f"<tr><th></th><th>{markup(view_state.text('report.token'))}</th><th>{label}</th></tr>\n"
        + "\n".join(rows)
        + "\n</table>"
    )
