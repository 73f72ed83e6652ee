"""Roles and bindings that Kubernetes makes by itself, for files that count on them.

Nobody keeps ``admin``, ``edit``, ``view`` or ``system:auth-delegator`` in Git: the API server makes
them, and adds what is missing whenever it starts (``autoupdate``). So what stands here is what they
hold *at least*. A yes by them is a yes; a no by one that others may extend, as add-ons do by
aggregation, is *unknown*.

``bootstrap_roles.json`` has them for each version of Kubernetes; ``tools/bootstrap_roles.py`` makes
it of Kubernetes' own files and says which. A test holds the newest against a live server, object by
object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from responsibility.rbac.identity import AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Rule, Subject
from responsibility.subject_kinds import SubjectKind

_FILE = Path(__file__).with_name("bootstrap_roles.json")
_BOOTSTRAP = {"kubernetes.io/bootstrapping": "rbac-defaults"}
# As in `kubectl version`: v1.35.4-eks-1234 is a 1.35.
_WRITTEN = re.compile(r"v?(\d+\.\d+)(?:[.+-].*)?")
# Who they are, everybody is in one of these.
EVERYBODY: Final = frozenset({AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS})


@dataclass(frozen=True, slots=True)
class DefaultRoles:
    """Roles and bindings of one version.

    ``bindings`` are those of everybody, ``control_plane`` those of Kubernetes' own programs.
    """

    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]
    control_plane: tuple[Binding, ...]

    @property
    def open(self) -> frozenset[RoleKey]:
        """Those that others extend by aggregation."""
        return frozenset(role.key for role in self.roles if role.aggregation)


def versions() -> tuple[str, ...]:
    """Return the versions of Kubernetes that are known, the oldest first."""
    return tuple(_table()["releases"])


def newest() -> str:
    """Return the newest version that is known."""
    return versions()[-1]


def known(written: str) -> str:
    """Return the version that somebody means, such as 1.35 by v1.35.4. Raises ValueError."""
    match = _WRITTEN.fullmatch(written)
    if match is None or match[1] not in versions():
        every = versions()
        raise ValueError(f"the roles that are known are those of {every[0]} to {every[-1]}")
    return match[1]


@cache
def of(version: str) -> DefaultRoles:
    """Return what a version that is known makes."""
    roles: list[Role] = []
    everybody: list[Binding] = []
    others: list[Binding] = []
    for name, forms in _table()["objects"].items():
        form = _form(forms, version)
        if form is None:
            continue
        kind, _, path = name.partition(" ")
        namespace, _, short = path.rpartition("/")
        labels = {**_BOOTSTRAP, **form.get("labels", {})}
        if kind.endswith("Role"):
            rules = tuple(map(_rule, form.get("rules", ())))
            selectors = tuple({"matchLabels": each} for each in form.get("aggregates", ()))
            key = RoleKey(namespace, short)
            roles.append(Role(key, rules, labels=labels, aggregation=selectors))
            continue
        where, _, bound = form["to"].partition(" ")
        subjects = tuple(map(_subject, form["subjects"]))
        role = RoleKey(namespace if where == "Role" else "", bound)
        binding = Binding(BindingKey(namespace, short), role, subjects, labels=labels)
        of_everybody = any(each.name in EVERYBODY for each in subjects)
        (everybody if of_everybody else others).append(binding)
    return DefaultRoles(tuple(roles), tuple(everybody), tuple(others))


def varies(key: RoleKey) -> bool:
    """Return whether the versions that are known make something else of a role."""
    objects = _table()["objects"]
    forms = objects.get(str(key), {})
    if len(forms) != 1 or next(iter(forms)) != versions()[0]:
        return bool(forms)
    wanted = next(iter(forms.values())).get("aggregates", ())
    return any(
        varies(RoleKey("", name.removeprefix("ClusterRole ")))
        for name, parts in objects.items()
        for each in parts.values()
        if name != str(key) and each and any(_has(each.get("labels", {}), one) for one in wanted)
    )


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= labels.items()


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def _form(forms: Mapping[str, Any], version: str) -> Any:  # noqa: ANN401 - as it stands in JSON
    """Return the form of the latest version up to this one; None if there is none."""
    order = versions()
    until = order.index(version)
    return next((forms[v] for v in reversed(order[: until + 1]) if v in forms), None)


def _rule(text: str) -> Rule:
    verbs, *rest = (tuple(part.split()) for part in text.split("; "))
    if len(rest) == 1:
        return Rule(verbs, non_resource_urls=rest[0])
    groups, resources, *names = rest
    return Rule(verbs, tuple(_groups(groups)), resources, *names)


def _groups(names: tuple[str, ...]) -> Iterator[str]:
    return ("" if name == "-" else name for name in names)


def _subject(text: str) -> Subject:
    kind, _, name = text.partition(" ")
    namespace, _, short = name.rpartition("/")
    return Subject(SubjectKind(kind), short, namespace)
