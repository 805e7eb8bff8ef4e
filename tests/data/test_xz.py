"""Tables compressed with xz: damaged, cut off, or larger than they look."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from rnnviz.data.tables import DAMAGE_ERRORS, open_table

CONTENT = b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000))


def read(path: Path, packed: bytes, limit: int = 1 << 30) -> bytes:
    path.write_bytes(packed)
    with open_table(path, limit=limit) as file:
        return file.read()


def test_the_content_is_read(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv.xz", lzma.compress(CONTENT)) == CONTENT


@pytest.mark.parametrize("kept", [0, 5, 11, 100, -100, -1])
def test_a_stream_that_is_cut_off_is_damaged(tmp_path: Path, kept: int) -> None:
    with pytest.raises(DAMAGE_ERRORS):
        read(tmp_path / "a.csv.xz", lzma.compress(CONTENT)[:kept])


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(CONTENT))
    packed[len(packed) // 2] ^= 255
    with pytest.raises(DAMAGE_ERRORS):
        read(tmp_path / "a.csv.xz", bytes(packed))


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DAMAGE_ERRORS, match="unpacks to more"):
        read(tmp_path / "a.csv.xz", lzma.compress(bytes(30_000_000)))


def test_a_file_that_asks_for_much_memory_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    packed = lzma.compress(b"a,b\n", filters=filters)
    with pytest.raises(DAMAGE_ERRORS, match=r"[Mm]emory"):
        read(tmp_path / "a.csv.xz", packed)
