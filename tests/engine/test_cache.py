"""Cached code is used only if it belongs to the user and is undamaged; else compiled again."""

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
fields = np.array([64, g.ctypes.data, p.ctypes.data], np.int64)
module.step_rows(p[:0, 0], fields, np.array([0.5], np.float32), np.zeros(1, np.int64), 0, 1)
hits = sum(module.step_rows._cache_hits.values())
folder = cache.cache_folder()
print(json.dumps([p.tolist(), hits, str(folder.folder), folder.reason]))
"""


def run_script(home: Path) -> tuple[bool, str, str]:
    """Whether cached code was loaded, its folder, and why that is not the user's cache folder."""
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


def cached(home: Path, pattern: str) -> list[Path]:
    return sorted((home / "rnnviz/kernels").rglob(pattern))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with one function in it."""
    folder = tmp_path_factory.mktemp("compiled")
    assert run_script(folder) == (False, str(folder / "rnnviz/kernels"), "")
    return folder


@pytest.fixture
def home(compiled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(compiled, tmp_path / "home")
    return tmp_path / "home"


def test_cached_code_is_used_and_only_the_user_can_write_it(home: Path) -> None:
    assert run_script(home)[0]
    folder = home / "rnnviz/kernels"
    assert folder.stat().st_mode & 0o077 == 0
    files = [*cached(home, "*.py"), *cached(home, "*.nbi"), *cached(home, "*.nbc")]
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
    """A pickle that executes a command when it is loaded."""
    mark = file.parents[3] / "executed"
    file.write_bytes(b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("*.nbc", emptied), ("*.nbc", one_bit), ("*.nbc", a_pickle), ("*.nbi", cut),
        ("*.nbi", open_to_all), ("*.nbi", a_pickle), ("*.nb?", a_folder),
    ],
)  # fmt: skip
def test_damaged_files_are_compiled_again(
    home: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    for file in cached(home, pattern):
        damage(file)
    assert not run_script(home)[0]
    assert not list(home.rglob("executed"))
    if damage is one_bit:
        assert run_script(home)[0]


@pytest.mark.parametrize("damage", [cut, open_to_all, a_folder])
def test_a_damaged_source_file_is_written_again(home: Path, damage: Callable[[Path], None]) -> None:
    (file,) = cached(home, "*.py")
    text = file.read_text()
    damage(file)
    run_script(home)
    (file,) = cached(home, "*.py")
    assert file.read_text() == text


def test_a_changed_source_file_is_never_executed(home: Path) -> None:
    (file,) = cached(home, "*.py")
    text, when = file.read_text(), file.stat()
    mark = home / "executed"
    evil = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"
    file.write_text((evil + text)[: len(text)])
    os.utime(file, ns=(when.st_atime_ns, when.st_mtime_ns))
    run_script(home)
    assert not mark.exists()
    assert file.read_text() == text


def test_a_folder_that_others_can_write_to_is_emptied(home: Path) -> None:
    folder = home / "rnnviz/kernels"
    folder.chmod(0o777)
    assert run_script(home) == (False, str(folder), "")
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give away")
def test_a_folder_of_another_user_is_not_run_script(home: Path) -> None:
    folder = home / "rnnviz/kernels"
    os.chown(folder, 12345, 12345)
    read, where, reason = run_script(home)
    assert not read
    assert where != str(folder)
    assert not Path(where).exists()  # a temporary folder of that process
    assert "belongs to another user" in reason


def test_a_file_instead_of_the_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "rnnviz").mkdir()
    (tmp_path / "rnnviz/kernels").touch()
    read, _, reason = run_script(tmp_path)
    assert not read
    assert "cannot be used" in reason
