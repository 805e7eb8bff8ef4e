"""``rnnviz evaluate``: text, JSON, and the list on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rnnviz
from rnnviz.cli import evaluation_list, run
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.explore.evaluation import evaluate_table
from rnnviz.tui.app.choice_list import ListRow
from rnnviz.tui.app.list_app import ListApp
from rnnviz.tui.keymap import DEFAULT_KEYMAP

MODEL = "sentiment-lstm-8"
TEXTS = ("this movie was great", "this movie was awful", "a \x1b[31mdull film", "i loved it")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Four right labels and a wrong one, which is the worst example."""
    path = tmp_path / "films.csv"
    rows = zip((*TEXTS, "terrible, boring, awful"), (1, 0, 0, 1, 1), strict=True)
    path.write_text("text;label\n" + "".join(f"{text};{label}\n" for text, label in rows) + ";1\n")
    return path


def test_the_report_and_the_worst_example(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", MODEL, str(table), "--bad-rows", "skip", "--worst", "1"]) == 0
    out, err = capsys.readouterr()
    assert "accuracy 0.8000 (4 of 5)" in out
    worst = out.splitlines()[-1].split()
    assert worst[0] == "6" and worst[2:4] == ["positive", "negative"]
    assert "\x1b" not in out
    assert "matched in order: 0 is taken as negative, 1 is taken as positive. To" in err
    assert "Skipped 1 rows: line 7: the text is empty" in err


def test_labels_are_in_the_language_of_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, rows = tmp_path / "a.csv", "this movie was awful,{}\nthis movie was great,{}\n"
    for names, said in ((("0", "1"), "0 = olumsuz, 1 = olumlu"), (("olumsuz", "olumlu"), "")):
        path.write_text("text,label\n" + rows.format(*names), "utf-8")
        assert run(["evaluate", MODEL, str(path), "--lang", "tr", "--plain"]) == 0
        out, err = capsys.readouterr()
        assert said in err and ("eşlendi" in err) == bool(said)
        assert "hep 'olumsuz'" in out and "negative" not in out and "positive" not in out


def test_the_document(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", MODEL, str(table), "--bad-rows", "skip", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["confusion"] == [[2, 0], [1, 2]]
    assert found["worst"][0]["line"] == 6
    texts = [*TEXTS, "terrible, boring, awful"]
    probabilities = rnnviz.load(MODEL).predict(texts)
    wrong = found["worst"][0]
    assert wrong["probability"] == pytest.approx(float(probabilities[4, 0]), abs=1e-5)
    assert [found["labels_matched"], len(found["worst"])] == ["in order", 5]


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        ([MODEL, "films.csv"], 4, "1 of 6 rows cannot be used: line 7"),
        ([MODEL, "film.csv"], 2, "not there"),
        ([MODEL, "films.csv", "--label", "text", "--text", "label"], 4, "cannot be used"),
        ([MODEL, "films.csv", "--label", "text", "--text", "label", "--bad-rows", "skip"], 2,
         "are not those of sentiment-lstm-8"),
        (["jena-gru", "films.csv"], 4, "the columns 'Date Time'"),
        ([MODEL, "."], 2, "is a folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    args: list[str], code: int, reason: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(table.parent)
    assert run(["evaluate", *args]) == code
    assert reason in capsys.readouterr().err


async def test_enter_in_the_list_chooses_an_example() -> None:
    rows = [ListRow(k, f"text {k}", f"line {k}") for k in range(3)]
    app: ListApp[int] = ListApp("worst", rows, "filter", 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter")
    assert app.return_value == 2
    left: ListApp[int] = ListApp("worst", rows, "filter")
    async with left.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
    assert left.return_value is None


def test_a_chosen_example_opens_in_the_stepper(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = evaluate_table(MODEL, table.parent, TableChoice(table.name, bad_rows="skip"))
    chosen = iter((0, 2, None))
    opened = []
    monkeypatch.setattr(ListApp, "run", lambda self: next(chosen))
    monkeypatch.setattr(
        "rnnviz.cli.step.app.run_app",
        lambda app: opened.append(app.step_screen.view_state.latest_query) or 0,
    )
    code = evaluation_list.open_list(
        MODEL, found, 3, lang="tr", theme=None, color="never", keymap=DEFAULT_KEYMAP
    )
    assert code == 0
    assert opened[0].text == "terrible, boring, awful"
    assert opened[0].target == "positive" and len(opened) == 2
