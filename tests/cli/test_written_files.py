"""Every command that writes, and everything that may stand at the path it is given."""

from __future__ import annotations

import errno
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile import a_run

from rnnviz.cli import run
from rnnviz.files import atomic

IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0
OLD = b"what was there before"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with a curve to draw."""
    return str(a_run(tmp_path_factory.mktemp("runs") / "one", "small"))


@pytest.fixture(autouse=True)
def _usual(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """New files as with most users, and no colours asked for."""
    for name in ("NO_COLOR", "FORCE_COLOR", "RNNVIZ_MODEL"):
        monkeypatch.delenv(name, raising=False)
    before = os.umask(0o022)
    yield
    os.umask(before)


@dataclass(frozen=True)
class Writer:
    """A command that writes FILE, the ending its files have, and how they begin."""

    args: tuple[str, ...]
    ending: str
    begin: bytes
    files: int = 1


WRITERS = {
    "save": Writer(("step", "-q", "not good", "--save", "FILE"), "", b"PK"),
    "picture": Writer(
        ("step", "good", "--screenshot", "FILE", "--size", "60x20"), ".svg", b"<svg"
    ),
    "panel": Writer(
        ("step", "good", "--screenshot", "FILE", "--view", "sentence"), ".txt", "─ ".encode()
    ),
    "net": Writer(("step", "-q", "--units", "1", "1 0 1", "--save-net", "FILE"), ".toml", b"cell"),
    "report": Writer(("step", "-q", "good", "--report", "FILE"), ".html", b"<!doctype"),
    "handout": Writer(
        ("handout", "-q", "-m", "sentiment-lstm-8", "good", "-o", "FILE"), ".html", b"<!doctype"
    ),
    "plot": Writer(("runs", "plot", "RUN", "-o", "FILE"), ".svg", b"<svg"),
    "compare": Writer(("runs", "compare", "RUN", "RUN", "-o", "FILE"), ".svg", b"<svg"),
    "data plot": Writer(
        ("data", "show", "jena", "--data", "sample", "-o", "FILE"), ".svg", b"<svg"
    ),
    "export": Writer(("models", "export", "sentiment-lstm-8", "FILE"), ".json", b"{", 2),
}  # fmt: skip
#: Without those that take a second each, which write through the same function.
QUICK = [name for name in WRITERS if name not in ("report", "picture", "handout")]


def written(
    writer: Writer, path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Exit code and stderr of a writer at a path; no traceback, two lines at most."""
    capfd.readouterr()
    code = run([{"FILE": str(path), "RUN": trained}.get(arg, arg) for arg in writer.args])
    said = capfd.readouterr().err
    assert "Traceback" not in said and "Internal error" not in said, said
    assert code == 0 or len(said.splitlines()) <= 2, said
    return code, said


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", WRITERS)
def test_a_new_file(
    name: str, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = WRITERS[name]
    path = tmp_path / f"new{writer.ending}"
    code, said = written(writer, path, trained, capfd)
    assert code == 0, said
    assert path.read_bytes().startswith(writer.begin)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert len(names(tmp_path)) == writer.files


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_there_keeps_its_mode(
    name: str, mode: int, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = WRITERS[name]
    path = tmp_path / f"old{writer.ending}"
    path.write_bytes(OLD)
    path.chmod(mode)
    code, said = written(writer, path, trained, capfd)
    assert code == 0, said
    assert path.read_bytes().startswith(writer.begin)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert len(names(tmp_path)) == writer.files


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("kind", ["link", "relative link", "link to a link", "dangling link"])
def test_a_link_stays_and_its_target_is_written(
    name: str, kind: str, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = WRITERS[name]
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, path = folder / "target", tmp_path / f"link{writer.ending}"
    if kind != "dangling link":
        target.write_bytes(OLD)
        target.chmod(0o600)
    if kind == "link to a link":
        (tmp_path / "between").symlink_to(target)
        path.symlink_to("between")
    else:
        path.symlink_to("elsewhere/target" if kind == "relative link" else target)
    code, said = written(writer, path, trained, capfd)
    assert code == 0, said
    assert path.is_symlink() and target.read_bytes().startswith(writer.begin)
    mode = 0o644 if kind == "dangling link" else 0o600
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert names(folder) == {"target"}


def in_a_circle(path: Path) -> None:
    path.symlink_to(path.with_name("b"))
    path.with_name("b").symlink_to(path)


def a_socket(path: Path) -> None:
    # The path of a socket may have 107 bytes at most; that of the folder has more.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(before)


def to_nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("no") / "such")


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "is a directory"),
    "link to a folder": (lambda path: path.symlink_to(path.parent), "is a directory"),
    "link in a circle": (in_a_circle, "symbolic links"),
    "link to no folder": (to_nowhere, "mkdir -p"),
    "socket": (a_socket, "is a socket"),
    "pipe without a reader": (os.mkfifo, "No process reads"),
}


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_a_file_is_refused_and_stays(
    name: str, kind: str, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer, (make, told) = WRITERS[name], REFUSED[kind]
    path = tmp_path / f"it{writer.ending}"
    make(path)
    before, there = path.lstat(), names(tmp_path)
    code, said = written(writer, path, trained, capfd)
    assert code == 2 and (told in said or "is no file" in said), said
    assert path.lstat().st_ino == before.st_ino and path.lstat().st_mode == before.st_mode
    assert names(tmp_path) == there


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize(
    ("where", "told"),
    [("no/such/x", "mkdir -p"), ("x" * 300, "File name too long"), ("ş" * 150, "too long"),
     ("file/x", "is a file, not a folder"), ("😀" * 62, "")],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_and_one_that_can_is_written(
    name: str, where: str, told: str, tmp_path: Path, trained: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    writer = WRITERS[name]
    (tmp_path / "file").write_bytes(OLD)
    if name == "export" and not told:
        where = where[:50]  # its other file has a longer ending
    code, said = written(writer, tmp_path / f"{where}{writer.ending}", trained, capfd)
    assert code == (2 if told else 0) and told in said, said
    assert names(tmp_path) == {"file"} if told else len(names(tmp_path)) == 1 + writer.files


@pytest.mark.parametrize("name", ["save", "panel", "plot"])
def test_a_pipe_with_a_reader_gets_it_all(
    name: str, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = WRITERS[name]
    path = tmp_path / f"pipe{writer.ending}"
    os.mkfifo(path)
    got: list[bytes] = []
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    other = os.open(path, os.O_WRONLY)  # until it is closed, nothing read is not yet the end
    os.set_blocking(end, True)

    def read() -> None:
        with os.fdopen(end, "rb") as file:
            got.append(file.read())

    reader = threading.Thread(target=read)
    reader.start()
    code, said = written(writer, path, trained, capfd)
    os.close(other)
    reader.join(10)
    assert code == 0, said
    assert got and got[0].startswith(writer.begin) and stat.S_ISFIFO(path.lstat().st_mode)


@pytest.mark.parametrize("name", ["save", "panel", "plot"])
@pytest.mark.parametrize(
    ("device", "expected"), [("/dev/null", 0), ("/dev/full", 1), ("/dev/tty0", None)]
)
def test_a_device_is_written_into_and_stays_one(
    name: str, device: str, expected: int | None, tmp_path: Path, trained: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if not Path(device).is_char_device() or expected is None:
        pytest.skip(f"no {device} to try")
    writer = WRITERS[name]
    path = Path(device)
    if writer.ending:
        path = tmp_path / f"link{writer.ending}"
        path.symlink_to(device)
    code, said = written(writer, path, trained, capfd)
    assert code == expected, said
    assert Path(device).is_char_device() and ("No space left" in said) == bool(expected)


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def full(descriptor: int, content: bytes) -> None:
        os.write(descriptor, content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "_write_all", full)
    for name in QUICK:
        writer = WRITERS[name]
        path = tmp_path / f"old{writer.ending}"
        path.write_bytes(OLD)
        code, said = written(writer, path, trained, capfd)
        assert code == 1 and "No space left" in said, said
        assert path.read_bytes() == OLD and names(tmp_path) == {path.name}
        path.unlink()


@pytest.mark.parametrize("error", [errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS])
@pytest.mark.parametrize("at", ["mkstemp", "replace"])
def test_where_there_can_be_no_other_file_the_file_is_written_over(
    error: int, at: str, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A file mounted by itself, or one in a folder that only others may change."""

    def refused(*args: object, **kwargs: object) -> None:
        raise OSError(error, os.strerror(error))

    owner = atomic.tempfile if at == "mkstemp" else Path
    monkeypatch.setattr(owner, at, refused)
    path = tmp_path / "old"
    path.write_bytes(OLD * 10_000)
    inode = path.stat().st_ino
    code, said = written(WRITERS["save"], path, trained, capfd)
    assert code == 0, said
    assert path.read_bytes().startswith(b"PK") and path.stat().st_ino == inode
    assert names(tmp_path) == {"old"}
    assert run(["step", "--open", str(path), "--json"]) == 0
    new = tmp_path / "new"
    code, said = written(WRITERS["save"], new, trained, capfd)
    assert code == 1 and os.strerror(error) in said and names(tmp_path) == {"old"}


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
@pytest.mark.parametrize("name", QUICK)
def test_a_folder_or_a_file_that_may_only_be_read(
    name: str, tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    writer, folder = WRITERS[name], tmp_path / "folder"
    folder.mkdir()
    old = folder / f"old{writer.ending}"
    old.write_bytes(OLD)
    folder.chmod(0o500)
    try:
        code, said = written(writer, folder / f"new{writer.ending}", trained, capfd)
        assert code == 1 and "Permission denied" in said
    finally:
        folder.chmod(0o700)
    old.chmod(0o400)
    code, said = written(writer, old, trained, capfd)
    assert code == 1 and "Permission denied" in said and old.read_bytes() == OLD


def test_another_name_of_a_file_keeps_the_old_content(
    tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A copy made of hard links, as backups are, must not change."""
    path, backup = tmp_path / "a", tmp_path / "backup"
    path.write_bytes(OLD)
    backup.hardlink_to(path)
    assert written(WRITERS["save"], path, trained, capfd)[0] == 0
    assert backup.read_bytes() == OLD and path.read_bytes().startswith(b"PK")


def test_what_is_open_as_stdout_is_added_to_not_replaced(
    tmp_path: Path, trained: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """``--save /dev/fd/3 3>> file``, and so ``--save >(gzip > file)``."""
    path = tmp_path / "log"
    path.write_bytes(OLD)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        link = tmp_path / "link"
        link.symlink_to(f"/dev/fd/{descriptor}")
        assert written(WRITERS["save"], link, trained, capfd)[0] == 0
    finally:
        os.close(descriptor)
    assert path.read_bytes().startswith(OLD + b"PK")
    code, said = written(WRITERS["save"], Path(f"/dev/fd/{descriptor}"), trained, capfd)
    assert code in (1, 2) and len(said.splitlines()) == 1


# -- the same file twice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    ["step --open T --save T", "step --open T --save LINK", "step --open T --save ./T",
     "step good --save x.svg --screenshot x.svg", "step good --save x.html --report ./x.html",
     "step good --save new --screenshot new.svg --report new.html --save new.svg",
     "step -m m.json good --save m.json", "step -m m.json good --save m.safetensors",
     "models export m.json m.json", "models export m.json m.safetensors", "models export m.json m",
     "models export m.safetensors LINK2", "models export sentiment-lstm ''",
     "models export sentiment-lstm .", "models export sentiment-lstm ..",
     "models export sentiment-lstm /", "models export sentiment-lstm /dev/null",
     "step --net n.toml --save-net n.toml", "step --units 1 --save-net x.toml --save x.toml",
     "step good --save ''", "step good --save .", "step good --screenshot ''"],
)  # fmt: skip
def test_nothing_replaces_what_it_is_made_of(
    args: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["step", "-q", "good", "--save", "T"]) == 0
    assert run(["models", "export", "sentiment-lstm-8", "m.json"]) == 0
    assert run(["step", "-q", "--units", "1", "1 0", "--save-net", "n.toml"]) == 0
    Path("LINK").symlink_to("T")
    Path("LINK2.json").symlink_to("m.json")
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    capfd.readouterr()
    assert run([arg.strip("'") for arg in args.split()]) == 2
    said = capfd.readouterr().err
    assert len(said.splitlines()) <= 2 and "Internal" not in said
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_several_files_of_one_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["step", "good", "--save", "a", "--screenshot", "a.svg", "--view", "sentence"]
    assert run(args) == 0
    assert names(tmp_path) == {"a", "a.svg"}
    assert run(["models", "export", "sentiment-lstm-8", "my-net-v1.2"]) == 0
    assert {"my-net-v1.2.json", "my-net-v1.2.safetensors"} <= names(tmp_path)
    capfd.readouterr()
    assert run(["models", "show", "my-net-v1.2.json"]) == 0


# -- folders ------------------------------------------------------------------------------------

TRAIN = ("train", "sentiment-rnn", "--data", "sample", "--limit", "20", "--units", "2",
         "--epochs", "1", "-q", "--out")  # fmt: skip
REPRODUCE = ("reproduce", "imdb-rnn", "--data", "sample", "--limit", "20", "--epochs", "1", "-q",
             "--out")  # fmt: skip


@pytest.mark.parametrize("command", [TRAIN, REPRODUCE], ids=["train", "reproduce"])
@pytest.mark.parametrize("kind", ["file", "pipe", "socket", "device", "circle", "long", "in file"])
def test_a_folder_that_cannot_be_made(
    command: tuple[str, ...], kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out"
    make: dict[str, Callable[[Path], object]] = {
        "file": Path.touch, "pipe": os.mkfifo, "socket": a_socket, "circle": in_a_circle,
    }  # fmt: skip
    if kind in make:
        make[kind](path)
    elif kind == "in file":
        path.touch()
        path = path / "x"
    else:
        path = Path("/dev/null") if kind == "device" else tmp_path / ("x" * 300)
    before = names(tmp_path)
    capfd.readouterr()
    code = run([*command, str(path)])
    said = capfd.readouterr().err
    assert code == 2 and len(said.splitlines()) <= 2 and "Internal" not in said, said
    assert names(tmp_path) == before


def test_a_run_goes_through_links(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A run's folder may be a link to a larger disk."""
    (tmp_path / "large").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "large")
    assert run([*TRAIN, str(tmp_path / "run")]) == 0
    found = names(tmp_path / "large")
    assert {"spec.json", "history.jsonl", "best.safetensors", "result.json"} <= found
    assert not [name for name in found if name.startswith(".")]
