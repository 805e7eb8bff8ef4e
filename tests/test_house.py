"""The order of the house: each class name once, and no circle of modules."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "rnnviz"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def test_every_class_has_a_name_of_its_own() -> None:
    names = Counter(
        node.name
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def imported(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports as it is loaded."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {
        name: {found for found in imported(path) if found in MODULES and found != name}
        for name, path in MODULES.items()
    }
    circles = set()
    while True:
        try:
            TopologicalSorter(graph).prepare()
            break
        except CycleError as error:
            circle = error.args[1]
            circles.add(" → ".join(circle))
            graph[circle[1]].discard(circle[0])
    assert circles == set()


#: Adjectives that the field uses as names of modules' subjects.
USUAL_PARTICIPLES = {"compiled"}


def test_modules_are_named_by_nouns_and_verbs() -> None:
    """Not by a participle or an adverb alone, which says of nothing what it is."""
    names = {name.rpartition(".")[2] for name in MODULES} - USUAL_PARTICIPLES
    participles = {n for n in names if "_" not in n and re.search(r"[^e]ed$|(?:ow|a|e)wn$|ept$", n)}
    adverbs = names & {"again", "early", "here", "late", "now", "soon", "then", "there"}
    assert participles | adverbs == set()


def test_no_file_is_too_long_to_read() -> None:
    """400 lines; those that belong together all the same are listed here with the reason."""
    long = {n for n, path in MODULES.items() if len(path.read_text("utf-8").splitlines()) > 400}
    assert long == set()
