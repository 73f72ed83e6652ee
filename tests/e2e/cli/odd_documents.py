"""Odd documents about RBAC, drawn: what people write and servers take, complete, replace or refuse.

Each is a text, since much of what is odd is in how it is written: styles of YAML, words that some
readers take for something else than text, lists in lists, and fields that belong to another kind.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Json = dict[str, Any]
_GROUP: Final = "rbac.authorization.k8s.io"
VERSION: Final = f"{_GROUP}/v1"

# What YAML 1.1, 1.2, and the readers of Go and Python differ about, written without quotes.
WORDS: Final = (
    *("yes", "No", "on", "OFF", "y", "n", "Y", "true", "True"),
    *("012", "0o17", "0x1F", "0b11", "1e3", "1_000", "1:30", "1:30:00", "08", "+1", "1.", ".5"),
    *("2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01 10:00:00", "=", "-", "--"),
    *("a b", "é", "a:b", "a#b", "a #b", "'yes'", '"012"', '"a\\tb"', "'it''s'", "!!str yes"),
    *("!!str 012", "!!binary aGk=", ">-\n", "CN=Hub Admins,OU=Groups", "*", "$(ns)", "a\\nb"),
)
_PLAIN: Final = ("a", "b", "hub", "odd:name", "x.y")
_MARK: Final = "MARK{}MARK"


@dataclass
class Drawn:
    """Documents in the order in which they count, of objects whose names begin alike.

    ``namespaces`` are those that they are in. A document is a text of one or several objects.
    """

    random: random.Random
    prefix: str
    namespaces: tuple[str, ...]
    words: bool = True
    _words: list[str] = field(default_factory=list)

    def documents(self, count: int) -> Iterator[str]:
        """Yield documents, some of which speak of an object again, in another way."""
        for _ in range(count):
            made = self._object()
            for _ in range(self.random.choice((0, 0, 0, 1, 2))):
                made = self._wrapped(made)
            yield self._written(made)

    # --- objects --------------------------------------------------------------------------------

    def _object(self) -> Json:
        kind = self.random.choice(
            (
                "Role",
                "ClusterRole",
                "ClusterRole",
                "RoleBinding",
                "RoleBinding",
                "ClusterRoleBinding",
            )
        )
        # Few names, so that some are there again.
        metadata: Json = {"name": f"{self.prefix}-{self.random.randrange(12)}"}
        if kind in ("Role", "RoleBinding") or self._now_and_then(0.2):
            metadata["namespace"] = self.random.choice(self.namespaces)
        if self._now_and_then(0.5):
            metadata["labels"] = self._labels()
        if self._now_and_then(0.1):
            metadata["annotations"] = {"helm.sh/hook": "pre-install", "a": self._word()}
        found: Json = {"apiVersion": VERSION, "kind": kind, "metadata": metadata}
        found |= self._role(kind) if kind.endswith("Role") else self._binding(kind)
        if kind == "ClusterRole" and found.get("rules") is None:
            # Applying no rules leaves those that an aggregate of this name was filled with.
            metadata["name"] += "-bare"
        return found

    def _labels(self) -> Json | None:
        return self.random.choice(
            (
                None,
                {},
                {f"{self.prefix}/part": "a"},
                {f"{self.prefix}/part": "b", "x": "z"},
                {f"{self.prefix}/part": self._word()},
            )
        )

    def _role(self, kind: str) -> Json:
        if self._now_and_then(0.1):
            return self.random.choice(({}, {"rules": None}))
        found: Json = {"rules": [self._rule(kind) for _ in range(self.random.randrange(3))]}
        if kind == "ClusterRole" and self._now_and_then(0.25):
            # What it keeps of its own where nothing matches depends on what ever has.
            found["rules"] = []
            selectors = self.random.choice(
                (
                    [{"matchLabels": {f"{self.prefix}/part": "a"}}],
                    [
                        {"matchLabels": {f"{self.prefix}/part": "b"}},
                        {"matchLabels": {f"{self.prefix}/part": "a", "x": "z"}},
                    ],
                    [
                        {
                            "matchExpressions": [
                                {"key": f"{self.prefix}/part", "operator": "Exists"},
                                {"key": "x", "operator": "DoesNotExist"},
                            ]
                        }
                    ],
                    [],
                )
            )
            found["aggregationRule"] = {"clusterRoleSelectors": selectors}
        return found

    def _rule(self, kind: str) -> Json:
        verbs = self.random.choice((["get"], ["get", "list"], ["*"], ["delete", self._word()], []))
        if (kind == "ClusterRole" and self._now_and_then(0.15)) or self._now_and_then(0.03):
            return {"nonResourceURLs": [f"/{self.prefix}", "/x/*"], "verbs": verbs}
        found: Json = {
            "apiGroups": self.random.choice(([""], ["apps"], ["*"], ["", "batch"])),
            "resources": self.random.choice((["secrets"], ["pods", "pods/exec"], ["*"])),
            "verbs": verbs,
        }
        if self._now_and_then(0.35):
            found["resourceNames"] = [self._word(), self.random.choice(_PLAIN)]
        if self._now_and_then(0.1):
            found[self.random.choice(("resourceNames", "nonResourceURLs", "apiGroups"))] = None
        return found

    def _binding(self, kind: str) -> Json:
        reference: Json = {
            "apiGroup": _GROUP,
            "kind": "Role" if kind == "RoleBinding" and self._now_and_then(0.4) else "ClusterRole",
            "name": f"{self.prefix}-{self.random.randrange(12)}",
        }
        if self._now_and_then(0.3):
            del reference["apiGroup"]
        found: Json = {"roleRef": reference}
        if not self._now_and_then(0.1):
            found["subjects"] = [self._subject() for _ in range(self.random.randrange(3))] or None
        return found

    def _subject(self) -> Json:
        name = self._word() if self._now_and_then(0.4) else self.random.choice(_PLAIN)
        kind = self.random.choice(("User", "Group", "ServiceAccount", "ServiceAccount"))
        found: Json = {"kind": kind, "name": name}
        if kind == "ServiceAccount":
            # Names that there can't be are not looked at: they match nobody.
            found["name"] = self.random.choice(("robot", "hub", "a.b"))
            found |= self.random.choice(
                ({}, {"namespace": self.namespaces[0]}, {"namespace": ""}, {"apiGroup": ""})
            )
        else:
            found |= self.random.choice(
                ({"apiGroup": _GROUP}, {}, {"apiGroup": ""}, {"namespace": self.namespaces[0]})
            )
        return found

    # --- ways of writing ------------------------------------------------------------------------

    def _wrapped(self, made: Json) -> Json:
        """Return it in a list, of its kind or of any."""
        if made["kind"].endswith("List"):
            # The server's clients don't take lists in lists.
            return made
        if self._now_and_then(0.5):
            return {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [made]}
        return {"apiVersion": VERSION, "kind": f"{made['kind']}List", "items": [made]}

    def _word(self) -> str:
        if not self.words or self._now_and_then(0.5):
            return self.random.choice(_PLAIN)
        self._words.append(self.random.choice(WORDS))
        return _MARK.format(len(self._words) - 1)

    def _written(self, made: Json) -> str:
        style = self.random.choice(("block", "block", "flow", "json", "anchors"))
        if style == "json":
            text = json.dumps(made)
        elif style == "anchors":
            text = self._anchored(made)
        else:
            flow = style == "flow"
            text = yaml.safe_dump(made, sort_keys=False, default_flow_style=flow, width=10_000)
        if style == "flow":
            # What begins with a brace is JSON to kubectl.
            text = f"# {self.prefix}\n{text}"
        for number in range(len(self._words) - 1, -1, -1):
            word = self._words[number]
            mark = _MARK.format(number)
            text = text.replace(f'"{mark}"', json.dumps(word)).replace(mark, word)
        self._words.clear()
        return text

    def _anchored(self, made: Json) -> str:
        """Return it with mappings that are merged out of others."""
        text = yaml.safe_dump(made, sort_keys=False, width=10_000)
        head, found, rest = text.partition("  metadata:\n" if "items" in made else "metadata:\n")
        if not found:
            return text
        inside = " " * (4 if "items" in made else 2)
        merged = f"{inside}annotations: {{<<: [*one, {{b: x}}], a: over}}\n"
        one = f"{inside}labels: &one {{from: anchor, since: 2026-01-01}}\n"
        kept = "labels" not in rest and "annotations" not in rest
        return head + found + one + merged + rest if kept else text

    def _now_and_then(self, share: float) -> bool:
        return self.random.random() < share
