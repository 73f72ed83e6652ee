"""Confirmation by whoever is at the terminal, before something is changed."""

from __future__ import annotations

import sys

import click

from responsibility.cli.terminal.errors import CliError


def confirm(question: str, *, yes: bool) -> None:
    """Go on if somebody says so, or has said ``yes``.

    Raises CliError where nobody is there to ask, and click.Abort where the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CliError(f"nobody is there to ask ({question}): say --yes")
    click.confirm(question, abort=True)
