"""The weights panel: the strongest weights into the chosen unit."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnviz.equations import number
from rnnviz.tui.render.segments import Line, heading, wrapped
from rnnviz.tui.view.view_state import ViewState, weight_names
from rnnviz.tui.view.widget import View


class WeightsView(View):
    """The strongest weights of the matrices used last, up to the current part."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, unit = view_state.theme, view_state.cursor.unit
        lines = [
            heading(
                view_state.text("panel.weights"), view_state.text("question.weights"), width, theme
            )
        ]
        parts = view_state.layer.parts[: view_state.cursor.part + 1]
        with_weights = [
            line for line in view_state.layer.lines if line.part in parts and weight_names(line)
        ]
        if not with_weights:
            return lines
        for name in weight_names(with_weights[-1]):
            column = np.asarray(view_state.layer.weights[name][:, unit], np.float64)
            order = np.argsort(-np.abs(column), kind="stable")[:8]
            label = view_state.text(
                "view.weights_about",
                name=name,
                n=len(column),
                unit=view_state.text("panel.unit", n=unit),
            )
            lines += [[Segment(" " + s, theme.dim)] for s in wrapped(label, width - 2)]
            source = {"W": "x", "U": "h₋", "V": "c₋"}[name[0]]
            found = [f"{source}[{k}] {number(column[k], 2, True)}" for k in order]
            for text in wrapped("   ".join(found).replace("] ", "]~"), width - 3)[:2]:
                lines.append([Segment("  " + text.replace("~", " "), theme.ink)])
        return lines
