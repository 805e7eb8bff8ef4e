"""The list of the worst examples on a terminal; enter steps into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnviz import i18n
from rnnviz.cli import options
from rnnviz.cli.evaluation_text import WorstExample, short, worst_examples

if TYPE_CHECKING:
    from rnnviz.explore.evaluation import TableEvaluation
    from rnnviz.tui.keymap import Keymap
    from rnnviz.tui.step.app import RnnvizApp


def open_list(
    model: str, found: TableEvaluation, count: int, *, lang: str | None, theme: str | None,
    color: str, keymap: Keymap,
) -> int:  # fmt: skip
    """Show the list until it is left; an example that is chosen opens in the stepper."""
    from rnnviz.cli.step.app import run_app
    from rnnviz.tui.app.choice_list import ListRow
    from rnnviz.tui.app.list_app import ListApp

    language, colours = options.language(lang), options.use_colour(color)
    examples = worst_examples(found, count)
    rows = [ListRow(k, *_texts(example, language)) for k, example in enumerate(examples)]
    title = i18n.text(
        "worst.title", language, model=found.model, n=len(examples),
        accuracy=f"{found.evaluation.accuracy:.3f}",
    )  # fmt: skip
    chosen: int | None = 0
    while True:
        app = ListApp(
            title, rows, i18n.text("worst.filter", language), chosen, lang=language,
            theme=options.theme_name(theme), colour=colours, ascii_only=not options.unicode(),
            keymap=keymap,
        )  # fmt: skip
        chosen = app.run()
        if app.fault is not None:
            raise app.fault
        if chosen is None or app.signal is not None:
            return app.return_code or 0
        stepper = _stepper(model, examples[chosen], language, theme, colours, keymap)
        if code := run_app(stepper):
            return code


def _texts(example: WorstExample, lang: str) -> tuple[str, str]:
    about = i18n.text(
        "worst.row", lang, line=example.line,
        label=i18n.label(example.label, lang), predicted=i18n.label(example.predicted, lang),
        p=f"{example.probability:.3f}", loss=f"{example.loss:.2f}",
    )  # fmt: skip
    return short(example.text), about


def _stepper(
    model: str, example: WorstExample, lang: str, theme: str | None, colour: bool, keymap: Keymap
) -> RnnvizApp:
    """The stepper on an example, with the gradients of its own class."""
    from rnnviz import explore
    from rnnviz.analysis import model_family
    from rnnviz.engine.device import choose_for_trace
    from rnnviz.query import Query
    from rnnviz.tui.step.app import RnnvizApp

    explorer = explore.explorer(None, choose_for_trace("auto"))
    query = Query(example.text, model, example.label)
    trace = explorer(query)
    switch = model_family.switch_models(model_family.input_kind(query, trace))
    return RnnvizApp(
        explorer, query, trace, switch=switch, lang=lang, theme=options.theme_name(theme),
        colour=colour, ascii_only=not options.unicode(), keymap=keymap,
    )  # fmt: skip
