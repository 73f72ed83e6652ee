"""Words for what a step of an undo file sends: all of it, and never the same for two things.

Whoever confirms sees only this. A name may be made to look like another one, or like more than one:
so what is not plainly a name is quoted as JSON does, with every odd character as its number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from responsibility.subject_kinds import SubjectKind

Json = Mapping[str, Any]

_PLAIN = re.compile(r"[A-Za-z0-9@._:*/+-]+")
_RULE: Final = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")


def outcome(where: str, wanted: Json | None, *, created: bool) -> str:
    """Return what an object will be; ``where`` is its path, ``created`` that all of it is sent."""
    if wanted is None:
        return f"{where}: gone"
    said = _binding(wanted) if "roleRef" in wanted else _role(wanted)
    more = "".join(f"; {part}" for part in _metadata(wanted["metadata"])) if created else ""
    return f"{where}: {said}{more}"


def _binding(binding: Json) -> str:
    role = binding["roleRef"]
    who = ", ".join(map(_subject, binding.get("subjects") or ())) or "nobody"
    return f"{role['kind']} {_word(role['name'])} to {who}"


def _subject(subject: Json) -> str:
    namespace = subject.get("namespace")
    if not namespace:
        return f"{subject['kind']} {_word(subject['name'])}"
    if subject["kind"] == SubjectKind.SERVICE_ACCOUNT:
        parts = (namespace, subject["name"])
        return f"{subject['kind']} {'/'.join(_word(part, but='/') for part in parts)}"
    # It counts for nothing, and is sent.
    return f"{subject['kind']} {_word(subject['name'])} [namespace {_word(namespace)}]"


def _role(role: Json) -> str:
    return "; ".join(map(_rule, role.get("rules") or ())) or "no rules"


def _rule(rule: Json) -> str:
    said = [f"{part}={_words(rule[part])}" for part in _RULE if rule.get(part)]
    return " ".join(said) or "nothing"


def _metadata(metadata: Json) -> Iterable[str]:
    """Yield what is sent beside the name, where anything is."""
    kinds: Mapping[str, Callable[[Any], str]] = {
        "labels": _pairs,
        "annotations": _pairs,
        "ownerReferences": lambda owners: ", ".join(f"({_pairs(owner)})" for owner in owners),
        "finalizers": _words,
    }
    for field, words in kinds.items():
        if metadata.get(field):
            yield f"{field}: {words(metadata[field])}"


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{_word(key)}={_word(value)}" for key, value in sorted(values.items()))


def _words(values: Iterable[str]) -> str:
    return ",".join(map(_word, values))


def _word(text: object, *, but: str = "") -> str:
    if not isinstance(text, str):
        return json.dumps(text)
    # Words that JSON knows are quoted, so that a text is never taken for one.
    plain = _PLAIN.fullmatch(text) and text not in ("true", "false", "null")
    return text if plain and not (but and but in text) else json.dumps(text)
