"""The title line and the status line of the dashboard."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.i18n import trained_on
from rnnviz.progress import RunFailed, RunFinished
from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.dashboard.progress_bars import percent
from rnnviz.tui.render.segments import Line, beside, length, wrapped


class DashboardTitle(DashboardPanel):
    """The recipe, the net, the data set and the epoch."""

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        theme, started, step = state.theme, state.progress.started, state.progress.step
        left = [
            Segment(f" {state.text('title.app')} ", theme.bold),
            Segment(f" {visible(started.recipe if started else state.name)} ", theme.source),
        ]
        right: Line = []
        if step is not None:
            text = state.text("dashboard.epoch_of", n=step.epoch, N=step.epochs)
            right = [Segment(text + " ", theme.now)]
        about = []
        if started:
            data = trained_on(started.data, state.lang)
            about = [(started.net, theme.ink), (data, theme.dim)]
        for text, style in about:
            piece = Segment(f"· {visible(text)} ", style)
            if text and length([*left, piece, *right]) + 1 <= width:
                left.append(piece)
        return [beside(left, right, width, theme.ink)]


class DashboardStatus(DashboardPanel):
    """The epoch and the best score so far; at the end, the results."""

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        theme, end = state.theme, state.progress.end
        if end is None:
            return [[Segment(" " + s, theme.ink)] for s in wrapped(_running(state), width - 2)]
        good = isinstance(end, RunFinished) and end.complete
        style = theme.chosen if good else theme.wrong if isinstance(end, RunFailed) else theme.now
        texts = [piece for text in closing(state) for piece in wrapped(visible(text), width - 4)]
        head, *rest = texts
        return [
            [Segment(f" {head} ", style)],
            *([Segment("   " + line, theme.ink)] for line in rest),
        ]


def _running(state: DashboardState) -> str:
    progress = state.progress
    if progress.started is None or (progress.step is None and not progress.epochs):
        return visible(progress.notes[-1]) if progress.notes else state.text("dashboard.reading")
    texts = []
    if progress.step is not None:
        texts.append(
            state.text("dashboard.epoch_of", n=progress.step.epoch, N=progress.step.epochs)
        )
    if (evaluation := progress.evaluation) is not None:
        share = percent(state, evaluation.batch / evaluation.batches)
        texts.append(state.text(f"dashboard.of_{evaluation.of}", share=share))
    return " · ".join([*texts, *scores(state)])


def scores(state: DashboardState) -> list[str]:
    """The best metric so far and the published one, as texts."""
    progress, best, texts = state.progress, state.progress.best, []
    name = state.text(f"dashboard.validated_{progress.metric}")
    if best is None:
        texts.append(state.text("dashboard.no_epoch"))
    else:
        value = state.own_score(best.valid[progress.metric])
        if progress.writes:
            value += state.text("dashboard.perplexity", value=f"{best.valid['perplexity']:.2f}")
        key = "dashboard.best" if progress.end is None else "dashboard.best_end"
        texts.append(state.text(key, name=name, value=value, n=best.number))
    if progress.started and progress.started.published is not None:
        value = state.score(progress.started.published)
        texts.append(state.text("dashboard.published", value=value))
    return texts


def closing(state: DashboardState) -> list[str]:
    """The texts at the end: how the training ended, its scores, its directory, what to do next."""
    progress, end = state.progress, state.progress.end
    assert end is not None
    if isinstance(end, RunFailed):
        return [state.text("dashboard.failed"), *end.message.splitlines()]
    texts = [state.text("dashboard.finished" if end.complete else "dashboard.time_up")]
    numbers = scores(state)
    if progress.metric in progress.test:
        numbers.append(
            state.text("dashboard.test", value=state.own_score(progress.test[progress.metric]))
        )
    texts.append(" · ".join(numbers))
    if not end.complete and progress.notes:
        return texts + progress.notes[-1].splitlines()
    if progress.started and progress.started.published is not None and progress.started.source:
        texts.append(state.text("dashboard.source", source=progress.started.source))
    return [*texts, state.text("dashboard.where", path=end.path)]
