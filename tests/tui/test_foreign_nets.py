"""What screens say about nets of other frameworks: assumptions, outputs, what is not read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnviz.cli.step.plain_text import lines as plain_lines
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.tracer import trace
from rnnviz.tui.pages.net import NetPage
from rnnviz.tui.pages.padding import PaddingPage
from rnnviz.tui.pages.series import SeriesPage
from rnnviz.tui.pages.units import UnitsPage
from rnnviz.tui.panels.change_row import change_row
from rnnviz.tui.panels.prediction_bars import number_scale
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.panels.word_columns import window
from rnnviz.tui.step.help import sections
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.reading import lines
from tests.tui.small_models import made, moment

SAID = tuple(
    f"the activation of lstm_{n}: tanh (not stored). Otherwise: --activation" for n in "123"
)


def net(head: HeadSpec, labels: tuple[str, ...], *, ids: bool = False) -> StoredModel:
    """A small net that reads vectors, or ids."""
    source = EmbeddingSpec(9, 3) if ids else SeriesSpec(3)
    spec = ModelSpec(source, (RecurrentSpec("gru", 4),), head)
    imported = {"assumptions": [{"what": "the activation", "value": "tanh", "reason": "not stored",
                                 "option": "--activation"}]}  # fmt: skip
    encoder = TokenIds(9) if ids else Vectors(3)
    record = {"imported": imported}
    return StoredModel("net.onnx", Model(spec, initialise(spec, 3)), encoder, labels, record)


def read(stored: StoredModel, t: int = 2) -> ViewState:
    text = "1 2 3" if stored.text_form == "ids" else "1 0 0; 0 1 0; 0 0 1"
    query = Query(text, stored.name)
    return moment(trace(stored, query), t, query=query)


STATES = net(HeadSpec("state", 4), ("h[0]", "h[1]", "h[2]", "h[3]"))
EVERY = net(HeadSpec("softmax", 3, reads="steps"), ("a", "b", "c"), ids=True)
NUMBER = net(HeadSpec("linear", 1), ("y",))


def title(view_state: ViewState, width: int) -> str:
    (line,) = TitleBar(view_state).lines(view_state, width, 1)
    return "".join(segment.text for segment in line)


@pytest.mark.parametrize(("lang", "count"), [("en", "3 assumed"), ("tr", "3 varsayım")])
def test_the_title_counts_the_assumptions_and_names_the_layer(lang: str, count: str) -> None:
    about = "imported from NumPy, with 3 assumptions"
    deep = made(layers=2).localized(lang)
    deep = replace(deep, model="textgenrnn_weights.hdf5", assumptions=SAID, about=about)
    m = moment(deep.localized(lang), lang=lang)
    assert count in title(m, 120) and "lstm.0" in title(m, 120)
    assert "lstm.0" in title(m, 80)
    assert title(m, 200).count("3 ") == 1 and "NumPy" in title(m, 200)
    assert "assumed" not in title(moment(made()), 120)


def test_the_help_lists_the_assumptions_and_files_keep_them(tmp_path: Path) -> None:
    (said,) = read(NUMBER).trace.assumptions
    assert said == "the activation: tanh (not stored). Otherwise: --activation"
    save_trace(read(NUMBER).trace, tmp_path / "net.npz")
    kept = open_trace(tmp_path / "net.npz")
    assert kept.assumptions == (said,)
    rows = [row for section in sections(moment(kept)) for row in section.rows]
    assert ("", said) in rows
    assert ("", said) not in [row for s in sections(moment(made())) for row in s.rows]


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_the_net_page_knows_heads_of_every_step_and_nets_without_a_head(lang: str) -> None:
    every = "\n".join(lines(NetPage, replace(read(EVERY), lang=lang), 120, 40))
    assert "s · W + b" in every and "⊗" not in every
    assert ("returned, (3, 4)" if lang == "en" else "verilir, (3, 4)") in every
    assert "return_sequences=True:" in every and "[:, −1] is right" not in every
    states = "\n".join(lines(NetPage, replace(read(STATES), lang=lang), 120, 40))
    assert "W + b" not in states.splitlines()[1]
    assert ("no head" if lang == "en" else "katmanı yok") in states


@pytest.mark.parametrize("stored", [NUMBER, EVERY])
@pytest.mark.parametrize("page", [PaddingPage, UnitsPage, SeriesPage])
def test_pages_that_do_not_apply_say_so_in_turkish(page: type, stored: StoredModel) -> None:
    if (page, stored) == (PaddingPage, EVERY):
        return  # nets of ids are padded
    text = " ".join(lines(page, replace(read(stored), lang="tr"), 100, 20))
    assert "model" in text and "reads" not in text and "This" not in text
    assert ("sayı okuyor" in text) == (stored is NUMBER)


def test_the_output_that_is_named_is_that_of_the_gradients() -> None:
    text = list(plain_lines(read(STATES).trace, 0, "en"))
    value = read(STATES).trace.head.output[0]
    assert any(line.startswith(f"Output: h[0] = {value:.2f}".replace("-", "−")) for line in text)
    assert any(line.startswith("Gradients are of h[0]") for line in text)
    assert read(NUMBER).trace.head.objective == "y"


@pytest.mark.parametrize(
    "values", [[0.391], [-0.006], [8.9e-4], [0.0], [0.3911, 0.3912], [3.0, 3.0]]
)
def test_the_ends_of_the_axis_have_different_labels(values: list[float]) -> None:
    scale = number_scale(np.array(values))
    assert scale.top != scale.bottom
    assert all(-1e-9 <= scale.share(value) <= 1 + 1e-9 for value in values)


def test_a_small_change_of_a_number_is_not_zero() -> None:
    m = read(NUMBER, 0)
    small = replace(m.trace.head, W=m.trace.head.W * 1e-3, readout=m.trace.head.readout * 1e-3)
    m = replace(m, trace=replace(m.trace, head=small))
    text = "".join(segment.text for segment in change_row(m, window(m, 100)))
    assert "e−" in text or ("0.00" in text and " 0 " not in text)


def test_labels_of_white_space_are_printed() -> None:
    letters = net(HeadSpec("softmax", 3), (" ", "\n", "a"))
    with pytest.raises(UsageError, match=r"Use one of: ␣, ↵, a\.$"):
        trace(letters, Query("1 0 0", "net.onnx", target="zz"))
