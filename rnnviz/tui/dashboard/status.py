"""How does it go? Where we are in one line, how the learning goes in words, what it came to."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.progress import RunFailed, RunFinished
from rnnviz.tui.dashboard.bars import percent
from rnnviz.tui.dashboard.board import Board, Panel
from rnnviz.tui.render.segments import Line, beside, length, wrapped


class DashboardTitle(Panel):
    """The first line: what is trained, on what, and at which epoch it is."""

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        look, begun, step = board.theme, board.story.begun, board.story.step
        left = [
            Segment(f" {board.text('title.app')} ", look.bold),
            Segment(f" {visible(begun.recipe if begun else board.name)} ", look.source),
        ]
        right: Line = []
        if step is not None:
            said = board.text("dashboard.epoch_of", n=step.epoch, N=step.epochs)
            right = [Segment(said + " ", look.now)]
        about = ((begun.net, look.ink), (begun.data, look.dim)) if begun else ()
        for said, style in about:
            piece = Segment(f"· {visible(said)} ", style)
            if said and length([*left, piece, *right]) + 1 <= width:
                left.append(piece)
        return [beside(left, right, width, look.ink)]


class DashboardStatus(Panel):
    """How the learning goes, in words; at the end, what it came to."""

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        look, end = board.theme, board.story.end
        if end is None:
            return [[Segment(" " + s, look.ink)] for s in wrapped(_going(board), width - 2)]
        good = isinstance(end, RunFinished) and end.complete
        style = look.chosen if good else look.wrong if isinstance(end, RunFailed) else look.now
        told = [piece for said in closing(board) for piece in wrapped(visible(said), width - 4)]
        head, *rest = told
        return [
            [Segment(f" {head} ", style)],
            *([Segment("   " + line, look.ink)] for line in rest),
        ]


def _going(board: Board) -> str:
    story = board.story
    if story.begun is None or (story.step is None and not story.epochs):
        return visible(story.notes[-1]) if story.notes else board.text("dashboard.reading")
    said = []
    if story.step is not None:
        said.append(board.text("dashboard.epoch_of", n=story.step.epoch, N=story.step.epochs))
    if (checked := story.checked) is not None:
        share = percent(checked.batch / checked.batches)
        said.append(board.text(f"dashboard.of_{checked.of}", share=share))
    return " · ".join([*said, *scores(board)])


def scores(board: Board) -> list[str]:
    """The best metric so far and the published one, in words."""
    story, best, said = board.story, board.story.best, []
    name = board.text(f"dashboard.{story.metric}")
    if best is None:
        said.append(board.text("dashboard.no_epoch"))
    else:
        value = _both(board, best.valid[story.metric])
        key = "dashboard.best" if story.end is None else "dashboard.best_end"
        said.append(board.text(key, name=name, value=value, n=best.number))
    if story.begun and story.begun.published is not None:
        value = board.score(story.begun.published)
        said.append(board.text("dashboard.published", value=value))
    return said


def _both(board: Board, value: float) -> str:
    # The published number has no second form: nobody knows the scale it was measured on.
    return board.score(value) + board.real(value)


def closing(board: Board) -> list[str]:
    """What is said at the end: how it ended, the numbers, where it is, what can be done now."""
    story, end = board.story, board.story.end
    assert end is not None
    if isinstance(end, RunFailed):
        return [board.text("dashboard.failed"), *end.message.splitlines()]
    said = [board.text("dashboard.finished" if end.complete else "dashboard.time_up")]
    numbers = scores(board)
    if story.metric in end.test:
        numbers.append(board.text("dashboard.test", value=_both(board, end.test[story.metric])))
    said.append(" · ".join(numbers))
    if not end.complete and story.notes:
        return said + story.notes[-1].splitlines()
    if story.begun and story.begun.published is not None and story.begun.source:
        said.append(board.text("dashboard.source", source=story.begun.source))
    return [*said, board.text("dashboard.where", path=end.path)]
