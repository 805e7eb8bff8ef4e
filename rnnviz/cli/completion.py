"""``rnnviz completion SHELL``: the script that a shell evaluates."""

from __future__ import annotations

import click

from rnnviz.cli.options import Choice, debug

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=Choice(SHELLS))
@debug
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    \b
    bash:  rnnviz completion bash > ~/.local/share/bash-completion/completions/rnnviz
    zsh:   rnnviz completion zsh > "${fpath[1]}/_rnnviz"
    fish:  rnnviz completion fish > ~/.config/fish/completions/rnnviz.fish
    """
    from click.shell_completion import get_completion_class

    from rnnviz.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "rnnviz", "_RNNVIZ_COMPLETE").source())
