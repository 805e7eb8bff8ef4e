"""The panels of a net that writes: below each token what follows it, and how likely that was."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rnnviz.analysis import next_tokens
from rnnviz.cli.step.plain_text import lines as plain_lines
from rnnviz.display import in_one_line, visible
from rnnviz.equations import number
from rnnviz.tui.pages.backward import BackwardPage
from rnnviz.tui.render.theme import ASCII
from rnnviz.tui.view.predict_first import without_answer
from tests.tui.pages.reading import SIZES, lines
from tests.tui.small_models import panels
from tests.tui.small_writer import TEXT, moment, read


def test_white_space_that_is_a_token_can_be_seen() -> None:
    assert [visible(text) for text in ("\n", " ", "\t", " \n", "a\nb")] == [
        "↵", "␣", "⇥", "␣↵", "a\\x0ab",
    ]  # fmt: skip
    assert in_one_line("no:\nan") == "no:↵an" and in_one_line("a\x1b") == "a\\x1b"
    assert visible(visible("\n")) == "↵" and "↵⇥".translate(ASCII) == "~_"


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("size", SIZES)
def test_the_panels_show_what_follows(lang: str, size: tuple[int, int]) -> None:
    t = 6
    view_state = moment(t, lang=lang)
    drawn = {name: "\n".join(found) for name, found in panels(view_state, size).items()}
    everything = "\n".join(drawn.values())
    for wrong in ("\\x0a", "not sure", "kararsız", "reads the next word", "last state only"):
        assert wrong not in everything
    p = next_tokens.next_probabilities(view_state.trace)
    bits = next_tokens.surprises(view_state.trace)
    sentence = drawn["sentence"]
    assert "p(next)" in sentence if lang == "en" else "p(sonraki)" in sentence
    below = sentence.splitlines()[2].split()[1:]
    assert below[: t + 1] == [number(float(value), 2) for value in p[: t + 1]]
    assert f"“{visible(TEXT[t])}”" in sentence.splitlines()[0]
    assert number(float(bits[t]), 2) in sentence.splitlines()[0]
    if size[0] >= 120:
        row = next(
            line for line in sentence.splitlines() if line.split()[:1] in (["bits"], ["bit"])
        )
        assert row.split()[1 : t + 2] == [number(float(b), 2) for b in bits[: t + 1]]
        rows = [line for line in drawn["equation"].splitlines() if "█" in line or "▸" in line]
        came = [line for line in rows if re.search("comes|gelen", line)]
        assert len(came) == 1 and visible(TEXT[t + 1]) in came[0]
        assert number(float(p[t])) in came[0]
        shown = [float(re.findall(r"[01]\.\d+", line)[0]) for line in rows if "e−" not in line]
        assert max(shown) == pytest.approx(float(view_state.trace.head.readout[t].max()), abs=1e-3)


def test_the_last_token_is_followed_by_nothing_yet() -> None:
    view_state = moment(len(TEXT) - 1)
    drawn = {name: "\n".join(found) for name, found in panels(view_state, (120, 36)).items()}
    assert "last token" in drawn["sentence"] and "▸" not in drawn["equation"]


@pytest.mark.parametrize("unit", range(6))
@pytest.mark.parametrize("t", [0, 5, 9])
def test_the_gradients_of_a_step_and_of_later_ones_add_up_on_the_screen(t: int, unit: int) -> None:
    from dataclasses import replace

    view_state = moment(t)
    last = len(view_state.layer.parts) - 1
    cursor = replace(view_state.cursor, part=last, unit=unit)
    said = lines(BackwardPage, replace(view_state, cursor=cursor), 120, 34)
    line = next(line for line in said if "the later steps" in line)
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"[+−]?\d\.\d+(?:e−?\d+)?", line)]
    signs = re.findall(r"= (\S+) ([+−]) (\S+) = (\S+)", line)
    assert len(numbers) == 3 and signs
    own, later, total = (
        float(n.strip("()").replace("−", "-"))
        for n in (signs[0][0], signs[0][1] + signs[0][2], signs[0][3])
    )
    digits = len(signs[0][3].partition(".")[2].partition("e")[0])
    assert own + later == pytest.approx(total, abs=10.0**-digits)
    assert any("this step's loss: W" in line for line in said)
    assert any("⊗ (p − y)" in line for line in said)


def test_other_nets_are_not_asked_for_the_next_token() -> None:
    from tests.tui.small_models import moment as other

    drawn = "\n".join(line for part in panels(other(t=2), (120, 36)).values() for line in part)
    assert "p(positive)" in drawn and "p(next)" not in drawn and "Δp" in drawn


@pytest.mark.parametrize("part", [0, 3])
def test_a_hidden_continuation_is_in_no_panel(part: int) -> None:
    from dataclasses import replace

    drawn = []
    for rest in ("era", "ono"):
        view_state = moment(6, TEXT[:7] + rest, hidden=True)
        view_state = replace(view_state, cursor=replace(view_state.cursor, part=part))
        drawn.append(panels(view_state, (120, 36)))
    assert drawn[0] == drawn[1]
    seen = without_answer(view_state).trace
    assert seen.tokens[7:] == ("?", "?", "?") and not np.any(seen.ids[7:])
    assert seen.head.step_losses is not None and not seen.head.step_losses[6:].any()


@pytest.mark.parametrize("text", ["ba", "bad", "ae\nno", "ae\nno ra lo"])
def test_the_shown_output_of_the_last_token_is_of_its_likeliest(text: str) -> None:
    """While a question of a lesson hides what comes later, as well as without one."""
    t = len(text) - 1
    asked = without_answer(moment(t, text, hidden=True, revealed=True))
    shown = asked.trace.head.readout[t, next_tokens.next_ids(asked.trace)[t]]
    assert shown == moment(t, text).trace.head.readout[t].max()


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_plain_lines_have_the_next_token_and_its_surprise(lang: str) -> None:
    trace = read()
    said = list(plain_lines(trace, 0, lang))
    bits = next_tokens.surprises(trace)
    assert sum(f"{number(float(b))} bit" in " ".join(said) for b in bits[:-1]) == len(bits) - 1
    assert not any("\\x0a" in line for line in said)
    mean = float(bits[:-1].mean())
    assert any(number(mean) in line and number(2**mean) in line for line in said)
