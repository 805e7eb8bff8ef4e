"""The help of a recording: what its keys do."""

from __future__ import annotations

from rnnviz.tui.app.help_screen import HelpSection
from rnnviz.tui.keymap import Keymap, localized_key
from rnnviz.tui.view.view_state import ViewState

#: The keys, and what they do to a recording.
KEYS = (
    "play", "token_on", "token_back", "next", "previous", "first", "last", "faster", "slower",
    "steer", "screenshot", "help", "quit",
)  # fmt: skip


def sections(view_state: ViewState, keymap: Keymap) -> list[HelpSection]:
    """What a recording is, and its keys."""
    lang = view_state.lang
    rows = tuple(
        (
            " ".join(localized_key(key, lang) for key in keymap[name].keys),
            keymap.words(keymap[name], lang, context="replay"),
        )
        for name in KEYS
    )
    say = view_state.text
    return [
        HelpSection(say("replay.title"), (("", say("replay.help")),)),
        HelpSection(say("help.keys"), rows),
    ]
