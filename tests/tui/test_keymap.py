"""One keymap: bindings, key bar, help, palette, documents and a user's keys come from it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from textual.keys import _character_to_key
from tui.small_models import app, screen_text

from rnnviz import i18n
from rnnviz.tui.app.help_screen import help_text
from rnnviz.tui.dashboard.app import TrainApp
from rnnviz.tui.dashboard.screen import TrainScreen
from rnnviz.tui.keymap import (
    ACTIONS,
    DASHBOARD,
    DEFAULT_KEYMAP,
    FOOTER,
    PAGE_ACTION_KEYS,
    PAGE_KEYS,
    Keymap,
    KeymapError,
    key_name,
    step_actions,
)
from rnnviz.tui.pages import PAGES, load
from rnnviz.tui.step.help import sections
from rnnviz.tui.step.key_bar import entries
from rnnviz.tui.step.screen import StepScreen

ROOT = Path(__file__).parents[2]
MODELS = ("rnn", "lstm", "gru")


def test_a_key_has_one_meaning() -> None:
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    names = Counter(action.name for action in ACTIONS)
    assert max(names.values()) == 1


def test_every_screen_binds_the_keys_of_the_table() -> None:
    expected = {a.name: ",".join(a.keys) for a in ACTIONS if a.name not in ("palette", "interrupt")}
    bound = {b.id: b.key for b in StepScreen.BINDINGS}  # type: ignore[union-attr]
    assert bound == expected
    of_training = {b.id: b.key for b in TrainScreen.BINDINGS}  # type: ignore[union-attr]
    of_training |= {b.id: b.key for b in TrainApp.BINDINGS}  # type: ignore[union-attr]
    own = {name: ",".join(DEFAULT_KEYMAP[name].keys) for name in DASHBOARD if name != "palette"}
    assert of_training.items() >= own.items()


def test_pages_have_only_actions_of_the_table_and_every_one_has_a_page() -> None:
    assert set(PAGE_KEYS) == {entry.name for entry in PAGES}
    used = {action for entry in PAGES for action in load(entry.name).actions}
    assert used == set(PAGE_ACTION_KEYS)


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_descriptions_differ_in_every_language(lang: str) -> None:
    words = [DEFAULT_KEYMAP.words(a, lang, MODELS) for a in step_actions(DEFAULT_KEYMAP, MODELS)]
    assert all(words) and len(set(words)) == len(words)


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
async def test_key_bar_help_and_palette_show_a_user_s_keys(lang: str) -> None:
    keymap = DEFAULT_KEYMAP.with_keys({"sentence": "f3", "predict": ["x", "f2"], "cut_unit": "p"})
    it = app(lang=lang, keymap=keymap)
    async with it.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        text = f"F3 {i18n.text('key.sentence', lang)}"
        assert text in screen_text(it)[-1]
        view_state = it.step_screen.view_state
        shown = help_text(sections(view_state), view_state.theme)[0].plain
        for name, keys in (("sentence", "F3"), ("predict", "x F2"), ("cut_unit", "p")):
            words = keymap.words(keymap[name], lang)
            assert f"  {keys:<9}{words}" in shown
        assert {c.help for c in it.get_system_commands(it.step_screen)} >= {"F3", "x F2"}
        # A text that names a key names the user's.
        await pilot.press("x")
        await pilot.pause()
        view_state = it.step_screen.view_state
        assert view_state.hidden
        assert view_state.predictions.on and view_state.message == keymap.text(
            "predict.hint", lang, word="this"
        )
        assert f"x {i18n.text('key.predict', lang)}" in screen_text(it)[-1]
        await pilot.press("f2")
        assert not it.step_screen.view_state.hidden
        await pilot.press("p")
        assert not it.step_screen.view_state.hidden
        await pilot.press("t")
        await pilot.pause()
        assert it.step_screen.input is None
        await pilot.press("f3")
        await pilot.pause()
        assert it.step_screen.input is not None


def test_the_key_bar_has_at_most_eight_entries_of_the_table() -> None:
    assert len(FOOTER) == 8
    runs = {action.run for action in ACTIONS}
    it = app()
    for name in ("", *(entry.name for entry in PAGES)):
        it.step_screen.view_state = it.step_screen.view_state.__class__(
            it.step_screen.view_state.trace, it.step_screen.view_state.cursor,
            it.step_screen.view_state.theme, page=name,
        )  # fmt: skip
        found = entries(it.step_screen.view_state, 120)
        assert len(found) <= 8
        assert {action for keys, _ in found for _, action in keys} <= runs


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"predict": "x"}, ("predict", "cut_unit", " x ")),
        ({"next": "t", "sentence": ["f3", "t"]}, ("next", "sentence", " t ")),
        ({"page_net": "Ş", "page_units": "shift+ş"}, ("page_net", "page_units", " Ş ")),
        ({"predit": "x"}, ("predit", "predict")),
        ({"predict": "entr"}, ("entr", "enter")),
        ({"predict": "hyper+x"}, ("hyper+x",)),
        ({"predict": []}, ("predict", '["x", "f2"]')),
    ],
)
def test_a_keymap_that_cannot_be_used_is_refused_by_name(
    table: dict[str, str | list[str]], named: tuple[str, ...]
) -> None:
    with pytest.raises(KeymapError) as refused:
        DEFAULT_KEYMAP.with_keys(table)
    assert refused.value.action in table
    assert all(name in str(refused.value) for name in named)
    assert refused.value.exit_code == 2


def test_two_keys_can_be_exchanged() -> None:
    keymap = DEFAULT_KEYMAP.with_keys({"next": "o", "type": "tab"})
    assert keymap.overridden() == {"next": "o", "type": "tab"}
    assert DEFAULT_KEYMAP.overridden() == {}


@pytest.mark.parametrize("key", ["x", "X", "?", "+", "-", "<", "ı", "é", ".", ",", "/", "_", "@"])
def test_a_key_has_the_name_that_textual_gives_it(key: str) -> None:
    assert key_name(key, "") == _character_to_key(key)


def test_names_of_keys() -> None:
    assert key_name("ctrl+p", "") == "ctrl+p"
    assert key_name("shift+a", "") == "A"
    assert key_name("F5", "") == "f5"
    assert key_name("Escape", "") == "escape"
    assert key_name("ctrl++", "") == "ctrl+plus"


def test_the_table_is_read_without_textual_and_numpy() -> None:
    code = (
        "import sys, rnnviz.tui.keymap;"
        "print(sorted({'textual', 'numpy'} & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- the documents --------------------------------------------------------------------------------


def key_table(keymap: Keymap) -> str:
    """The table of keys in the documents, made from the keymap."""
    digits = [a for a in keymap.actions if a.name.startswith("model_")]
    lines = ["| key | action | name in the config file |", "|---|---|---|"]
    for action in keymap.actions:
        if action in digits[1:]:
            continue
        keys = " ".join(f"`{key}`" for key in action.shown.split())
        words, name = keymap.words(action, "en"), f"`{action.name}`"
        if action in digits:
            keys, name = "`1` … `9`", "`model_1` … `model_9`"
            words = keymap.text("action.model", "en", model="another model")
        lines.append(f"| {keys} | {words} | {name} |")
    return "\n".join(lines)


def key_line(keymap: Keymap) -> str:
    """The keys of the key bar in one line, made from the keymap."""
    entries = []
    for names, text in FOOTER:
        keys = " ".join(f"`{keymap.key(name)}`" for name in names)
        entries.append(f"{keys} {keymap.text(text, 'en')}")
    return " · ".join(entries)


DOCUMENTS = {"assets/docs/stepper.md": key_table, "README.md": key_line}
BEGIN, END = "<!-- keys -->\n", "\n<!-- end of keys -->"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_show_the_table(document: str) -> None:
    """RNNVIZ_UPDATE_KEYS=1 writes the keys into the documents."""
    path = ROOT / document
    before, rest = path.read_text("utf-8").split(BEGIN)
    shown, after = rest.split(END)
    expected = DOCUMENTS[document](DEFAULT_KEYMAP)
    if os.environ.get("RNNVIZ_UPDATE_KEYS"):
        path.write_text(before + BEGIN + expected + END + after, "utf-8")
    else:
        assert shown == expected
