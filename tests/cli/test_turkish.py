"""The command line in Turkish: its help, errors and tables; data for programs stays English."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli.command_tree import commands
from rich.cells import cell_len

from rnnviz import messages
from rnnviz.cli import COMMANDS, cli, run
from rnnviz.cli.click_errors import TEMPLATES, WORDS, message_text
from rnnviz.cli.commands import LocalizedCommand, metavar
from rnnviz.cli.language import chosen_language
from rnnviz.cli.tables import aligned
from rnnviz.messages import translations

#: English words that are neither Turkish ones nor names in examples.
ENGLISH = re.compile(
    r"\b(the|is|are|of|to|and|or|with|from|for|this|that|which|where|its|each|every|an|by|"
    r"print|write|show|list|read|default|usage|options|commands|file|name|text)\b",
    re.IGNORECASE,
)
#: Commands of examples with their arguments, options, quotations, addresses, values in brackets.
CODE = re.compile(
    r"^ *(rnnviz|echo|RNNVIZ_THEME=|bash: |zsh: |fish: |PowerShell: ).*$|rnnviz( [a-z]+)+|"
    r"--?[a-z-]+|\"[^\"]*\"|'[^']*'|\[[^\]]*\]|[\w/~.-]+\.\w+|^ +(theme|predict) = .*|\w+=\w+|"
    r"state dict|torch\.nn|\([a-z]+\)|^  [a-z]+  |AI for Beginners|CC BY|“[^”]*”|"
    r"(okuyor|Yanında): .*$",
    re.MULTILINE,
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing but the flags says the language."""
    for name in ("RNNVIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def printed(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run(list(args)) == code, capsys.readouterr().err
    found = capsys.readouterr()
    return found.out + found.err


def english_words(text: str) -> list[str]:
    return ENGLISH.findall(CODE.sub(" ", text))


# -- the language --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "environ", "config", "language"),
    [
        ("models", {}, "", "en"),
        ("models --lang tr", {"RNNVIZ_LANG": "en"}, 'lang = "en"', "tr"),
        ("--lang=tr models", {"RNNVIZ_LANG": "en"}, "", "tr"),
        ("--lang en models --lang tr", {}, "", "tr"),
        ("models", {"RNNVIZ_LANG": "tr"}, 'lang = "en"', "tr"),
        ("models", {}, 'lang = "tr"', "tr"),
        ("models", {"LANG": "tr_TR.UTF-8"}, 'lang = "en"', "en"),
        ("models", {"LANG": "tr_TR.UTF-8"}, "", "tr"),
        ("models", {"LANG": "tr_TR.UTF-8", "LC_ALL": "C"}, "", "en"),
        ("step -- --lang tr", {}, "", "en"),
        ("step --lang", {"RNNVIZ_LANG": "tr"}, "", "tr"),
        ("step --lang de", {"RNNVIZ_LANG": "de"}, 'lang = "de"', "en"),
        ("step --lang de", {"RNNVIZ_LANG": "tr"}, "", "tr"),
        ("models", {}, "lang = [", "en"),
        ("models", {"RNNVIZ_LANG": "tr"}, "lang = [", "tr"),
    ],
)
def test_where_the_language_comes_from(
    args: str, environ: dict[str, str], config: str, language: str,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if config:
        (tmp_path / "rnnviz").mkdir()
        (tmp_path / "rnnviz" / "config.toml").write_text(config)
    assert chosen_language(args.split()) == language


def test_the_flag_of_the_group_holds_for_its_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNVIZ_LANG", "en")
    for args in (("--lang", "tr", "step", "good", "--plain"), ("step", "good", "--lang", "tr")):
        assert "Tahmin:" in printed(capsys, *args)
    assert "Tahmin:" not in printed(capsys, "--lang", "tr", "step", "good", "--lang", "en")
    assert run(["--lang", "tr", "config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["settings"][1] == {
        "name": "lang", "value": "tr", "source": "flag", "where": "--lang",
    }  # fmt: skip


def test_a_wrong_language_is_the_usual_error(capsys: pytest.CaptureFixture[str]) -> None:
    for args in (("--lang", "de", "models"), ("models", "--lang=de"), ("step", "--lang", "de")):
        assert "'de' is not one of en, tr." in printed(capsys, *args, code=2)


def test_a_command_leaves_the_language_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Kullanım" in printed(capsys, "models", "--help", "--lang", "tr")
    assert messages.language() == "en"


# -- help ----------------------------------------------------------------------------------------


def groups_and_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, groups too."""
    yield "", cli
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        yield name, command
    yield from commands().items()


ALL = dict(groups_and_commands())


@pytest.mark.parametrize("name", ALL)
def test_help_is_in_turkish(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for args in (["--lang", "tr", *name.split(), "--help"], [*name.split(), "--lang=tr", "-h"]):
        said = printed(capsys, *args)
        assert said.startswith(f"Kullanım: rnnviz {name}".rstrip())
        assert "Bu yardımı göster ve çık." in said and "\\b" not in said
        assert english_words(said) == [], said


@pytest.mark.parametrize("name", ALL)
def test_every_command_can_be_translated(name: str) -> None:
    """Also options that help leaves out: every text is a message, every word of a value known."""
    command = ALL[name]
    assert isinstance(command, LocalizedCommand)
    assert [param for param in command.params if "--lang" in param.opts]
    turkish = translations("tr")
    assert command.help in turkish
    for param in command.params:
        text = getattr(param, "help", None)
        assert not text or text in turkish, (name, param.name)
        words = re.findall(r"[A-Z]{2,}", param.make_metavar(click.Context(command)))
        assert not {*words} - {*turkish}, (name, param.name)


def test_english_words_are_found_in_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("", "step", "data fetch"):
        assert len(english_words(printed(capsys, *name.split(), "--help"))) > 10


def test_metavars(monkeypatch: pytest.MonkeyPatch) -> None:
    assert metavar("[NAME=VALUE]... FILE.toml N") == "[NAME=VALUE]... FILE.toml N"
    monkeypatch.setattr(messages, "_language", "tr")
    assert metavar("[NAME=VALUE]... FILE.toml N") == "[AD=DEĞER]... DOSYA.toml N"


def test_help_imports_nothing_heavy_in_turkish() -> None:
    code = (
        "import sys; from rnnviz.cli import run; run(['--lang', 'tr', '--help']);"
        "print({'numpy', 'textual', 'rich'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Komutlar:" in done.stdout
    assert done.stderr.strip() == "set()"


def test_a_turkish_net_says_how_it_cuts_words(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "--lang", "tr", "models", "show", "sentiment-lstm-tr")
    assert "metin: " in found and "-me" in found
    document = json.loads(printed(capsys, "models", "show", "sentiment-lstm-tr", "--json"))
    assert document["tokenizer"]["name"] == "turkish" and "-me" in document["tokenizer"]["rule"]


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("stpe", "'stpe' diye bir komut yok. Yoksa 'step' mi?"),
        ("runs shwo", "'shwo' diye bir komut yok. Yoksa 'show' mi?"),
        ("step --lnag tr", "'--lnag' diye bir seçenek yok."),
        ("step good --at x", "'x' geçerli bir sayı değil; beklenen: tam sayı."),
        ("step good --unit -1", "'--unit' için geçersiz değer: -1 şu aralıkta değil: x>=0."),
        ("step good --theme drak", "'drak' şunlardan biri değil: dark, light, contrast, ansi."),
        ("step good --theme", "'--theme' seçeneği bir değer ister."),
        ("step good --json=1", "'--json' seçeneği değer almaz."),
        ("train --dropout 2", "'--dropout' için geçersiz değer: 2.0 şu aralıkta değil: 0<=x<1."),
        ("train --rate a", "'a' geçerli bir sayı değil; beklenen: sayı."),
        ("doctor x", "Fazladan bir değer var (x)"),
        ("doctor x y", "Fazladan değerler var (x y)"),
        ("models show", "Şu değer eksik: 'AD'."),
        ("completion", "Şu değer eksik: '{bash|zsh|fish|powershell}'."),
        ("evaluate sentiment-lstm /", "/ bir klasör. İçindeki tabloyu söyle."),
        ("step good --at 9", "--at 9: bu metinde 1 ile 1 arası sözcük var."),
        ("step good --save-net .", "'.' bir klasör; beklenen: dosya."),
        ("models show nosuch", "'nosuch' diye bir model yok."),
    ],
)  # fmt: skip
def test_errors_are_in_turkish(args: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "--lang", "tr", *args.split(), code=2)
    assert said in found
    assert english_words(found) == []
    assert len(found.splitlines()) <= 3


def test_the_editor_that_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    said = printed(capsys, "config", "edit", "--lang", "tr", code=2)
    assert said.startswith("rnnviz: false: düzenleme başarısız\nBir düzenleyici söyle:")


#: Messages of click that no command here can print, and why.
NOT_PRINTED = {
    # Its own way to print errors, usage and headings, which rnnviz.cli has not.
    "Error: {message}", "Try '{command} {option}' for help.", "Usage:", "Options", "Commands",
    "Positional arguments", "env var: {var}", "default: {default}", "(dynamic)", "Aborted!",
    "%(prog)s, version %(version)s", "Missing argument", "Missing option",
    "Invalid value: {message}", "Invalid value for {param_hint}: {message}",
    "Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)",
    # Parameters and types that are not used: deprecated ones, several values, dates, UUIDs, files
    # that click opens, and click's own Choice, whose place rnnviz.cli.commands.Choice takes.
    "deprecated", "Missing parameter", "Missing {param_type}", "Missing parameter: {param_name}",
    "DeprecationWarning: The command {name!r} is deprecated.{extra_message}",
    "DeprecationWarning: The {param_type} {name!r} is deprecated.{extra_message}",
    "Value must be an iterable.", "Takes {nargs} values but 1 was given.",
    "Takes {nargs} values but {len} were given.", "Argument {name!r} takes {nargs} values.",
    "Option {name!r} requires {nargs} arguments.",
    "{len_type} values are required, but {len_value} was given.",
    "{len_type} values are required, but {len_value} were given.",
    "{value!r} does not match the format {format}.",
    "{value!r} does not match the formats {formats}.", "{value!r} is not a valid UUID.",
    "{value!r} is not {choice}.", "{value!r} is not one of {choices}.",
    "Could not open file {filename!r}: {message}", "unknown error",
    "{name} {filename!r} is not executable.",
    # Errors of whoever writes a command.
    "Choice({choices})", "Name '{name}' defined twice",
    "Boolean option {decl!r} cannot use the same flag for true/false.",
    "Could not determine name for option with declarations {decls!r}",
    "No options defined but a name was passed ({name}). Did you mean to declare an argument "
    "instead? Did you mean to pass '--{name}'?",
    "Arguments take exactly one parameter declaration, got {length}: {decls}.",
    "Invalid start character for option ({option})",
    # Names of types in lower case, which messages have in title case.
    "file", "directory", "path",
    # Questions of options, which no command asks.
    "Do you want to continue?", "Confirm the action without prompting.",
}  # fmt: skip


def test_every_message_of_click_is_translated_or_not_printed() -> None:
    found = set()
    for name in ("core", "decorators", "exceptions", "formatting", "parser", "types"):
        source = Path(str(importlib.import_module(f"click.{name}").__file__))
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                texts = {"_": node.args[:1], "ngettext": node.args[:2]}.get(node.func.id, [])
                found |= {each.value for each in texts if isinstance(each, ast.Constant)}
    assert len(found) > 40
    ours = {*TEMPLATES, *WORDS}
    assert sorted(found - ours - NOT_PRINTED) == []
    editing = {"{editor}: Editing failed", "{editor}: Editing failed: {e}"}  # click._termui_impl
    words = {"integer", "integer range", "float", "float range", "File", "Directory", "Path"}
    assert sorted({*ours} - found - editing - words) == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_messages_of_click_are_recognized(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any value, also one that looks like a part of a message."""
    fields = dict.fromkeys(re.findall(r"\{(\w+)", template), "x: y; z.")
    message = template.format(**fields)
    assert message_text(message) != message or messages.language() == "en"
    monkeypatch.setattr(messages, "_language", "tr")
    turkish = message_text(message)
    assert turkish != message
    assert all("x: y; z." in turkish for _ in fields)
    assert "{" not in turkish


# -- tables and data -----------------------------------------------------------------------------

TABLES = {
    "models": "eğitim verisi", "models show sentiment-lstm": "toplam 328,353",
    "models compare sentiment-lstm sentiment-lstm-8": "farklı ağlar", "recipes": "yayımlanan",
    "recipes show jena-gru": "katman", "lesson": "düzey", "data": "koşullar",
    "inspect sentiment-lstm-8": "unutma kapısı f", "config show": "varsayılan",
    "doctor": "sürümler", "explain": "unutma kapısı", "lesson not --plain": "1/11. adım",
    "step good --against bad --plain": "uzaklık",
}  # fmt: skip


@pytest.mark.parametrize(("args", "said"), TABLES.items())
def test_tables_are_in_turkish(args: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, *args.split(), "--lang", "tr")
    assert said in found
    if args != "explain":  # its list has the English names beside the Turkish ones
        assert english_words(found) == [], found


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_turkish_table_fits(width: int) -> None:
    rows = [("İÇİNDEKİ", "eğitim verisi", "doğrulama"), ("ığdır", "konuşma cümleleri " * 9, ".5")]
    assert max(map(cell_len, aligned(rows, width))) <= width


@pytest.mark.parametrize(
    "args",
    ["models --json", "recipes --json", "recipes show jena-gru --json", "data --json",
     "inspect sentiment-lstm-8 --json", "step good --json", "step good --csv", "doctor --json",
     "models compare sentiment-lstm sentiment-gru --json", "lesson check nosuch.toml --json"],
)  # fmt: skip
def test_data_for_programs_stays_english(args: str, capsys: pytest.CaptureFixture[str]) -> None:
    def data(lang: str) -> str:
        run([*args.split(), "--lang", lang])
        return capsys.readouterr().out

    assert data("en") == data("tr")


def test_a_training_in_turkish(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "egitim"
    said = printed(
        capsys, "train", "sentiment-lstm-8", "--data", "sample", "--limit", "200", "--epochs", "1",
        "--plain", "--out", str(out), "--lang", "tr",
    )  # fmt: skip
    assert "dönem 1/1  kayıp " in said and "doğrulama, doğruluk " in said
    assert english_words(said.replace(str(out), "")) == []
    for args in (("runs", "show", str(out)), ("runs", "plot", str(out))):
        shown = printed(capsys, *args, "--lang", "tr")
        assert "doğrulama" in shown
        assert english_words(shown.replace(str(out), "")) == [], shown


def test_answers_in_turkish(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("broken\n")
    said = printed(capsys, "results", str(file), "--lang", "tr", code=4)
    assert "Bu dosyalarda henüz yanıt yok." in said
