"""One sentence on one page of HTML: every view as a picture, and the words to read them by."""

from __future__ import annotations

from dataclasses import replace

from rnnviz import i18n
from rnnviz.display import markup
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.tui.export import pictures
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.app import RnnvizApp, settled
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState

#: Columns and lines of the pictures: a page that one scrolls needs no narrow ones.
SIZE = (120, 40)

_STYLE = """
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; line-height: 1.5;
  font-family: system-ui, sans-serif; color: #222; background: #fff; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: left; }
.tables { display: flex; gap: 3rem; } caption { text-align: left; font-weight: bold; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
section { margin: 2.5rem 0; break-inside: avoid; } .what { color: #666; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616; } }
"""


async def report(app: RnnvizApp) -> str:
    """The whole page: no scripts, nothing fetched; user text is escaped."""
    async with app.run_test(size=SIZE) as pilot:
        screen = app.step_screen
        await settled(app, pilot)
        moment = screen.moment
        last = moment.layer.order[-1]
        read = replace(moment.cursor, t=last, part=len(moment.layer.parts) - 1)
        screen.show(paper=True, hidden=False, cursor=read)
        await settled(app, pilot)
        moment = screen.moment
        parts = [_opening(moment), _section(moment.text("report.screen"), "", "", _now(app))]
        for entry in PAGES:
            page: type[Page] = load(entry.name)
            if not page.applies(moment):
                continue
            screen.action_page(entry.name)
            await settled(app, pilot)
            if screen.paging.page is not None:
                screen.move(screen.paging.page.cursor_at_end(screen.moment))
                await settled(app, pilot)
            said = {k: moment.text(f"page.{entry.name}.{k}") for k in ("title", "question", "help")}
            parts.append(_section(said["title"], said["question"], said["help"], _now(app)))
            screen.action_page(entry.name)
            screen.move(read)
        title = markup(moment.trace.text or moment.trace.model)
    return (
        f'<!doctype html>\n<html lang="{moment.lang}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title} · rnnviz</title>\n'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _now(app: RnnvizApp) -> str:
    return pictures.of_screen(app, "svg")


def _section(title: str, question: str, how: str, picture: str) -> str:
    told = f'<p class="what">{markup(question)}</p>' if question else ""
    read = f"<p>{markup(how)}</p>" if how else ""
    return f"<section>\n<h2>{markup(title)}</h2>{told}\n{picture}\n{read}</section>"


def _opening(moment: ViewState) -> str:
    """What was read by what, and what was said after each token; of both sentences, if two."""
    trace, shown = moment.trace, moment.shown_class()
    found = second_sentence.difference(moment)
    other = None if found is None else found.b
    versus = (
        "" if other is None else f"<p>{markup(moment.text('report.against'))} {_title(other)}</p>\n"
    )
    size = i18n.units(moment.layer.units, moment.lang)
    tables = [_readings(each, moment, shown) for each in (trace, other) if each is not None]
    return (
        f"<h1>{_title(trace)}</h1>\n{versus}"
        f"<p>{markup(trace.model)} · {markup(moment.layer.title)} · {size} · {markup(trace.about)}"
        f'</p>\n<div class="tables">\n' + "\n".join(tables) + "\n</div>"
    )


def _title(trace: Trace) -> str:
    return markup(trace.text or trace.model)


def _readings(trace: Trace, moment: ViewState, shown: int) -> str:
    """A table with a row a token: what the head says after it."""
    head = trace.head
    label = markup(head.labels[shown]) if shown < len(head.labels) else ""
    rows = [
        f"<tr><td>{t + 1}</td><td>{markup(token)}</td>"
        f'<td class="n">{number(float(head.readout[t, shown]))}</td></tr>'
        for t, token in enumerate(trace.tokens)
    ]
    return (
        f"<table><caption>{_title(trace)}</caption>\n"
        f"<tr><th></th><th>{markup(moment.text('report.token'))}</th><th>{label}</th></tr>\n"
        + "\n".join(rows)
        + "\n</table>"
    )
