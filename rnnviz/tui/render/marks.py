"""The marks of the screens. Each means one thing on every panel and page.

Besides these: ≠ − + and = of the second sentence's words (:mod:`rnnviz.tui.view.second_sentence`),
the points of the cells in a chart (:data:`rnnviz.tui.pages.cell_marks.MARKS`), and the points of a
page's own chart, which its legend names.
"""

from __future__ import annotations

#: Before the chosen row: the current token, part or entry.
CHOSEN = "▸"
#: Over the column of the chosen unit, beside its number.
UNIT_COLUMN = "▼"
#: In place of the glyph of a row's marked cell, which is that of the chosen unit.
UNIT_CELL = "◆"
#: Before what the second sentence says.
SECOND_SENTENCE = "◇"
#: Below the bar of the current token, where bars are too narrow for words.
THIS_BAR = "↑"
#: At the height of a predicted number, beside the bar of the true one.
PREDICTED = "◀"
#: At the output before a token: it rises, stays or falls there, as was predicted.
DIRECTION = "↗→↘"

MARKS = (CHOSEN, UNIT_COLUMN, UNIT_CELL, SECOND_SENTENCE, THIS_BAR, PREDICTED)
