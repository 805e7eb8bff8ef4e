"""Plain text files: read whole, with the limits and errors of a file that somebody names."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import Final

from rnnviz.errors import InvalidFileError
from rnnviz.files import open_regular
from rnnviz.messages import _

#: The largest text, in bytes.
MAX_BYTES: Final = 100_000_000
_PACKED: Final = (".gz", ".xz")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f]")


def read_plain_text(path: Path) -> str:
    """The text of a UTF-8 file, also with a byte order mark, its line ends as "\\n".

    ``.gz`` and ``.xz`` are unpacked.
    InvalidFileError for a file that is no UTF-8 text, has control characters or is too large.
    """
    with open_regular(path, MAX_BYTES) as file:
        data = file.read()
    if path.suffix in _PACKED:
        data = _unpacked(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFileError(
            _("{path} is not UTF-8 text (byte {byte:,}). Save it as UTF-8 and try again.").format(
                path=path, byte=error.start + 1
            )
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONTROL.search(text):
        raise InvalidFileError(
            _("{path} is not plain text: character {at:,} is the control code {code}.").format(
                path=path, at=found.start() + 1, code=ord(found[0])
            )
        )
    return text


def _unpacked(path: Path, data: bytes) -> bytes:
    damage: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
    if path.suffix != ".gz":
        import lzma  # which some builds of Python lack

        damage = (*damage, lzma.LZMAError)
    try:
        packed = io.BytesIO(data)
        opened = gzip.GzipFile(fileobj=packed) if path.suffix == ".gz" else lzma.LZMAFile(packed)
        with opened as file:
            unpacked = file.read(MAX_BYTES + 1)
    except damage as error:
        raise InvalidFileError(
            _("{path} is not a complete packed file ({reason}).").format(path=path, reason=error)
        ) from error
    if len(unpacked) > MAX_BYTES:
        raise InvalidFileError(
            _("{path} unpacks to more than {most:,} bytes.").format(path=path, most=MAX_BYTES)
        )
    return unpacked
