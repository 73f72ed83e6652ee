"""Options of requests, beyond what each is: bounds of an answer, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Seconds. A page of 500 objects takes well under one; an API server under load takes many.
ANSWER: Final = 30.0
# Bytes of a page. One of 500 objects has about one MiB, mostly; each may have one and a half, which
# is what etcd takes (--max-request-bytes).
LARGEST_PAGE: Final = 16 << 20

# Verb, address, status and seconds of an answer. Headers, and with them credentials, are not told.
Teller = Callable[[str, str, int, float], None]


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """Seconds until an answer has to be there (None: any time), and who is told of each.

    Of a page that has more than ``largest_page`` bytes, fewer objects are asked for at a time.
    """

    answer: float | None = ANSWER
    tell: Teller | None = None
    largest_page: int = LARGEST_PAGE


USUAL: Final = RequestOptions()
