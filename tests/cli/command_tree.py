"""All commands of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import click

from rnnviz.cli import cli


def commands() -> dict[str, click.Command]:
    """Every command that does something when it is called, by its words: ``runs show``."""
    return dict(_leaves(cli, ""))


def _leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group) or (name and command.invoke_without_command):
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from _leaves(found, f"{name} {each}".strip())
