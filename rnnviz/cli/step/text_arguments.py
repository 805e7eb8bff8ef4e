"""Text that begins with a dash: ``rnnviz step "- not good"`` and ``rnnviz step --units 1 "-1 0"``.

click parses everything that begins with a dash as options. Here an argument that can only be text
gets a mark before click parses it, and loses it in the callback of the argument.
"""

from __future__ import annotations

import re
from typing import Any

import click

from rnnviz.cli.commands import LocalizedCommand

#: A private character that no option begins with.
MARK = "\ue000"
#: A number, or brackets of numbers.
_NUMBER = re.compile(r"-[\s(\[{]*\.?\d")


class TextCommand(LocalizedCommand):
    """A command whose arguments may be texts that begin with a dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Mark texts, then parse; after ``--`` everything is text."""
        options = [param for param in self.params if isinstance(param, click.Option)]
        known = {name for option in options for name in option.opts} | {"--help", "-h"}
        taking = {
            name for o in options for name in o.opts if not (o.is_flag or o.count or o.nargs != 1)
        }
        marked: list[str] = []
        left = iter(args)
        for arg in left:
            if arg == "--":
                marked += [arg, *left]
            elif arg in taking:
                marked += [arg, *[value for value in [next(left, None)] if value is not None]]
            else:
                attached = arg[:2] in taking and not arg[2:3].isalpha()  # -m/a folder/of mine
                marked.append(MARK + arg if _is_text(arg, known) and not attached else arg)
        return super().parse_args(ctx, marked)


def _is_text(arg: str, known: set[str]) -> bool:
    """Whether an argument begins with a dash but cannot be an option.

    Numbers are text, and so are several words, unless the first one is an option or an option with
    its value (``--against="not good"``).
    """
    if not arg.startswith("-") or arg == "-":
        return False
    if _NUMBER.match(arg):
        return True
    first, *more = arg.split(maxsplit=1)
    return bool(more or arg[-1:].isspace()) and first not in known and "=" not in first


def unmarked(ctx: click.Context, param: click.Parameter, value: Any) -> tuple[str, ...]:
    """The arguments without their marks."""
    return tuple(word.removeprefix(MARK) for word in value)
