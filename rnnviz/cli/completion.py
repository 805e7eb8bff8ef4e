"""``rnnviz completion SHELL``: the script that a shell evaluates."""

from __future__ import annotations

import click

from rnnviz.cli.commands import Choice, LocalizedCommand
from rnnviz.cli.options import debug
from rnnviz.messages import N_

SHELLS = ("bash", "zsh", "fish", "powershell")


COMPLETION_HELP = N_("""Print the script that completes commands, options and names in SHELL.

Names are those of models, runs, recipes, data sets, views, labels and cells.

\b
bash:  rnnviz completion bash > ~/.local/share/bash-completion/completions/rnnviz
zsh:   rnnviz completion zsh > "${fpath[1]}/_rnnviz"
fish:  rnnviz completion fish > ~/.config/fish/completions/rnnviz.fish
PowerShell:  rnnviz completion powershell >> $PROFILE
""")


@click.command("completion", cls=LocalizedCommand, help=COMPLETION_HELP)
@click.argument("shell", type=Choice(SHELLS))
@debug
def command(shell: str) -> None:
    """Print the script that completes commands, options and names in SHELL."""
    from click.shell_completion import get_completion_class

    from rnnviz.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "rnnviz", "_RNNVIZ_COMPLETE").source())
