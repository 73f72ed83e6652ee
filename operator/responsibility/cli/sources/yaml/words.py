"""Words of YAML without quotes, as kubectl and Helm take them: text, number, truth value, nothing.

Both read YAML by the same library, which stands between the versions of YAML: ``y`` is true, ``08``
and ``1e3`` are numbers and so is ``0o17``, but ``1:30`` is a text, as dates are and ``=``. PyYAML
says otherwise of each of these. What is a number here is refused where Kubernetes wants a text, so
the difference decides what a cluster makes of a file. From ``goyaml.v2/resolve.go`` of
sigs.k8s.io/yaml; a test holds it against kubectl.
"""

from __future__ import annotations

import math
import re
from typing import Final

_TAG: Final = "tag:yaml.org,2002:"
STRING, MERGE = f"{_TAG}str", f"{_TAG}merge"
_BOOL, _NULL, _INT, _FLOAT = f"{_TAG}bool", f"{_TAG}null", f"{_TAG}int", f"{_TAG}float"

Scalar = str | bool | int | float | None


def _cases(*words: str) -> list[str]:
    """Return each word in the three ways in which it may be written: ``no``, ``No``, ``NO``."""
    return [case for word in words for case in (word, word.capitalize(), word.upper())]


_KNOWN: Final[dict[str, tuple[str, Scalar]]] = {
    **dict.fromkeys(_cases("y", "yes", "true", "on"), (_BOOL, True)),
    **dict.fromkeys(_cases("n", "no", "false", "off"), (_BOOL, False)),
    **dict.fromkeys(("", "~", *_cases("null")), (_NULL, None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (_FLOAT, math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (_FLOAT, math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (_FLOAT, -math.inf)),
    "<<": (MERGE, "<<"),
}
_WHOLE: Final = re.compile(
    "([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII
)
_BASES: Final = (16, 2, 8, 10)
_REAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
# From here on, Go writes a number with its exponent.
_LARGE: Final = 10**6
# Beyond these, a number is no whole one to Go.
_LEAST, _MOST = -(2**63), 2**64


def meaning(word: str) -> tuple[str, Scalar]:
    """Return the tag of a plain word, and its value; dates are text."""
    known = _KNOWN.get(word)
    if known is not None:
        return known
    if word[0] not in "+-.0123456789":
        return STRING, word
    plain = word if word[0] == "." else word.replace("_", "")
    whole = _WHOLE.fullmatch(plain)
    if whole is not None:
        sign, *digits = whole.groups()
        value = next(int(d, base) for d, base in zip(digits, _BASES, strict=True) if d)
        value = -value if sign == "-" else value
        if _LEAST <= value < _MOST:
            return _INT, value
    if _REAL.fullmatch(plain):
        number = float(plain)
        if math.isfinite(number):
            return _FLOAT, number
    return STRING, word


def as_key(value: Scalar, word: str) -> str:
    """Return what a word without quotes is called as a key, in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGE:
        value = int(value)
    return str(value) if isinstance(value, int) else word
