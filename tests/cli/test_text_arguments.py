"""Arguments that begin with a dash: texts are read, options that are none are told."""

from __future__ import annotations

import json

import pytest

from rnnviz.cli import run


def result(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run(["step", *args])
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.mark.parametrize(
    ("args", "tokens"),
    [
        (("--units", "1", "-1 0 1"), ["-1", "0", "1"]),
        (("-1 0 1", "--units", "1"), ["-1", "0", "1"]),
        (("--units", "1", "-1", "0", "-.5"), ["-1", "0", "-0.5"]),
        (("--units", "1", "-1e-3,0.5,-2"), ["-0.001", "0.5", "-2"]),
        (("--units", "1", "--inputs", "2", "-1,2;-.5,3"), ["(-1, 2)", "(-0.5, 3)"]),
        (("--units", "1", "−1 0"), ["-1", "0"]),
        (("--units", "1", "--", "-1 0"), ["-1", "0"]),
        (("--units", "1", "-1", "--set", "x=-2"), ["-2"]),
        (("- not good",), ["not", "good"]),
        (("-not good",), ["not", "good"]),
        (("-5 degrees outside",), ["5", "degrees", "outside"]),
        (("-- not good",), ["not", "good"]),
        (("--wow what a film",), ["wow", "what", "a", "film"]),
    ],
)
def test_what_can_only_be_text_is_text(
    args: tuple[str, ...], tokens: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = result(capsys, *args, *([] if "--" in args else ["--json"]))
    assert code == 0, err
    if "--" not in args:
        assert json.loads(out)["tokens"] == tokens
    else:
        assert f"Tokens: {' '.join(tokens)}." in out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("good", "--pln"), "--plain"),
        (("good", "-x"), "No such option '-x'"),
        (("good", "--agianst=not good"), "--against"),
        (("--unit=1 2",), "'1 2' is not a valid integer"),
        (("-good",), "No such option"),
    ],
)
def test_a_misspelt_option_is_none(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = result(capsys, *args)
    assert (code, out) == (2, "") and said in err


def test_values_of_options_may_begin_with_a_dash_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = result(capsys, "it was good", "--against", "- not good", "--plain")
    assert code == 0 and "\ue000" not in out
    code, _, err = result(capsys, "-m", "- no model", "good")
    assert code == 2 and "\ue000" not in err and "- no model" in err
