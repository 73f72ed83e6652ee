"""Results of an expression besides a value: an error, or something that nobody can know.

Both behave as CEL has it: ``true || error`` is true, ``false && unknown`` is false. So what can't
be known only matters where the answer really depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class EvaluationError(Exception):
    """An error, as CEL has it; in a policy with failurePolicy Fail it is a refusal."""


class UnknownError(EvaluationError):
    """The log doesn't hold what the answer depends on; the text says what is missing."""


def _is_unknown(_key: str) -> bool:
    return False


class PartialMap:
    """A mapping of which some entries are known; all others may be there or not.

    ``absent`` says of which keys it is known that they are not there.
    """

    __slots__ = ("_absent", "_known", "_missing")

    __hash__ = None  # type: ignore[assignment]  # as Python says that it can't be hashed

    def __init__(
        self,
        known: Mapping[str, Any],
        missing: str,
        absent: Callable[[str], bool] = _is_unknown,
    ) -> None:
        self._known = known
        self._missing = missing
        self._absent = absent

    @property
    def known(self) -> Mapping[str, Any]:
        """The entries that are known."""
        return self._known

    def get(self, key: object, default: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return an entry, or the default if it is known not to be there."""
        if key in self._known:
            return self._known[key]  # type: ignore[index]  # it is in it
        if isinstance(key, str) and self._absent(key):
            return default
        raise UnknownError(self._missing)

    def whole(self) -> Any:  # noqa: ANN401 - it never returns
        """Refuse to be looked at as a whole."""
        raise UnknownError(self._missing)

    def __eq__(self, _other: object) -> bool:
        """Refuse, since what is not known may differ."""
        raise UnknownError(self._missing)
