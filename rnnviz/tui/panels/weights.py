"""What never changes? The trained numbers into the chosen unit: the same at every token."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnviz.equations import number
from rnnviz.tui.render.segments import Line, heading, wrapped
from rnnviz.tui.view.view_state import ViewState, weight_names
from rnnviz.tui.view.widget import View


class WeightsView(View):
    """The strongest weights of the last matrices used up to this part."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        look, unit = moment.look, moment.cursor.unit
        lines = [
            heading(moment.text("panel.weights"), moment.text("question.weights"), width, look)
        ]
        parts = moment.layer.parts[: moment.cursor.part + 1]
        with_weights = [
            line for line in moment.layer.lines if line.part in parts and weight_names(line)
        ]
        if not with_weights:
            return lines
        for name in weight_names(with_weights[-1]):
            column = np.asarray(moment.layer.weights[name][:, unit], np.float64)
            order = np.argsort(-np.abs(column), kind="stable")[:8]
            said = moment.text(
                "view.weights_about",
                name=name,
                n=len(column),
                unit=moment.text("panel.unit", n=unit),
            )
            lines += [[Segment(" " + s, look.dim)] for s in wrapped(said, width - 2)]
            source = {"W": "x", "U": "h₋", "V": "c₋"}[name[0]]
            found = [f"{source}[{k}] {number(column[k], 2, True)}" for k in order]
            for text in wrapped("   ".join(found).replace("] ", "]~"), width - 3)[:2]:
                lines.append([Segment("  " + text.replace("~", " "), look.ink)])
        return lines
