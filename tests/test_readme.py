"""The README's commands and code do what it says they do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
#: Not run here: they need a data folder, a network, a card, a minute or a run of one's own.
LONG = (
    "rnnviz train", "rnnviz models export", "rnnviz data fetch", "rnnviz reproduce", "rnnviz bench",
)  # fmt: skip


def console_lines() -> list[str]:
    """The rnnviz commands of the README's plain code blocks, without comments."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
    blocks = [text for language, text in fenced if not language]
    lines = (line.split(" #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith("rnnviz") and not line.startswith(LONG)]


def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path),
        "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error",
    }  # fmt: skip


def test_there_are_commands_to_run() -> None:
    assert len(console_lines()) >= 10


@pytest.mark.parametrize("line", console_lines())
def test_a_command_of_the_readme_works(line: str, tmp_path: Path) -> None:
    command = re.sub(r"\brnnviz (?=\w)", f'"{sys.executable}" -m rnnviz ', line)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, env=environment(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr or list(tmp_path.iterdir())


def test_the_python_of_the_readme_works(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
    code = block.replace("epochs=2)", "epochs=1, limit=300)")
    assert code != block
    code += "\nassert trace.layers[0].values['f'].shape == (5, 32)"
    code += "\nassert model.predict(['good', 'not good']).argmax(1).tolist() == [1, 0]"
    code += "\nassert len(run.history()) == 1"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_table_of_cells_counts_right() -> None:
    from rnnviz.cells import CELLS

    for name, cell in CELLS.items():
        count = sum(int(a * b) for a, b in (s if len(s) == 2 else (s[0], 1)
                                            for s in cell.shapes(32, 32).values()))  # fmt: skip
        file = name.replace("-", "_")
        (row,) = [line for line in README.splitlines() if f"cells/{file}.py" in line]
        assert row.rstrip(" |").endswith(f"= {count:,}")


def test_every_page_of_the_stepper_is_named_with_its_key() -> None:
    from rnnviz.tui.pages import PAGES

    for entry in PAGES:
        assert f"| `{entry.name}` | {entry.shown} |" in README
        assert f"(assets/pictures/{entry.name}.svg)" in README


def test_the_pictures_are_there() -> None:
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / name).read_text("utf-8").startswith("<svg")
