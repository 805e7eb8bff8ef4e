"""The commands, code, tables, pictures and links of the README and of ``assets/docs``."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "assets/docs"
#: The text of each page for users, by its path.
PAGES = {path: path.read_text("utf-8") for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md")))}
#: Pages with links: also those for contributors.
LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "tests/kernels/README.md"]
#: Not run here: they need a data folder, a network, a card, a minute or a run of one's own.
LONG = (
    "rnnviz train", "rnnviz models export", "rnnviz data fetch", "rnnviz reproduce", "rnnviz bench",
    "rnnviz step -m last", "rnnviz evaluate", "rnnviz step -m lstm_model.h5",
    "rnnviz models import lstm_model.h5", "rnnviz step -m mine",
)  # fmt: skip


def console_lines(text: str) -> list[str]:
    """The rnnviz commands of the plain code blocks, without comments."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    blocks = [text for language, text in fenced if not language]
    lines = (line.split(" #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith("rnnviz") and not line.startswith(LONG)]


#: Each command once, whatever pages it is on.
COMMANDS = list(dict.fromkeys(line for text in PAGES.values() for line in console_lines(text)))


def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path),
        "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error",
    }  # fmt: skip


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 25


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_works(line: str, tmp_path: Path) -> None:
    command = re.sub(r"\brnnviz (?=\w)", f'"{sys.executable}" -m rnnviz ', line)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, env=environment(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr or list(tmp_path.iterdir())


def test_the_commands_of_a_block_work_one_after_the_other(tmp_path: Path) -> None:
    """Blocks marked bash are whole sessions: what one command writes the next one reads."""
    blocks = [code for text in PAGES.values() for code in re.findall(
        r"^```bash\n(.*?)^```", text, re.M | re.S)]  # fmt: skip
    assert blocks
    for n, block in enumerate(blocks):
        folder = tmp_path / str(n)
        folder.mkdir()
        code = re.sub(r"^rnnviz (?=\w)", f'"{sys.executable}" -m rnnviz ', block, flags=re.M)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code], cwd=folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env=environment(folder),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_the_python_code_works(tmp_path: Path) -> None:
    blocks = {code for text in PAGES.values() for code in re.findall(
        r"^```python\n(.*?)^```", text, re.M | re.S)}  # fmt: skip
    (block,) = blocks  # the README and python.md have the same
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

    training = PAGES[DOCS / "training.md"]
    for name, cell in CELLS.items():
        count = sum(int(a * b) for a, b in (s if len(s) == 2 else (s[0], 1)
                                            for s in cell.shapes(32, 32).values()))  # fmt: skip
        file = name.replace("-", "_")
        (row,) = [line for line in training.splitlines() if f"cells/{file}.py" in line]
        assert row.rstrip(" |").endswith(f"= {count:,}")


def test_every_page_of_the_stepper_is_named_with_its_key() -> None:
    from rnnviz.tui.keymap import DEFAULT_KEYMAP, PAGE_KEYS

    stepper = PAGES[DOCS / "stepper.md"]
    for name in PAGE_KEYS:
        assert f"| `{name}` | {DEFAULT_KEYMAP.key(f'page_{name}')} |" in stepper
        assert f"(../pictures/{name}.svg)" in stepper


def test_the_readme_fits_on_two_screens() -> None:
    assert len(PAGES[ROOT / "README.md"].splitlines()) <= 120


def test_the_readme_links_every_page() -> None:
    for page in DOCS.glob("*.md"):
        assert f"(assets/docs/{page.name})" in PAGES[ROOT / "README.md"]


def test_the_pictures_are_there() -> None:
    for path, text in PAGES.items():
        for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
            assert (path.parent / name).read_text("utf-8").startswith("<svg")


def anchors(text: str) -> set[str]:
    """The anchors that a code host gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", LINKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", path.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.resolve().is_relative_to(ROOT)
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


def test_the_map_for_contributors_has_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text.split("## The map")[1].split("## Words")[0], re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    spec = importlib.util.find_spec("rnnviz")
    assert spec is not None and spec.submodule_search_locations
    (package,) = map(Path, spec.submodule_search_locations)
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    assert packages <= named
    for name in named:
        assert name in packages or (package / f"{name}.py").is_file(), name
