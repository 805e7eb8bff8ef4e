"""Every message in the source has a translation with the same fields, and no other is stored."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import rnnviz
from rnnviz import i18n, messages
from rnnviz.errors import nearest
from rnnviz.files.paths import assets
from rnnviz.glossary import glossary

PACKAGE = Path(rnnviz.__file__).parent


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    """The syntax tree of each module of the package, by its path."""
    return {
        str(path.relative_to(PACKAGE)): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def messages_in_source(
    modules: dict[str, ast.Module], calls: tuple[str, ...] = ("_", "N_")
) -> Iterator[tuple[str, ast.expr]]:
    """Where each call of ``_`` or ``N_`` is, and its argument."""
    for module, tree in modules.items():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in calls
            ):
                yield f"{module}:{node.lineno}", node.args[0]


def literals(modules: dict[str, ast.Module]) -> set[str]:
    return {
        node.value
        for _, node in messages_in_source(modules)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def fields(template: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in string.Formatter().parse(template) if name)


def test_messages_are_literals(modules: dict[str, ast.Module]) -> None:
    wrong = [
        where for where, node in messages_in_source(modules) if not isinstance(node, ast.Constant)
    ]
    assert not wrong


def test_every_message_is_translated(modules: dict[str, ast.Module]) -> None:
    assert sorted(literals(modules) - set(messages.translations("tr"))) == []


def test_no_translation_is_left_over(modules: dict[str, ast.Module]) -> None:
    assert sorted(set(messages.translations("tr")) - literals(modules)) == []


def test_a_message_is_stored_once() -> None:
    """Two files with one key: the second would replace the first without notice."""
    folder = PACKAGE / "i18n" / "messages" / "tr"
    stored: Counter[str] = Counter()
    for file in folder.glob("*.toml"):
        content = tomllib.loads(file.read_text("utf-8"))
        stored.update(each["en"] for each in content.pop("paragraphs", ()))
        stored.update([*content.pop("stored", ()), *content])
    assert [key for key, count in stored.items() if count > 1] == []


def test_translations_have_the_fields_of_the_message() -> None:
    wrong = [
        english
        for english, turkish in messages.translations("tr").items()
        if set(fields(english)) != set(fields(turkish))
    ]
    assert wrong == []


def test_what_is_stored_in_english_is_recognised(
    modules: dict[str, ast.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages of readers, with values in them, are translated where they are shown."""
    monkeypatch.setattr(messages, "_language", "tr")
    readers = ("data/", "interop/", "model_files/")
    marked = {
        ast.literal_eval(node)
        for where, node in messages_in_source(modules, ("N_",))
        if where.startswith(readers) and fields(ast.literal_eval(node))
    }
    assert len(marked) > 150
    wrong = []
    for english in sorted(marked):
        text, expected = (
            re.sub(r"\{(\w+)[^}]*\}", lambda match: f"<{match[1]}>", template)
            for template in (english, messages.translations("tr")[english])
        )
        if messages.translated(text) != expected:
            wrong.append((english, messages.translated(text)))
    assert wrong == []


def test_values_stand_in_the_translation_as_in_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = "the length of texts: as typed, unpadded (so). Otherwise: --length 12"
    assert messages.translated(found) == found
    turkish = "metinlerin uzunluğu: yazıldığı gibi, dolgusuz (so). Başka türlüyse: --length 12"
    assert messages.translated(found, "tr") == turkish
    monkeypatch.setattr(messages, "_language", "tr")
    assert messages.translated(found) == turkish
    assert messages.translated("no such message") == "no such message"


def test_the_language_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_language", "en")
    assert nearest("sentimnt", ["sentiment"]) == " Did you mean 'sentiment'?"
    messages.set_language("tr")
    assert messages.language() == "tr"
    assert nearest("sentimnt", ["sentiment"]) == " Yoksa 'sentiment' mi?"


def test_messages_inside_and_beside_each_other() -> None:
    """Of joined texts each message is translated; names in them are not."""
    shown = {
        "lstm: weights transposed; gates i f g o stay in this order; biases added": (
            "lstm: ağırlıklar devrildi; i f g o kapıları bu sırada kaldı; yanlılıklar toplandı"
        ),
        "CuDNN order i f c o, each gate transposed": "CuDNN sırası i f c o, her kapı devrik",
        "rnn: its arrays are not in the file": "rnn: dizileri dosyada yok",
        "the activation of a, b: tanh (the file does not say it). Otherwise: --activation": (
            "a, b aktivasyonu: tanh (dosya bunu söylemiyor). Başka türlüyse: --activation"
        ),
        "head (dense 6)": "head (yoğun 6)",
        "head (Conv1D)": "head (Conv1D)",
        "a: b; c (d)": "a: b; c (d)",
        "Unable to open file (bad version number)": "Unable to open file (bad version number)",
        "Keras weights, HDF5": "Keras ağırlıkları, HDF5",
    }
    assert {text: messages.translated(text, "tr") for text in shown} == shown
    deep = "x: " * 1_000
    assert messages.translated(deep, "tr") == deep


# -- what is raised and said ----------------------------------------------------------------------

#: What sends a text to the user; screens say a key of their catalogue.
SAYING = frozenset({"Note", "say", "note"})
SCREENS = "tui"
LETTER = re.compile(r"[^\W\d_]")


def error_classes(modules: dict[str, ast.Module]) -> set[str]:
    """The names of RnnvizError and of every class below it."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"RnnvizError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def is_translated(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether an expression is no English text: a literal, or one with letters in an f-string.

    ``assigned``: the values that each name is given in the function.
    """
    match node:
        case ast.Constant(value=value):
            return not isinstance(value, str) or not LETTER.search(value)
        case ast.JoinedStr(values=values):
            return all(is_translated(each, assigned) for each in values)
        case ast.FormattedValue(value=value):
            return is_translated(value, assigned)
        case ast.Call(func=ast.Name(id="_" | "translated")):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return is_translated(value, assigned)
        case ast.IfExp(body=body, orelse=other):
            return is_translated(body, assigned) and is_translated(other, assigned)
        case ast.BoolOp(values=values):
            return all(is_translated(each, assigned) for each in values)
        case ast.BinOp(left=left, right=right):
            return is_translated(left, assigned) and is_translated(right, assigned)
        case ast.Name(id=name):
            others = {key: given for key, given in assigned.items() if key != name}
            return all(is_translated(each, others) for each in assigned.get(name, ()))
    return isinstance(node, ast.Attribute | ast.Subscript | ast.Call)


def assigned_in(function: ast.AST) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def called(node: ast.Call) -> str:
    """The name of a function or method."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def test_what_is_raised_and_said_is_translated(modules: dict[str, ast.Module]) -> None:
    errors = error_classes(modules)
    assert "UsageError" in errors and "ExpressionError" in errors
    wrong = []
    for module, tree in modules.items():
        names = errors if module.startswith(SCREENS) else errors | SAYING
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for function in functions:
            assigned = assigned_in(function)
            wrong += [
                f"{module}:{node.lineno}"
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and node.args and called(node) in names
                if not is_translated(node.args[0], assigned)
            ]
    assert sorted(set(wrong)) == []


@pytest.mark.parametrize(
    ("line", "translated"),
    [
        ('raise UsageError(_("no {x}").format(x=x))', True),
        ('raise UsageError("no x")', False),
        ('raise UsageError(f"no {x}")', False),
        ('raise UsageError(f"{x}: {y}")', True),
        ('raise UsageError("no x" if x else _("no"))', False),
        ('text = f"no {x}"; raise UsageError(text)', False),
        ('text = _("no"); raise UsageError(text)', True),
        ("raise UsageError(self.message(x))", True),
    ],
)
def test_an_error_in_english_is_found(line: str, translated: bool) -> None:
    function = ast.parse(f"def f(x):\n    {line}").body[0]
    (error,) = (
        node.args[0]
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and called(node) == "UsageError"
    )
    assert is_translated(error, assigned_in(function)) is translated


def test_no_name_hides_the_translation(modules: dict[str, ast.Module]) -> None:
    """``for _ in …`` in a function that calls ``_`` would call a value."""
    wrong = []
    for module, tree in modules.items():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            nodes = list(ast.walk(function))
            inner = {
                below
                for node in nodes
                if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
                for below in ast.walk(node)
            }
            calls = any(isinstance(n, ast.Call) and called(n) == "_" for n in nodes)
            bound = [
                n for n in nodes
                if isinstance(n, ast.Name) and n.id == "_" and isinstance(n.ctx, ast.Store)
                and n not in inner
            ]  # fmt: skip
            wrong += [f"{module}:{n.lineno}" for n in bound if calls]
    assert wrong == []


# -- no English in Turkish ------------------------------------------------------------------------

#: English words that are no Turkish ones, as "not" and "an" are.
WORDS = re.compile(
    r"\b(the|is|are|was|were|this|that|these|those|there|with|without|from|has|have|cannot|does|"
    r"file|files|folder|word|words|text|unknown|which|its|than|must|expected|missing|given|and|or|"
    r"of|to|for|by|it|be|been|no|if|when|where|what|how|only|each|every|your|you|into)\b",
    re.IGNORECASE,
)
#: Quotations, fields, commands, options, names in code and of keys before a colon.
CODE = re.compile(
    r"`[^`]*`|\"[^\"]*\"|“[^”]*”|'[^']*'|\{[^}]*\}|rnnviz( +[a-z]+)*|--?[a-z-]+|"
    r"[\w.]+[_.=(][\w.]+|\w+ ?=|^\w+:"
)
NAMES = re.compile(r"CC BY 4.0|AI for Beginners|Max Planck Institute for Biogeochemistry")


def turkish_texts() -> Iterator[tuple[str, str]]:
    """Every Turkish text with its key: messages, screens, pages, the glossary, lessons."""
    yield from messages.translations("tr").items()
    yield from i18n.catalogue("tr").items()
    for page in sorted((PACKAGE / "i18n" / "pages").glob("*.toml")):
        for key, text in i18n.page_catalogue(page.stem)["tr"].items():
            yield f"{page.stem}.{key}", text
    for term in glossary().values():
        yield term.key, f"{term.name['tr']}: {term.about['tr']}"
    for lesson in sorted((assets() / "lessons").glob("*.toml")):
        for text in in_turkish(tomllib.loads(lesson.read_text("utf-8"))):
            yield lesson.stem, text


def in_turkish(value: object) -> Iterator[str]:
    """The texts under a key "tr" in a lesson."""
    if isinstance(value, list):
        for each in value:
            yield from in_turkish(each)
    elif isinstance(value, dict):
        own = value.get("tr")
        yield from [own] if isinstance(own, str) else own if isinstance(own, list) else ()
        for key, each in value.items():
            if key not in ("claim", "of", "reached"):  # expressions, which are checked as such
                yield from in_turkish(each)


def english_words(text: str) -> list[str]:
    return WORDS.findall(CODE.sub(" ", NAMES.sub(" ", text)))


def test_no_turkish_text_has_english_words() -> None:
    found = list(turkish_texts())
    assert len(found) > 2000
    assert [(key, text) for key, text in found if english_words(text)] == []


def test_english_words_are_found() -> None:
    assert english_words("Bu model is kayıtlı, “this one”: --words") == ["is"]
