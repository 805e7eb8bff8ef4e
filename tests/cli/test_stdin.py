"""``rnnviz step`` reads a text from a pipe: its encoding, its size, and a pipe that is none."""

from __future__ import annotations

import codecs
import io
import subprocess
import sys
from pathlib import Path

import pytest

from rnnviz.cli import run, stdin
from rnnviz.errors import UsageError

TEXT = "it was not good… İ “café” 😀"


class Stdin:
    """Standard input with these bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_what_has_a_byte_order_mark_is_read_in_its_encoding(mark: bytes, encoding: str) -> None:
    assert stdin.decode(mark + TEXT.encode(encoding)) == TEXT
    assert stdin.decode(mark) == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("café good".encode("latin-1"), "not UTF-8 text: byte 0xe9 at 3.\n.*iconv -f WINDOWS-1252"),
        ("güzel değil".encode("cp1254"), "byte 0xfc at 1.\n.*Turkish: WINDOWS-1254"),
        ("良い".encode("shift-jis"), "not UTF-8"),
        (b"\xed\xb3\xa9 good", "not UTF-8"),  # a surrogate
        (codecs.BOM_UTF8 + b"caf\xe9", "byte 0xe9 at 6"),
        (codecs.BOM_UTF16_LE + b"g\0o", "not UTF-16-LE text: byte 0x6f at 4.\n.*cut off"),
        (codecs.BOM_UTF32_LE + b"good", "UTF-32-LE"),
        ("good".encode("utf-16-le"), "NUL bytes.*\n.*iconv -f UTF-16LE -t UTF-8"),
        (b"not\0good\0", "NUL bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8"),
        (b"\x1f\x8b\x08\0", "not UTF-8"),
    ],
)
def test_other_bytes_are_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        stdin.decode(content)
    assert len(str(error.value).splitlines()) == 2


def test_the_longest_text_is_read_and_one_byte_more_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"a" * stdin.LIMIT))
    assert len(stdin.read()) == stdin.LIMIT
    monkeypatch.setattr(sys, "stdin", Stdin(b"a" * (stdin.LIMIT + 1)))
    with pytest.raises(UsageError, match="longer than 1,048,576 bytes"):
        stdin.read()


@pytest.mark.parametrize("stdin", [None, io.StringIO("no bytes below")])
def test_no_standard_input_is_a_usage_error(
    stdin: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's sys.stdin is None where the shell has closed it."""
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(["step", "-", "--plain"]) == 2
    assert "cannot be read: it is closed" in capsys.readouterr().err
    assert run(["step", "--plain"]) == 0  # no TEXT, nothing piped: the example sentence
    assert "Tokens: this movie was not good." in capsys.readouterr().out


def shell(command: str) -> subprocess.CompletedProcess[str]:
    rnnviz = f"'{sys.executable}' -m rnnviz step --plain"
    return subprocess.run(
        ["bash", "-c", command.replace("STEP", rnnviz)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (r"printf '\xff\xfel\0o\0v\0e\0d\0 \0i\0t\0' | STEP", 0, "Tokens: loved it."),
        (r"printf '\xef\xbb\xbfloved it' | STEP -", 0, "Tokens: loved it."),
        (r"printf 'caf\xe9' | STEP", 2, "iconv -f WINDOWS-1252"),
        ("yes good | STEP", 2, "longer than"),
        ("STEP - < /dev/zero", 2, "longer than"),
        ("STEP - <&-", 2, "cannot be read"),
        ("STEP <&-", 0, "Tokens: this movie was not good."),
        ("STEP < /dev/null", 0, "Tokens: this movie was not good."),
        ("printf '' | STEP", 2, "no word"),
        (r"STEP $'caf\xe9 was good'", 0, r"Tokens: caf\udce9 was good."),
    ],
)
def test_step_at_the_end_of_a_shell(command: str, code: int, says: str) -> None:
    done = shell(command)
    assert done.returncode == code, done.stderr
    assert says in (done.stdout if code == 0 else done.stderr)
    assert "Traceback" not in done.stderr
    if code:
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) <= 2


def test_a_file_that_is_piped_in_is_read_as_what_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf\xe2\x80\x9cLoved it!\xe2\x80\x9d\r\n")
    assert "Tokens: loved it." in shell(f"STEP < {path}").stdout
