"""The files of a folder by the path of a request, with the headers of the answer.

Only what was found in the folder when it was last looked through can be asked for: a path is looked
up, never opened. Usable from any server.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from rnnviz.errors import RnnvizError
from rnnviz.files import open_regular

#: What a page of the folder may do: scripts, workers and WebAssembly of this server, no eval, and
#: no request to another host. xterm.js and the page itself write styles.
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
TYPES: Final = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json", ".wasm": "application/wasm", ".svg": "image/svg+xml",
    ".htm": "text/html; charset=utf-8",
}  # fmt: skip
_OTHER_TYPE: Final = "application/octet-stream"
#: Folders whose name has a hash of their content: a browser need not ask again.
NAMED_BY_CONTENT: Final = re.compile(r"[a-z]+-[0-9a-f]{12}/")
#: The scripts in a page, as reports and handouts have them; the most that are allowed by hash.
_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_MOST_SCRIPTS: Final = 4
_SECURITY: Final = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
#: The longest path of a request, in characters.
_LONGEST: Final = 2000
#: The ending of a file with the same content, compressed.
PACKED: Final = ".gz"


@dataclass(frozen=True)
class StoredFile:
    """A file as it is sent: where it is, its bytes and its entity tag.

    ``version`` is another one when the file has changed. ``policy`` is POLICY, for a page with
    scripts in it together with their hashes.
    """

    path: Path
    size: int
    etag: str
    version: tuple[int, ...]
    policy: str = POLICY


@dataclass(frozen=True)
class FileAnswer:
    """An answer: its status, its headers, and the file that is its content, if it has one."""

    status: int
    headers: Mapping[str, str]
    file: Path | None = None


class StaticFolder:
    """What is in a folder; links in it are not followed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._stored: dict[str, StoredFile] = {}
        self._files: dict[str, tuple[StoredFile, StoredFile | None]] = {}
        self.look_through()

    def look_through(self) -> None:
        """Find what was added, changed or removed; files that are as they were are not read."""
        stored = {}
        for name, path in _walk(self.path):
            try:
                version = _version(path)
                known = self._stored.get(name)
                if known is None or known.version != version:
                    known = _stored(path, version)
            except (OSError, RnnvizError):  # it has gone, or cannot be read
                continue
            stored[name] = known
        self._stored = stored
        self._files = {
            name: (each, stored.get(name + PACKED))
            for name, each in stored.items()
            if not name.endswith(PACKED) or name.removesuffix(PACKED) not in stored
        }

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def answer(self, target: str, headers: Mapping[str, str]) -> FileAnswer:
        """The answer to GET or HEAD of a target such as "/app.html?step".

        ``headers`` are those of the request, their names in lower case.
        """
        name = _name(target)
        pair = self._files.get(name) if name is not None else None
        if name is None or pair is None:
            return refused(404)
        plain, packed = pair
        chosen = plain
        if packed is not None and _takes_gzip(headers.get("accept-encoding", "")):
            chosen = packed
        sent = {
            **_SECURITY,
            "Content-Security-Policy": plain.policy,
            "ETag": chosen.etag,
            "Vary": "Accept-Encoding",
            "Cache-Control": (
                "public, max-age=31536000, immutable"
                if NAMED_BY_CONTENT.match(name)
                else "no-cache"
            ),
        }
        if chosen.etag in _tags(headers.get("if-none-match", "")):
            return FileAnswer(304, sent)
        suffix = Path(name).suffix
        sent |= {
            "Content-Type": TYPES.get(suffix, _OTHER_TYPE), "Content-Length": str(chosen.size),
        }  # fmt: skip
        if chosen is packed:
            sent["Content-Encoding"] = "gzip"
        return FileAnswer(200, sent, chosen.path)


def refused(status: int) -> FileAnswer:
    """An answer without content."""
    return FileAnswer(status, {**_SECURITY, "Content-Length": "0", "Cache-Control": "no-store"})


def allowed_host(host: str, names: frozenset[str]) -> bool:
    """Whether the Host header of a request names this server, with or without a port.

    A page elsewhere can give its own name the address of this machine (DNS rebinding); its
    requests have that name as host.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d{1,5})?", host)
    return match is not None and match[1].strip("[]").rstrip(".").lower() in names


def _walk(folder: Path) -> list[tuple[str, Path]]:
    found = []
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink() and not name.startswith("."):
                found.append((path.relative_to(folder).as_posix(), path))
    return found


def _version(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _stored(path: Path, version: tuple[int, ...]) -> StoredFile:
    with open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        policy, size = POLICY, file.tell()
        if path.suffix in (".html", ".htm"):
            file.seek(0)
            policy = _policy(file.read())
        return StoredFile(path, size, f'"{digest[:32]}"', version, policy)


def _policy(page: bytes) -> str:
    """The policy of a page: scripts that are written in it may run, as they are now."""
    scripts = _SCRIPT.findall(page)[:_MOST_SCRIPTS]
    hashes = [base64.b64encode(hashlib.sha256(each).digest()).decode() for each in scripts]
    allowed = "".join(f" 'sha256-{each}'" for each in hashes)
    return POLICY.replace("script-src 'self'", "script-src 'self'" + allowed)


def _name(target: str) -> str | None:
    """The path in the folder that a target asks for; None if it cannot be one."""
    path, _, _ = target.partition("?")
    path, _, _ = path.partition("#")
    if not path.startswith("/") or len(path) > _LONGEST:
        return None
    name = unquote(path, errors="replace").removeprefix("/")
    return name + "index.html" if name == "" or name.endswith("/") else name


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        coding, _, parameters = part.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", parameters)
    return False


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]
