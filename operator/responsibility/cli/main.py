"""``kubectl-responsibility``: the commands, and what becomes of their errors."""

from __future__ import annotations

import gc
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from responsibility.api.names import PLUGIN
from responsibility.cli.terminal.errors import MEANINGS, CliError, Exit
from responsibility.cli.terminal.output import say

# By name: the module of `commands` (or of this package), and what --help says of it in one line.
COMMANDS: Final = {
    "matrix": ("matrix", "Show who owns which item of a hub, and how each stands."),
    "page": ("page", "Write who is responsible for what as a page for a browser."),
    "drift": ("drift", "Show what differs from what is agreed, worst first."),
    "explain": ("explain", "Tell the whole story of one finding."),
    "who-owns": ("who_owns", "Say who is accountable for an action or a setting."),
    "who-can": ("who_can", "List everybody who may do something, and by which bindings."),
    "can-i": ("can_i", "Say whether somebody may do something, and by which bindings."),
    "subject": ("subject", "Tell all about one subject: what it owns, may do, would lose."),
    "init": ("init", "Draft a record for each hub, ready for review."),
    "diff": ("diff", "Show what would change if records were applied."),
    "check": ("check", "Check manifests, for pull requests: exit code 1 on drift."),
    "review": ("review", "Say whose approval a change to files needs."),
    "render": ("render", "Write the admission policies or the roles of a model."),
    "model": ("model", "Show what a newer shipped model has that yours has not."),
    "plan": ("plan", "Plan the smallest changes after which excess rights have ended."),
    "apply-plan": ("apply_plan", "Apply an approved plan, go on with it, or take it back."),
    "close-gaps": ("close_gaps", "Say which items have to be at deny together."),
    "handover": ("handover", "Plan how an item, or a whole hub, goes to another party."),
    "leftovers": ("leftovers", "List what is ours and nobody expects, and end it."),
    "split": ("split", "Show how many items, and how much work, each party carries."),
    "replay": ("replay", "Say whom an audit log's requests would have had refused or warned."),
    "version": ("version", "Print the version, and of what it knows."),
    "completion": ("completion", "Print the completion script of a shell."),
}

_EPILOG = "\b\nExit codes:\n" + "\n".join(
    f"  {code.value:<4}{meaning}" for code, meaning in MEANINGS.items()
)


class _Commands(click.Group):
    """Commands that are imported when they are called: start-up time counts."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of a name that is none, say which it may mean."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"responsibility.cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        command.help = _unwrapped(command.help)
        if ctx.resilient_parsing:
            # Only a shell that completes a line parses it so.
            from responsibility.cli.selection.completion import complete_names

            complete_names(command)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(
    cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--debug", is_flag=True, help="Show where in the program an error happened.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _option, given: _tell_version(context) if given else None,
    help="Show the version and exit.",
)
def cli(*, debug: bool) -> None:
    r"""Who owns what on a JupyterHub, who can do it, and where the two differ.

    Every command asks the cluster of your kubeconfig, or reads manifests with -f.

    \b
    Examples:
      kubectl responsibility matrix leap-prod
      kubectl responsibility drift
      kubectl responsibility who-can get secrets/hub -n coast
      kubectl responsibility check -f ./manifests
    """


def _tell_version(context: click.Context) -> None:
    from responsibility.cli.commands.version import program_version

    say(program_version())
    context.exit()


def _unwrapped(text: str | None) -> str:
    r"""Return a help text in which ``\b`` is what click takes for "don't wrap what follows".

    Docstrings with a backslash are raw, so there it is two characters.
    """
    return (text or "").replace("\\b\n", "\b\n")


cli.help = _unwrapped(cli.help)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nobody gets to see a traceback unasked."""
    words = _as_kubectl(sys.argv[1:] if arguments is None else arguments)
    try:
        result = cli.main(words, prog_name="kubectl responsibility", standalone_mode=False)
    except Exception as error:
        if "--debug" in words:
            raise
        return _tell(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SystemExit:
        # All that click still ends by itself is a broken pipe; with the code of *no*, and of drift.
        return _unread()
    return result if isinstance(result, int) else Exit.OK


def _as_kubectl(words: Sequence[str]) -> list[str]:
    """Return words of which ``-n=coast`` is two, as to kubectl; to click the ``=`` is a part."""
    found: list[str] = []
    for number, word in enumerate(words):
        if word == "--":
            return [*found, *words[number:]]
        short = re.match("-[A-Za-z]=", word)
        found += [word[:2], word[3:]] if short else [word]
    return found


def _tell(error: Exception) -> int:
    """Say what went wrong in one line, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return Exit.INTERRUPTED
    if isinstance(error, click.ClickException):
        usage = io.StringIO()
        error.show(usage)
        say(usage.getvalue(), err=True, nl=False)
        return Exit.UNUSABLE
    if isinstance(error, CliError):
        say(f"error: {error}", err=True)
        return error.code
    if isinstance(error, BrokenPipeError):
        return _unread()
    text = (str(error).splitlines() or [""])[0]
    say(
        f"error: {type(error).__name__}: {text}. This is an error in this program: run "
        "`kubectl responsibility --debug …` and report what it prints",
        err=True,
    )
    return Exit.BUG


def _unread() -> int:
    """End quietly: whoever reads has seen enough; Python must not complain at its end either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.UNREAD


def script() -> None:
    """Be the console script; completion is click's own, by an environment variable."""
    name = "_KUBECTL_RESPONSIBILITY_COMPLETE"
    if os.environ.get(name):
        cli.main(prog_name=PLUGIN, complete_var=name)
    # One short run on a lot of data that stays: collecting garbage would only take time.
    gc.disable()
    sys.exit(main())
