"""``completion``: the script that teaches a shell to complete."""

from __future__ import annotations

import click

from responsibility.api.names import PLUGIN
from responsibility.cli.terminal.output import say


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(*, shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    Examples:
      source <(kubectl-responsibility completion bash)
      kubectl-responsibility completion fish | source
    """
    from click.shell_completion import get_completion_class

    from responsibility.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - one of click's own
    script = found(cli, {}, PLUGIN, "_KUBECTL_RESPONSIBILITY_COMPLETE")
    say(script.source())
