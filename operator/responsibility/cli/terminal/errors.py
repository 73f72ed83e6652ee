"""Errors in words for the person who must act, and the exit codes."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    NO = 1
    UNUSABLE = 2
    UNKNOWN = 3
    BUG = 70
    INTERRUPTED = 130
    UNREAD = 141


# As --help and the reference tell them.
MEANINGS = {
    Exit.OK: "yes, or nothing is wrong",
    Exit.NO: "no (can-i), drift was found (check, drift --exit-code), somebody would be refused "
    "(replay), others have to approve (review), or the shipped model has something that yours has "
    "not (model diff)",
    Exit.UNUSABLE: "the command line, a file or the cluster is not usable; stderr says why",
    Exit.UNKNOWN: "neither yes nor no can be said (can-i, replay)",
    Exit.BUG: "an error in this program",
    Exit.INTERRUPTED: "interrupted",
    Exit.UNREAD: "nobody reads the answer to its end (`| head`)",
}


class CliError(Exception):
    """Something that the person at the terminal can repair; its text is all that is shown."""

    def __init__(self, message: str, *, code: Exit = Exit.UNUSABLE) -> None:
        super().__init__(message)
        self.code = code
