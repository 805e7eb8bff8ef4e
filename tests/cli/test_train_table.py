"""``rnnviz train FILE``: from a table to a run that can be stepped through."""

from __future__ import annotations

import json
import random
import shlex
from pathlib import Path

import pytest

import rnnviz
from rnnviz.cli import run
from rnnviz.cli.table_options import NAMES
from rnnviz.errors import UsageError
from rnnviz.explore.units import corpus

GOOD, BAD = ("good", "great", "fine", "lovely"), ("bad", "awful", "poor", "dull")


def table(path: Path, rows: int = 120, delimiter: str = ",", more: str = "") -> Path:
    """Texts whose class is that of one word in them."""
    rng = random.Random(1)
    lines = [delimiter.join(("review", "sentiment"))]
    for n in range(rows):
        words = [
            rng.choice(BAD if n % 2 else GOOD),
            *rng.choices("the a film was so it".split(), k=4),
        ]
        rng.shuffle(words)
        lines.append(f"{' '.join(words)}{delimiter}{'negative' if n % 2 else 'positive'}")
    path.write_text("\n".join(lines) + "\n" + more, "utf-8")
    return path


SMALL = ("--epochs", "2", "--units", "4", "--embedding", "6", "--plain")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table."""
    folder = tmp_path_factory.mktemp("own")
    path = table(folder / "my.csv", more=",positive\nno label\n")
    out = folder / "run"
    assert run(["train", str(path), *SMALL, "--test", ".1", "--out", str(out)]) == 0
    return out


def test_a_run_records_the_table(trained: Path) -> None:
    spec = json.loads((trained / "spec.json").read_text())
    assert spec["recipe"] == "my.csv"
    assert spec["labels"] == ["negative", "positive"]
    assert spec["config"]["head"] == {"kind": "sigmoid", "outputs": 1, "dropout": 0.2, "hidden": 0}
    assert spec["config"]["source"]["width"] == 6
    prepared = spec["preparation"]
    assert (prepared["training"], prepared["validation"], prepared["test"]) == (84, 24, 12)
    assert prepared["skipped rows"] == 2
    assert json.loads((trained / "result.json").read_text())["test"]["accuracy"] >= 0


def test_a_run_is_a_model_like_any_other(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", "-m", str(trained), "the film was great", "--json"]) == 0
    trace = json.loads(capsys.readouterr().out)
    assert trace["head"]["labels"] == ["negative", "positive"]
    assert run(["runs", "show", str(trained)]) == 0
    assert "my.csv" in capsys.readouterr().out
    assert run(["models", "export", str(trained), str(tmp_path / "own.json")]) == 0
    exported = json.loads((tmp_path / "own.json").read_text())
    assert exported["training"]["command"].startswith("rnnviz train my.csv")
    same = [
        rnnviz.load(str(name)).predict(["a dull film"]) for name in (trained, tmp_path / "own.json")
    ]
    assert abs(same[0] - same[1]).max() < 1e-2


def test_the_units_of_a_run_are_measured_on_its_validation_texts(trained: Path) -> None:
    source, texts = corpus(rnnviz.load(str(trained)))
    assert (source, len(texts)) == ("my.csv, 24", 24)
    words = set(" ".join(texts).split())
    assert words <= {*GOOD, *BAD, *"the a film was so it".split()}


def test_a_run_can_be_resumed(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--resume", str(trained), "--epochs", "3", "--plain"]) == 0
    assert len((trained / "history.jsonl").read_text().splitlines()) == 3
    assert run(["train", "--resume", str(trained), "--text", "review"]) == 2


def test_what_was_found_is_said_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "my.csv", 60, ";", "the same text;positive\n" * 10)
    assert run(["train", str(path), *SMALL, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    for part in (
        "my.csv: separated by semicolons, UTF-8; 70 rows, 2 columns.",
        "The text is column 'review', by its name",
        "Split: 56 to train, 14 to validate",
        "Classes: negative 30 (43 %), positive 40 (57 %). "
        "Always saying 'positive' is right in 57.1 %",
        "Lengths: median 5 words",
        "Vocabulary: ",
        "validation texts are also among the training texts (line ",
        "Step through it: rnnviz step -m ",
    ):
        assert part in said


def test_a_folder_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", str(tmp_path)]) == 2
    (tmp_path / "adir").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert run(["train", "adir"]) == 2
    assert "adir is a folder. Name a table in it" in capsys.readouterr().err


def test_few_long_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That they are few is said, and the example is a sentence that needs no quoting."""
    path = tmp_path / "my.csv"
    review = (
        'I can\'t say ""no""! It is {} film.<br /><br />It cost $5 and `so` on' + ", so on" * 90
    )
    path.write_text(
        "review,label\n"
        + "".join(
            f'"{n} {review.format("a good bad".split()[n % 2 + 1])}",{n % 2}\n' for n in range(10)
        )
    )
    assert run(["train", str(path), *SMALL, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert "Warning: 8 rows are few to train on, and 2 to validate give a rough measure." in said
    assert "trained on: my.csv (8 rows)\n" in said
    (line,) = (line for line in said.splitlines() if line.startswith("Step through it: "))
    assert shlex.split(line)[-1][1:] in (
        " I can't say no It is good film.",
        " I can't say no It is bad film.",
    )
    assert "'\"'" not in line
    assert run(["evaluate", str(tmp_path / "run"), str(path), "--text", "review"]) == 0
    path.write_text("a,b\n1,2\n")
    assert run(["evaluate", str(tmp_path / "run"), str(path)]) == 2
    err = capsys.readouterr().err
    assert "by number: --text 2 --label 1" in err and "--series" not in err


def test_many_classes_and_no_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "many.tsv"
    topics = ("sport", "news", "art")
    lines = (f"{n}\tthe {topics[n % 3]} of day {n}\t{topics[n % 3]}\n" for n in range(90))
    path.write_text("".join(lines))
    args = ["train", str(path), "--text", "2", "--label", "3", "--no-mask", "--bidirectional"]
    args += ["--layers", "2", "--cell", "gru", "--patience", "1", "--rate", ".01", "--clip", "2"]
    assert run([*args, *SMALL, "--out", str(tmp_path / "run")]) == 0
    spec = json.loads((tmp_path / "run/spec.json").read_text())
    assert spec["config"]["head"]["outputs"] == 3
    assert [layer["bidirectional"] for layer in spec["config"]["layers"]] == [True, True]
    assert not spec["config"]["source"]["mask_zero"]
    assert (spec["fit"]["rate"], spec["fit"]["clip"], spec["fit"]["patience"]) == (0.01, 2, 1)
    assert run(["step", "-m", str(tmp_path / "run"), "the art of day 1", "--json"]) == 0


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (["--text", "body"], 2, "no column 'body'"),
        (["--label", "review", "--text", "review"], 2, "the same column"),
        (["--variant", "x"], 2, "--variant is for recipes"),
        (["--data", "."], 2, "--data is for recipes"),
        (["--patience", "9"], 2, "cannot end a training of 2 epochs"),
        (["--rate", "0"], 2, "range"),
        (["--validation", "0"], 2, "no rows to validate on"),
        (["--label", "1", "--text", "2"], 2, "these are no classes"),
        (["--encoding", "utf-99"], 2, "no encoding"),
        (["--limit", "10", "--validation", ".01"], 0, ""),
    ],
)
def test_what_cannot_be_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, reason: str
) -> None:
    path = table(tmp_path / "my.csv", 40)
    path.write_text(
        "".join(
            f"{l.replace(',', f' {n},')}\n" if n else l + "\n"
            for n, l in enumerate(path.read_text().splitlines())
        )
    )
    assert run(["train", str(path), *SMALL, *args, "--out", str(tmp_path / "run")]) == code
    assert reason in capsys.readouterr().err


def test_options_of_tables_and_recipes_are_kept_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "imdb-rnn", "--text", "review"]) == 2
    assert "for a table of your own" in capsys.readouterr().err
    table(tmp_path / "reviews.csv", 20)
    assert run(["train", str(tmp_path / "review.csv")]) == 2
    assert "Did you mean 'reviews.csv'?" in capsys.readouterr().err
    assert run(["train", "jena-naive", "--data", "sample", "--rate", ".1"]) == 2
    assert "--rate" in capsys.readouterr().err
    assert run(["train", "jena-gru", "--data", "sample", "--no-mask", "--limit", "3000"]) == 2
    assert "reads numbers and no words, so it cannot take --no-mask" in capsys.readouterr().err


def test_every_option_of_a_table_is_a_field_of_its_choice() -> None:
    from rnnviz.data.user_tables.choice import TableChoice

    assert set(NAMES.values()) == set(TableChoice.__dataclass_fields__) - {"file"}


def test_a_table_can_be_trained_on_from_python(tmp_path: Path) -> None:
    path = table(tmp_path / "my.csv", 40)
    out = tmp_path / "run"
    done = rnnviz.train(str(path), text="review", label="sentiment", epochs=1, units=3, out=out)
    assert done.record()["options"]["table"]["text"] == ["review"]
    with pytest.raises(UsageError, match="a table has no field 'lable'"):
        rnnviz.train(str(path), lable="sentiment")
    with pytest.raises(UsageError, match=r"nope\.csv is not there"):
        rnnviz.train("nope.csv", text="review")
