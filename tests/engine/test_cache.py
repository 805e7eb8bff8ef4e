"""What is kept of compiled loops is used only if it is ours and whole; else it is made again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("numba")

SCRIPT = """
import json, sys
from rnnviz.cells import CELLS
from rnnviz.engine.compiled import cache, kernels
from rnnviz.engine.optimizers import OPTIMIZERS
import numpy as np

module = kernels.optimizer_kernels((("p", "p - rate * g"),), (), ("rate",))
p, g = np.ones((1, 64), np.float32), np.full((1, 64), 2.0, np.float32)
words = np.array([64, g.ctypes.data, p.ctypes.data], np.int64)
module.step_rows(p[:0, 0], words, np.array([0.5], np.float32), np.zeros(1, np.int64), 0, 1)
hits = sum(module.step_rows._cache_hits.values())
found = cache.cache_folder()
print(json.dumps([p.tolist(), hits, str(found.folder), found.reason]))
"""


def used(home: Path) -> tuple[bool, str, str]:
    """Whether compiled code was read, from which folder, and why not from the usual one."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    p, hits, folder, reason = json.loads(done.stdout.splitlines()[-1])
    assert p == [[0.0] * 64]
    assert "Traceback" not in done.stderr
    return hits > 0, folder, reason


def kept(home: Path, pattern: str) -> list[Path]:
    return sorted((home / "rnnviz/kernels").rglob(pattern))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with one function in it."""
    made = tmp_path_factory.mktemp("compiled")
    assert used(made) == (False, str(made / "rnnviz/kernels"), "")
    return made


@pytest.fixture
def home(compiled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(compiled, tmp_path / "home")
    return tmp_path / "home"


def test_what_is_whole_is_used_and_only_the_user_can_write_it(home: Path) -> None:
    assert used(home)[0]
    folder = home / "rnnviz/kernels"
    assert folder.stat().st_mode & 0o077 == 0
    files = [*kept(home, "*.py"), *kept(home, "*.nbi"), *kept(home, "*.nbc")]
    assert len(files) >= 3
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def one_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(bytes(data))


def open_to_all(file: Path) -> None:
    file.chmod(0o666)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_pickle(file: Path) -> None:
    """What any program that reads it as a pickle would execute."""
    mark = file.parents[3] / "executed"
    file.write_bytes(b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("*.nbc", emptied), ("*.nbc", one_bit), ("*.nbc", a_pickle), ("*.nbi", cut),
        ("*.nbi", open_to_all), ("*.nbi", a_pickle), ("*.nb?", a_folder),
    ],
)  # fmt: skip
def test_what_is_damaged_is_compiled_again(
    home: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    for file in kept(home, pattern):
        damage(file)
    assert not used(home)[0]
    assert not list(home.rglob("executed"))
    if damage is one_bit:
        assert used(home)[0]


@pytest.mark.parametrize("damage", [cut, open_to_all, a_folder])
def test_a_module_s_file_is_mended(home: Path, damage: Callable[[Path], None]) -> None:
    (file,) = kept(home, "*.py")
    text = file.read_text()
    damage(file)
    used(home)
    (file,) = kept(home, "*.py")
    assert file.read_text() == text


def test_another_text_in_a_module_s_file_is_never_executed(home: Path) -> None:
    (file,) = kept(home, "*.py")
    text, when = file.read_text(), file.stat()
    mark = home / "executed"
    evil = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"
    file.write_text((evil + text)[: len(text)])
    os.utime(file, ns=(when.st_atime_ns, when.st_mtime_ns))
    used(home)
    assert not mark.exists()
    assert file.read_text() == text


def test_a_folder_that_others_can_write_to_is_emptied(home: Path) -> None:
    folder = home / "rnnviz/kernels"
    folder.chmod(0o777)
    assert used(home) == (False, str(folder), "")
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give away")
def test_a_folder_of_another_user_is_not_used(home: Path) -> None:
    folder = home / "rnnviz/kernels"
    os.chown(folder, 12345, 12345)
    read, where, reason = used(home)
    assert not read
    assert where != str(folder)
    assert not Path(where).exists()  # it was for that process only
    assert "belongs to another user" in reason


def test_a_file_in_the_folder_s_place_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "rnnviz").mkdir()
    (tmp_path / "rnnviz/kernels").touch()
    read, _, reason = used(tmp_path)
    assert not read
    assert "cannot be used" in reason
