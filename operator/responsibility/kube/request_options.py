"""Options of requests, beyond what each is: how long to wait for an answer, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Seconds. A page of 500 objects takes well under one; an API server under load takes many.
ANSWER: Final = 30.0

# Verb, address, status and seconds of an answer. Headers, and with them credentials, are not told.
Teller = Callable[[str, str, int, float], None]


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """Seconds until an answer has to be there (None: any time), and who is told of each."""

    answer: float | None = ANSWER
    tell: Teller | None = None


USUAL: Final = RequestOptions()
