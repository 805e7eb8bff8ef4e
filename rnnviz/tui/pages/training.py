"""Page of the training of the model: the loss and the metric of each epoch."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from rnnviz import i18n
from rnnviz.analysis.training_history import TrainingHistory, TrainingHistoryQuestion
from rnnviz.charts import Chart
from rnnviz.charts.training_curves import ChartText, best_of, learning_curves
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.render.chart_lines import chart_lines
from rnnviz.tui.render.segments import Line, length, wrapped
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState

#: From this width on the two charts are side by side.
BESIDE = 110


class TrainingPage(Page):
    """Two charts: the loss, and the metric that the training is judged by."""

    name = "training"
    full_screen = True

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return view_state.query.hand is None and view_state.query.random is None

    def questions(self, view_state: ViewState) -> Sequence[TrainingHistoryQuestion]:
        if not self.applies(view_state):
            return ()
        return (TrainingHistoryQuestion(view_state.query.model),)

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        name = i18n.model_name(view_state.query.model, view_state.lang)
        head = self.head(view_state, width, visible(name))
        history = next((view_state.answers.get(q) for q in self.questions(view_state)), None)
        if not isinstance(history, TrainingHistory):
            return [head, [], *self._paragraph(view_state, self._why(view_state), width)]
        texts = self._paragraph(view_state, self._summary(view_state, history), width)
        room = max(4, height - 2 - len(texts))
        return [head, *self._charts(view_state, history, width, room), [], *texts]

    def _why(self, view_state: ViewState) -> str:
        """The reason why there is no history to draw."""
        for question in self.questions(view_state):
            reason = view_state.failures.get(question)
            return self.page_text(view_state, "reading") if reason is None else visible(reason)
        return self.page_text(view_state, "untrained")

    def _paragraph(self, view_state: ViewState, text: str, width: int) -> list[Line]:
        theme = view_state.theme
        return [[Segment(" " + line, theme.ink)] for line in wrapped(text, max(10, width - 2))]

    def _charts(
        self, view_state: ViewState, history: TrainingHistory, width: int, height: int
    ) -> list[Line]:
        # The loss of a net that forecasts is its metric.
        metrics = [history.metric] if history.metric == "mae" else [history.metric, "loss"]
        theme, beside = view_state.theme, width >= BESIDE and len(metrics) > 1
        columns = width // 2 if beside else width
        rows = height if beside else height // len(metrics)
        drawn = [
            chart_lines(self._chart(view_state, history, metric), theme, columns, rows)
            for metric in metrics
        ]
        if not beside:
            return [line for chart in drawn for line in chart]
        return [
            [*one, Segment(" " * (columns - length(one)), theme.ink), *other]
            for one, other in zip(*drawn, strict=True)
        ]

    def _chart(self, view_state: ViewState, history: TrainingHistory, metric: str) -> Chart:
        texts = ChartText(
            title="",
            **{
                key: self.page_text(view_state, f"chart_{key}", **{n: f"{{{n}}}" for n in names})
                for key, names in _NAMES.items()
            },
        )
        own = metric == history.metric
        return learning_curves(
            self.page_text(view_state, f"metric_{metric}"),
            [epoch.number for epoch in history.epochs],
            history.values("train", metric),
            history.values("valid", metric),
            better=history.better if own else "low",
            published=history.published if own else None,
            texts=texts,
        )

    def _summary(self, view_state: ViewState, history: TrainingHistory) -> str:
        """The best and the last epoch in words."""
        values = history.values("valid", history.metric)
        best = best_of(values, history.better)
        if best is None:
            return ""
        found = {
            "metric": self.page_text(view_state, f"metric_{history.metric}"),
            "epoch": history.epochs[best].number,
            "best": number(values[best], 3),
            "epochs": len(values),
            "last": number(values[-1], 3),
        }
        return self.page_text(view_state, "summary", **found)


#: The placeholders of each text of a chart.
_NAMES = {
    "training": (), "validation": (), "epoch": (), "published": ("value",),
    "best": ("value", "epoch"),
}  # fmt: skip
