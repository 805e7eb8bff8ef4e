"""Tables that users bring: their form, their columns, their classes, their split."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from rnnviz.data.user_tables import (
    LabelledTexts,
    UserTable,
    choose_text_columns,
    read_labelled_texts,
    read_user_table,
    split_rows,
)
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.errors import InvalidFileError, UsageError

ROWS = [("good, really", "pos"), ("bad; very", "neg"), ("çok güzel", "pos"), ("no\tgood", "neg")]


def written(path: Path, text: str, encoding: str = "utf-8") -> UserTable:
    path.write_bytes(text.encode(encoding))
    return read_user_table(path)


def table_text(delimiter: str) -> str:
    def quoted(field: str) -> str:
        return f'"{field}"' if delimiter in field else field

    rows = [("text", "label"), *ROWS]
    return "".join(delimiter.join(map(quoted, row)) + "\r\n" for row in rows)


def labelled(table: UserTable, **given: object) -> LabelledTexts:
    asked = {"text": (), "label": None, "header": None} | given
    return read_labelled_texts(table, choose_text_columns(table, **asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_encodings_are_found(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = labelled(written(tmp_path / "a.csv", table_text(delimiter), encoding))
    assert list(zip(rows.texts, [rows.names[c] for c in rows.classes], strict=True)) == ROWS
    assert rows.names == ("neg", "pos")
    assert rows.lines == [2, 3, 4, 5]


def test_a_single_byte_encoding_is_said(tmp_path: Path) -> None:
    text = "text;label\n" + "déjà vu;a\nça va;b\n" * 5
    table = written(tmp_path / "a.csv", text, "cp1252")
    assert labelled(table).texts[:2] == ["déjà vu", "ça va"]
    assert "Windows-1252" in table.remarks[0] and "--encoding" in table.remarks[0]
    (tmp_path / "b.csv").write_bytes(("text,label\n" + "ışık,a\ngüneş,b\n" * 2).encode("cp1254"))
    assert labelled(read_user_table(tmp_path / "b.csv", "cp1254")).texts[:2] == ["ışık", "güneş"]
    with pytest.raises(UsageError, match="no encoding 'cp9'"):
        read_user_table(tmp_path / "b.csv", "cp9")


def test_gzip_json_lines_and_excel(tmp_path: Path) -> None:
    lines = [{"id": n, "review": f"text {n}", "stars": n % 2} for n in range(4)]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    rows = labelled(read_user_table(path))
    assert (rows.texts[3], rows.names, rows.classes) == ("text 3", ("0", "1"), [0, 1, 0, 1])
    excel = "sep=;\r\ntext;label\r\na,b;1\r\nc;2\r\nd;1\r\ne;2\r\n"
    assert labelled(written(tmp_path / "b.csv", excel)).texts == ["a,b", "c", "d", "e"]


def test_quoted_line_breaks_and_unquoted_tabs(tmp_path: Path) -> None:
    text = 'text,label\n"one\ntwo, ""three""",a\nfour,b\nfive,a\nsix,b\n'
    rows = labelled(written(tmp_path / "a.csv", text))
    assert rows.texts[0] == 'one\ntwo, "three"'
    assert rows.lines == [2, 4, 5, 6]
    glue = 'sentence\tlabel\n"a quotation , not closed\t1\nfine , really\t0\nx\t1\ny\t0\n'
    assert labelled(written(tmp_path / "b.tsv", glue)).texts[0] == '"a quotation , not closed'


@pytest.mark.parametrize("doubled", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_gives_the_same_rows(tmp_path: Path, encoding: str, doubled: bool) -> None:
    """The texts with tabs, line breaks and quotation marks come long after the first rows."""
    texts = [f"déjà vu {n}" for n in range(2_000)]
    texts[1_500:1_502] = ["a\tb\tc\td", "one\r\ntwo\tthree"]
    if doubled:
        texts[1_600] = 'they\tsaid "no"'
    fields = [f'"{t.replace(chr(34), 2 * chr(34))}"' if "\t" in t else t for t in texts]
    content = "text\tlabel\r\n" + "".join(f"{f}\t{n % 2}\r\n" for n, f in enumerate(fields))
    rows = labelled(written(tmp_path / "a.tsv", content, encoding))
    assert rows.texts == texts and not rows.skipped
    big_endian = b"\xfe\xff" + content.encode("utf-16-be")
    (tmp_path / "b.tsv").write_bytes(big_endian)
    assert labelled(read_user_table(tmp_path / "b.tsv")).texts == texts


def test_a_first_row_that_is_quoted_means_that_texts_are(tmp_path: Path) -> None:
    text = '"text"\t"label"\n' + '"good film"\t"pos"\n"bad one"\t"neg"\n' * 3
    rows = labelled(written(tmp_path / "a.tsv", text))
    assert rows.names == ("neg", "pos") and rows.texts[0] == "good film"


def test_faulty_rows_are_named_by_their_lines(tmp_path: Path) -> None:
    good = "".join(f"text {n},{n % 2}\n" for n in range(100))
    bad = 'one field\n,1\nempty,\na,b,c\n"he said "hi"",1\n'
    table = written(tmp_path / "a.csv", "text,label\n" + good + bad)
    columns = choose_text_columns(table, (), None, None)
    rows = read_labelled_texts(table, columns)
    assert len(rows) == 100
    assert [str(fault) for fault in rows.skipped] == [
        "line 102: 1 field instead of 2",
        "line 103: the text is empty",
        "line 104: the label is empty",
        "line 105: 3 fields instead of 2",
        "line 106: a quotation mark inside a quoted text must be doubled",
    ]
    with pytest.raises(InvalidFileError, match="5 of 105 rows cannot be used: line 102"):
        read_labelled_texts(table, columns, "refuse")
    more = written(tmp_path / "b.csv", "text,label\n" + good + bad + ",1\n" * 3)
    with pytest.raises(InvalidFileError, match=r"and 3 more\.\nMend them, or .* --bad-rows skip"):
        read_labelled_texts(more, columns)
    assert len(read_labelled_texts(more, columns, "skip")) == 100


def test_columns_by_name_by_number_and_obvious_ones(tmp_path: Path) -> None:
    named = written(tmp_path / "a.csv", "Title,Body,Class Index\n" + "t,b,1\nu,c,2\n" * 3)
    assert choose_text_columns(named, (), None, None)[:3] == ((1,), 2, True)
    assert choose_text_columns(named, ("title", "BODY"), "3", None)[:3] == ((0, 1), 2, True)
    with pytest.raises(UsageError, match=r"no column 'Titel'. Did you mean 'Title'\?"):
        choose_text_columns(named, ("Titel",), None, None)
    bare = written(tmp_path / "b.csv", '"3","A title","A text"\n' * 2 + '"1","B","C"\n' * 2)
    with pytest.raises(UsageError, match=r"Which column of b\.csv is the text"):
        choose_text_columns(bare, (), None, None)
    chosen = choose_text_columns(bare, ("2",), "1", None)
    assert chosen[:3] == ((1,), 0, False)
    assert "--header" in chosen.remarks[0]
    other = written(tmp_path / "c.csv", "was gesagt wurde,Note\n" + "a,1\nb,2\n" * 3)
    assert choose_text_columns(other, ("1",), "2", None).header
    assert not choose_text_columns(other, ("1",), "2", False).header


@pytest.mark.parametrize("first", ["1", "3"])
def test_numbers_are_positions_unless_the_first_row_is_a_header(tmp_path: Path, first: str) -> None:
    bare = written(tmp_path / "a.csv", f"{first},1,X\n" + "1,T,X\n2,U,Y\n3,V,Z\n" * 3)
    for header in (None, False):
        chosen = choose_text_columns(bare, ("2", "3"), "1", header)
        assert chosen[:3] == ((1, 2), 0, False)
    assert len(labelled(bare, text=("2", "3"), label="1")) == 10
    named = written(tmp_path / "b.csv", "0,1\n" + "good film,pos\nbad one,neg\n" * 3)
    chosen = choose_text_columns(named, ("0",), "1", None)
    assert chosen[:3] == ((0,), 1, True)
    assert chosen.remarks == ("'1' is taken as the name of column 2; if not: --no-header",)
    with pytest.raises(UsageError, match="columns have numbers, as --text 1, and '0' is none"):
        choose_text_columns(named, ("0",), "1", False)


def test_labels_are_sorted_and_their_spellings_unified(tmp_path: Path) -> None:
    text = "text,label\n" + "a,Positive\nb,negative\nc,positive\nd,neutral\n" * 3 + "e,positive\n"
    rows = labelled(written(tmp_path / "a.csv", text))
    assert rows.names == ("negative", "neutral", "positive")
    assert "'Positive' and 'positive' are one class" in rows.remarks[0]
    numbers = "text;label\n" + "a;10,0\nb;9,0\nc;10\n" * 3
    assert labelled(written(tmp_path / "b.csv", numbers)).names == ("9", "10")


def test_a_column_of_no_classes_is_refused(tmp_path: Path) -> None:
    ids = "text,label\n" + "".join(f"a,{n}\n" for n in range(30))
    with pytest.raises(UsageError, match="as many different values as rows"):
        labelled(written(tmp_path / "a.csv", ids))
    many = "text,label\n" + "".join(f"a,{n % 20}\n" for n in range(40))
    with pytest.raises(UsageError, match="20 different values in 40 rows"):
        labelled(written(tmp_path / "b.csv", many))
    with pytest.raises(InvalidFileError, match="every row has the label 'x'"):
        labelled(written(tmp_path / "c.csv", "text,label\na,x\nb,x\n"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "has no rows"),
        (b"text,label\n", "no rows that can be used below its header"),
        (b"PK\3\4....", "a workbook"),
        (b"PAR1....", "Parquet"),
        (b"a\0,b\0\n\0", "UTF-16 without a byte order mark"),
        (b'[\n{"text": "a"}]', "one JSON list"),
        (b'text,label\n"never closed,1\nx,2\n', "none closes it"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InvalidFileError, match=reason):
        labelled(read_user_table(tmp_path / "a.csv"))


def test_the_split_is_stratified_and_repeatable() -> None:
    classes = [0] * 90 + [1] * 10 + [2]
    split = split_rows(classes, 0.2, 0.1, seed=3)
    assert sorted(np.concatenate(split).tolist()) == list(range(101))
    labels = np.array(classes)
    assert [np.bincount(labels[part], minlength=3).tolist() for part in split] == [
        [63, 7, 1], [18, 2, 0], [9, 1, 0],
    ]  # fmt: skip
    again, other = split_rows(classes, 0.2, 0.1, 3), split_rows(classes, 0.2, 0.1, 4)
    assert all((a == b).all() for a, b in zip(split, again, strict=True))
    assert (split.validation != other.validation).any()


def test_a_choice_is_read_back_from_its_fields() -> None:
    chosen = TableChoice("a.csv", ("x", "2"), "y", validation=0.3, language="tr")
    assert TableChoice.from_json(json.loads(json.dumps(chosen.__dict__))) == chosen
    for wrong in ({}, {"file": 1}, {"file": "a", "no": 1}, {"file": "a", "test": 2}, []):
        with pytest.raises(ValueError, match="table"):
            TableChoice.from_json(wrong)
