"""Accounts of a forge, and the parties that each acts for: a file of the base, given with a review.

A forge knows accounts, and records know parties. Whose account is whose can't come from the change:
the file is the base's, and a change of it is for whoever keeps the records. An account that isn't
in it acts for nobody, whatever it is called.
"""

from __future__ import annotations

from typing import Final

from responsibility.cli.review.agreements import Agreements
from responsibility.cli.review.author import Author, author_of
from responsibility.cli.review.values_files import ValuesFile
from responsibility.cli.sources.location import Location
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.values.paths import of_key

PREFIX: Final = "account:"
_KEY: Final = "accounts"


def author_of_account(name: str, file: ValuesFile, agreements: Agreements) -> Author:
    """Return the author that an account is; ``name`` is its name at the forge.

    Raises CliError for a file of another form, or a party that there isn't.
    """
    accounts = file.values.get(_KEY)
    if not isinstance(accounts, dict):
        raise CliError(
            f"{Location(file.path, 1, 1)}: write the parties of each account: "
            "accounts: {octocat: [leap-prod/community]}"
        )
    # Forges make no difference between upper and lower case.
    named = [key for key in accounts if str(key).casefold() == name.casefold()]
    if len(named) > 1:
        raise CliError(f"{_place(file, named[1])}: account {named[1]} is there twice")
    if not name or not named:
        return Author(name or "an account that isn't known")
    parties = accounts[named[0]]
    listed = parties if isinstance(parties, list) else [parties]
    found = [_party(each, file, named[0], agreements) for each in listed]
    return Author(name, several=tuple(found))


def _party(party: object, file: ValuesFile, account: str, agreements: Agreements) -> Author:
    if not isinstance(party, str) or not party:
        raise CliError(f"{_place(file, account)}: name parties, as PARTY or RECORD/PARTY")
    try:
        found = author_of(party, (), agreements)
    except CliError as error:
        raise CliError(f"{_place(file, account)}: {error}") from None
    if found.party is None:
        raise CliError(f"{_place(file, account)}: no record has a party {party}")
    return found


def _place(file: ValuesFile, account: str) -> Location:
    return file.location((_KEY, of_key(str(account)))) or Location(file.path)
