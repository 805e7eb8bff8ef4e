"""Textual's bindings of the actions in the keymap."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding

from rnnviz.tui.keymap import Action

#: Actions whose keys the app binds itself.
OF_THE_APP = ("palette", "interrupt")


def key_bindings(actions: Iterable[Action]) -> list[Binding]:
    """The bindings of a screen; their ids are the names of the actions."""
    return [
        Binding(",".join(a.keys), a.run, a.name, show=False, id=a.name)
        for a in actions
        if a.name not in OF_THE_APP
    ]
