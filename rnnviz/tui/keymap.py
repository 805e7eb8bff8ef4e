"""The keymap: one row an action, and one meaning a key on every screen and page.

Key bindings, the key bar, the help, the command palette, the key tables of the documents, and the
keys that a user's config file sets are all made from :data:`ACTIONS`. This module does not import
Textual, so that the command line can check a config file without it.

The default keys need no modifier other than shift on Turkish Q, German and French keyboards.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rnnviz import i18n
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _


@dataclass(frozen=True)
class Action:
    """Something a key does; its description is the text ``action.NAME``."""

    name: str
    keys: tuple[str, ...]  # as Textual names them
    run: str  # Textual's action string

    @property
    def shown(self) -> str:
        """Its keys as text: "? F1"."""
        return " ".join(map(display_key, self.keys))


#: The number of models that have a digit key.
MODEL_KEYS = 9

#: The pages and their keys, in the order of the help.
PAGE_KEYS = {
    "hand": "e", "backward": "B", "weights": "w", "series": "h", "padding": "i", "net": "n",
    "clamp": "c", "against": "a", "units": "u", "reach": "R", "training": "f4", "learning": "f9",
    "lockstep": "k", "check": "Q", "scan": "0", "write": "semicolon",
}  # fmt: skip

#: The actions of pages and their keys; a page lists those that it has.
PAGE_ACTION_KEYS: Mapping[str, tuple[str, ...]] = {
    "next": ("tab",),  # quantity, gate, gradient or number
    "previous": ("shift+tab",),
    "type": ("o",),
    "raise": ("plus",),
    "lower": ("minus",),
    "open_gate": ("O",),
    "shut_gate": ("X",),
    "cut_unit": ("x",),
    "take_away": ("delete", "backspace"),
    "day_back": ("less_than_sign",),
    "day_on": ("greater_than_sign",),
    "drop_word": ("D",),
    "exchange": ("E",),
    "untrained": ("U",),
    "gate_product": ("P",),
    "threshold": ("H",),
    "padding_mode": ("M",),
    "padding_count": ("N",),
    "last_output": ("W",),
    "whole_net": ("V",),
    "unit_count": ("C",),
    "all_values": ("K",),
    "save_net": ("F",),
    "likeliest": ("exclamation_mark",),
    "colour_text": ("asterisk",),
    "next_seed": ("equals_sign",),
    "scored_text": ("colon",),
}

ACTIONS: tuple[Action, ...] = (
    Action("token_on", ("right",), "token(1)"),
    Action("token_back", ("left",), "token(-1)"),
    Action("part_on", ("full_stop",), "part(1)"),
    Action("part_back", ("comma",), "part(-1)"),
    Action("unit_up", ("up",), "unit(-1)"),
    Action("unit_down", ("down",), "unit(1)"),
    Action("first", ("home",), "edge(0)"),
    Action("last", ("end",), "edge(1)"),
    Action("play", ("space",), "play"),
    Action("faster", ("f",), "speed(1)"),
    Action("slower", ("d",), "speed(-1)"),
    Action("zoom_in", ("enter",), "zoom(1)"),
    Action("zoom_out", ("escape",), "zoom(-1)"),
    Action("view", ("v",), "view"),
    *(Action(f"model_{n}", (str(n),), f"model({n - 1})") for n in range(1, MODEL_KEYS + 1)),
    Action("sentence", ("t",), "sentence"),
    Action("continue", ("f8",), "continue"),
    Action("models", ("m",), "models"),
    Action("go_to", ("j",), "go_to"),
    Action("copy", ("y",), "copy"),
    Action("undo", ("z",), "undo"),
    Action("redo", ("Z",), "redo"),
    Action("backward", ("b",), "backward"),
    Action("reach", ("r",), "reach"),
    Action("without_word", ("I",), "without_word"),
    Action("predict", ("p",), "predict"),
    Action("lesson_on", ("pagedown", "G"), "lesson(1)"),
    Action("lesson_back", ("pageup",), "lesson(-1)"),
    Action("layer", ("l",), "layer"),
    Action("beside", ("A",), "beside"),
    *(Action(f"page_{name}", (key,), f"page('{name}')") for name, key in PAGE_KEYS.items()),
    *(Action(name, keys, f"on_page('{name}')") for name, keys in PAGE_ACTION_KEYS.items()),
    Action("language", ("L",), "language"),
    Action("explain", ("g",), "explain"),
    Action("notation", ("Y",), "notation"),
    Action("theme", ("T",), "theme"),
    Action("presenter", ("f5",), "presenter"),
    Action("class", ("percent_sign",), "class"),
    Action("travel", ("J",), "travel"),
    Action("steer", ("f7",), "steer"),
    Action("screenshot", ("s",), "screenshot('svg')"),
    Action("textshot", ("S",), "screenshot('txt')"),
    Action("help", ("question_mark", "f1"), "help"),
    Action("palette", ("ctrl+p",), "app.command_palette"),
    Action("quit", ("q",), "quit"),
    Action("interrupt", ("ctrl+c",), "app.interrupt"),
)

#: The actions of the training dashboard; those of the step screen are all but ``interrupt``.
DASHBOARD = (
    "zoom_in", "zoom_out", "view", "language", "theme", "screenshot", "help", "palette", "quit",
    "interrupt",
)  # fmt: skip

#: The key bar in a lesson.
LESSON_FOOTER: tuple[tuple[tuple[str, ...], str], ...] = (
    (("lesson_on",), "key.lesson_on"),
    (("lesson_back",), "key.lesson_back"),
    (("type",), "key.lesson_type"),
    (("token_back", "token_on"), "key.token"),
    (("part_back", "part_on"), "key.part"),
    (("zoom_in",), "key.zoom_in"),
    (("help",), "key.help"),
    (("quit",), "key.quit"),
)

#: The key bar of the step screen, at most eight entries: actions, and the text of both.
FOOTER: tuple[tuple[tuple[str, ...], str], ...] = (
    (("token_back", "token_on"), "key.token"),
    (("part_back", "part_on"), "key.part"),
    (("unit_up", "unit_down"), "key.unit"),
    (("play",), "key.play"),
    (("zoom_in",), "key.zoom_in"),
    (("sentence",), "key.sentence"),
    (("help",), "key.help"),
    (("quit",), "key.quit"),
)


class KeymapError(UsageError):
    """A key of a user's keymap that cannot be used; ``action`` is the row of the table."""

    def __init__(self, message: str, action: str) -> None:
        super().__init__(message)
        self.action = action


@dataclass(frozen=True)
class Keymap:
    """The actions with their keys: the default ones, or those of a user."""

    actions: tuple[Action, ...] = ACTIONS

    @cached_property
    def by_name(self) -> Mapping[str, Action]:
        """The actions by name."""
        return {action.name: action for action in self.actions}

    def __getitem__(self, name: str) -> Action:
        """An action by name; raises KeyError for an unknown name."""
        return self.by_name[name]

    def key(self, name: str) -> str:
        """The first key of an action, as text."""
        return display_key(self[name].keys[0])

    def overridden(self) -> Mapping[str, str]:
        """The actions whose keys differ from the default ones, as Textual's keymap."""
        return {
            action.name: ",".join(action.keys)
            for action in self.actions
            if action.keys != DEFAULT_KEYMAP[action.name].keys
        }

    def with_keys(self, table: Mapping[str, str | Sequence[str]]) -> Keymap:
        """The keymap with the keys of some actions replaced.

        ``table``: a key or a list of keys by action name, as in a config file. A key is a
        character ("x", "?") or a name ("f2", "enter", "ctrl+r"). Raises :class:`KeymapError` for
        an unknown action, an unknown key, and a key that two actions would share.
        """
        actions = dict(self.by_name)
        for name, keys in table.items():
            if name not in actions:
                guess = nearest(name, tuple(actions))
                raise KeymapError(
                    _("There is no action {name!r}.{guess}").format(name=name, guess=guess), name
                )
            listed = [keys] if isinstance(keys, str) else list(keys)
            if not listed or not all(isinstance(key, str) for key in listed):
                raise KeymapError(
                    _(
                        "The keys of {name!r} are not a key or a list of keys, such as "
                        '{name} = "x" or {name} = ["x", "f2"].'
                    ).format(name=name),
                    name,
                )
            named = tuple(dict.fromkeys(key_name(key, name) for key in listed))
            actions[name] = replace(actions[name], keys=named)
        result = Keymap(tuple(actions.values()))
        result._refuse_clash(table)
        return result

    def _refuse_clash(self, table: Mapping[str, object]) -> None:
        """Raise :class:`KeymapError` if two actions share a key; report the one in the table."""
        owners: dict[str, str] = {}
        # Rows of the user's table come last, so that the error names one of them.
        for action in sorted(self.actions, key=lambda action: action.name in table):
            for key in action.keys:
                if key in owners:
                    raise KeymapError(
                        _(
                            "The key {key} of {action!r} is also a key of "
                            "{owner!r}. Give one of them another key."
                        ).format(key=display_key(key), action=action.name, owner=owners[key]),
                        action.name,
                    )
                owners[key] = action.name

    def words(
        self, action: Action, lang: str, models: Sequence[str] = (), context: str = ""
    ) -> str:
        """The description of an action; ``models`` are those of the digit keys.

        ``context``: the name of a page, or "dashboard", which may have a text of its own.
        """
        name = action.name
        if name.startswith("page_"):
            return self.text(f"page.{name.removeprefix('page_')}.action", lang)
        if name.startswith("model_"):
            at = int(name.removeprefix("model_")) - 1
            model = models[at] if at < len(models) else "–"
            return self.text("action.model", lang, model=i18n.model_name(model, lang))
        own = f"{context}_action.{name}"
        return self.text(own if i18n.known(own) else f"action.{name}", lang)

    def text(self, key: str, lang: str, **values: object) -> str:
        """A text of the catalogue, in which ``{key.NAME}`` is the key of an action."""
        return i18n.text(key, lang, key=KeyNames(self, lang), **values)


DEFAULT_KEYMAP = Keymap()


@dataclass(frozen=True)
class KeyNames:
    """Attributes are the keys of actions as a text shows them: ``{key.predict}``."""

    keymap: Keymap
    lang: str

    def __getattr__(self, name: str) -> str:
        try:
            action = self.keymap.by_name[name]
        except KeyError:
            raise AttributeError(name) from None
        return localized_key(action.keys[0], self.lang)


_SYMBOLS = {
    "right": "→", "left": "←", "up": "↑", "down": "↓", "full_stop": ".", "comma": ",",
    "plus": "+", "minus": "-", "question_mark": "?", "slash": "/", "less_than_sign": "<",
    "greater_than_sign": ">", "escape": "esc", "delete": "del", "backspace": "⌫",
    "pagedown": "PgDn", "pageup": "PgUp", "exclamation_mark": "!", "asterisk": "*",
    "equals_sign": "=", "semicolon": ";", "colon": ":",
    "percent_sign": "%",
}  # fmt: skip

#: Keys with names that Textual writes in words.
_NAMED = (
    "enter", "escape", "space", "tab", "home", "end", "pageup", "pagedown", "insert", "delete",
    "backspace", "up", "down", "left", "right", *(f"f{n}" for n in range(1, 25)),
)  # fmt: skip

#: Textual's names of characters, where they differ from those of Unicode.
_REPLACED = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at",
    "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip


def key_name(key: str, action: str) -> str:
    """Textual's name of a key: "question_mark" for "?"; raises :class:`KeymapError`."""
    *modifiers, last = [key] if key in ("+", "") else key.replace("++", "+plus").split("+")
    if len(last) == 1 and last.isprintable() and last != " ":
        if not last.isalnum():
            last = unicodedata.name(last).lower().replace("-", "_").replace(" ", "_")
            last = _REPLACED.get(last, last)
        if modifiers == ["shift"] and last.isalpha() and len(last) == 1:
            return last.upper()
    elif last.lower() in _NAMED or last in _SYMBOLS:
        last = last.lower()
    else:
        guess = nearest(last, _NAMED)
        raise KeymapError(
            _("There is no key {key!r} for {action!r}.{guess}").format(
                key=key, action=action, guess=guess
            ),
            action,
        )
    if any(modifier not in ("ctrl", "shift", "alt") for modifier in modifiers):
        raise KeymapError(
            _("There is no key {key!r} for {action!r}.").format(key=key, action=action), action
        )
    return "+".join([*modifiers, last])


def display_key(key: str) -> str:
    """A key as text: "→", "L" (shift and l), "F1"."""
    if key in _SYMBOLS:
        return _SYMBOLS[key]
    return key.upper() if key[:1] == "f" and key[1:].isdigit() else key


def localized_key(key: str, lang: str) -> str:
    """A key as text in a language: "space" is "boşluk" in Turkish."""
    text = display_key(key)
    return i18n.text(f"key.{text}", lang) if i18n.known(f"key.{text}") else text


def key_texts(keymap: Keymap, lang: str) -> dict[str, str]:
    """The first key of each action as text, by the name of the action."""
    return {action.name: localized_key(action.keys[0], lang) for action in keymap.actions}


def step_actions(keymap: Keymap, models: Sequence[str]) -> Iterator[Action]:
    """The actions of the step screen: a digit key needs a model."""
    for action in keymap.actions:
        number = action.name.removeprefix("model_")
        if action.name != "interrupt" and not (number.isdigit() and int(number) > len(models)):
            yield action
