"""Names that a shell completes. It asks at every press of tab: nothing here imports NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import click
from click.shell_completion import CompletionItem

from rnnviz.errors import RnnvizError

#: What the shell is given: names, and files where none begins as the word does.
Completions = list["CompletionItem[str]"]
Complete = Callable[[click.Context, click.Parameter, str], Completions]

#: The recipes and the nets of the benchmark, whose modules import NumPy.
RECIPES = (
    "agnews-rnn", "agnews-rnn-masked", "agnews-lstm", "agnews-bilstm",
    "imdb-rnn", "imdb-lstm", "imdb-gru", "imdb-stacked", "imdb-bilstm",
    "jena-naive", "jena-dense", "jena-gru", "jena-lstm", "jena-gru-dropout", "jena-stacked",
    "jena-bigru", "jena-bilstm", "jena-reversed",
    "sentiment-rnn", "sentiment-lstm", "sentiment-gru", "sentiment-lstm-8", "sentiment-lstm-slide",
    "sentiment-mingru", "sentiment-rnn-tr", "sentiment-lstm-tr", "sentiment-gru-tr",
    "names-rnn", "names-gru", "names-lstm", "shakespeare-lstm",
)  # fmt: skip
GROUPS = ("all", "imdb", "jena", "agnews", "sentiment")
VARIANTS = {
    "agnews": ("all-words", "buckets", "all-words-buckets"),
    "jena": ("quarters",),
    "shakespeare": ("separate-windows",),
}
WORKLOADS = (
    "imdb-rnn", "imdb-lstm", "imdb-gru", "jena-gru", "jena-gru-dropout", "jena-stacked",
    "jena-bigru", "shakespeare-lstm", "agnews-bilstm", "agnews-bilstm-128",
)  # fmt: skip
#: The panels that a screenshot can show alone.
PANELS = ("sentence", "cell", "equation")


def models(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """Shipped models, imported ones and runs, or files; after RUN@ its snapshots."""
    from rnnviz.lookup import BUGGY_COPIES, shipped

    if "@" in incomplete and (steps := _steps(incomplete)):
        return _items([*steps, *_run_names()], incomplete)
    return _or_files([*shipped(), *BUGGY_COPIES, *_imported_names(), *_run_names()], incomplete)


def _steps(incomplete: str) -> list[str]:
    """The snapshots of the run before the @: RUN@STEP."""
    from rnnviz.lookup import find_run, snapshot_files

    run = incomplete.rpartition("@")[0]
    try:
        return [f"{run}@{step}" for step in snapshot_files(find_run(run))] if run else []
    except (RnnvizError, OSError):  # no run of that name: there is nothing to complete
        return []


def imported_models(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The imported models."""
    return _items(_imported_names(), incomplete)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The runs, or folders."""
    return _or_files(_run_names(), incomplete, "dir")


def recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The recipes."""
    return _items(RECIPES, incomplete)


def recipes_and_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The recipes, or files."""
    return _or_files(RECIPES, incomplete)


def recipes_and_groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The recipes and their groups, and after a colon the variants."""
    name, colon, _ = incomplete.partition(":")
    variants = [f"{name}:{each}" for each in VARIANTS.get(name.partition("-")[0], ())]
    return _items(variants if colon else (*GROUPS, *RECIPES), incomplete)


def variants(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The variants of all recipes: an argument before an option is not parsed yet."""
    return _items(sum(VARIANTS.values(), ()), incomplete)


def data_sets(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The data sets."""
    from rnnviz.data.catalogue import DATA_SETS

    return _items(DATA_SETS, incomplete)


def data_folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The sample in the package, or folders."""
    return _or_files(["sample"] if incomplete else [], incomplete, "dir")


def views(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The pages, and the panels that have a name."""
    from rnnviz.cli.step.app import PANELS_VIEW
    from rnnviz.tui.pages import PAGES

    return _items([PANELS_VIEW, *(page.name for page in PAGES), *PANELS], incomplete)


def terms(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The terms of the glossary and, once something is typed, their other names."""
    from rnnviz.glossary import glossary

    keys = list(glossary())
    names = [name for term in glossary().values() for name in term.names if " " not in name]
    return _items(dict.fromkeys([*keys, *(names if incomplete else [])]), incomplete)


def labels(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The labels of the model on the command line."""
    from rnnviz.files import read_json
    from rnnviz.lookup import DEFAULT, locate

    model, cell = ctx.params.get("model"), ctx.params.get("cell")
    try:
        record = read_json(locate(model or (f"sentiment-{cell}" if cell else DEFAULT))[0])
    except (RnnvizError, OSError):  # a wrong name: there is nothing to complete
        return []
    found = record.get("labels") if isinstance(record, dict) else None
    return _items(map(str, found if isinstance(found, list) else ()), incomplete)


def nets(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The shipped nets by hand, or files."""
    from rnnviz.toy_net.net_files import examples

    return _or_files(examples(), incomplete)


def lessons(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The shipped lessons, or files."""
    from rnnviz.lessons.catalogue import lesson_files

    return _or_files(lesson_files(), incomplete)


def cells(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The cells of the model's family, separated by commas: those that can be compared with it."""
    from rnnviz.lookup import DEFAULT, shipped

    family = str(ctx.params.get("model") or DEFAULT).partition("-")[0] + "-"
    names = [name.removeprefix(family) for name in shipped() if name.startswith(family)]
    return _list_items(names, incomplete)


def workloads(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """Nets of the benchmark separated by commas, or: all."""
    return _list_items(["all", *WORKLOADS], incomplete)


def peers(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """Frameworks separated by commas, or: none."""
    from rnnviz.bench.peers import PEERS

    return _list_items(["none", *PEERS], incomplete)


def _run_names() -> Sequence[str]:
    """``last`` and the names of the runs, newest first."""
    from rnnviz.lookup import run_directories

    try:
        names = [path.name for path in run_directories()]
    except OSError:
        return []
    return ["last", *names] if names else []


def activations(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """Activations of layers, gates and outputs."""
    from rnnviz.import_settings import ACTIVATIONS

    return _items(ACTIVATIONS, incomplete)


def tokenizers(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """The tokenizers."""
    from rnnviz.import_settings import SETTINGS

    return _items(SETTINGS["tokenizer"], incomplete)


def parts(ctx: click.Context, param: click.Parameter, incomplete: str) -> Completions:
    """None: a file is not read while a shell waits."""
    return []


def _imported_names() -> Sequence[str]:
    from rnnviz.lookup import imported

    try:
        return list(imported())
    except OSError:
        return []


def _items(names: Iterable[str], incomplete: str) -> Completions:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _or_files(names: Iterable[str], incomplete: str, kind: str = "file") -> Completions:
    """The names that begin with the word; if there is none, the shell completes paths."""
    return _items(names, incomplete) or [CompletionItem(incomplete, type=kind)]


def _list_items(names: Sequence[str], incomplete: str) -> Completions:
    """The last of several names that are separated by commas; none is offered twice."""
    before, comma, last = incomplete.rpartition(",")
    left = [name for name in names if name not in before.split(",")]
    return [CompletionItem(f"{before}{comma}{item.value}") for item in _items(left, last)]
