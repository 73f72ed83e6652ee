"""A hub whose items are enforced, people of each kind, and changes of its values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.webhooks.requester import UserInfo
from responsibility.admission.webhooks.values_decision import ValuesUpdate
from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.names import (
    API_GROUP,
    BREAK_GLASS_ANNOTATION,
    CONTACT_ANNOTATION,
    HUB_ANNOTATION,
    OWNERS_ANNOTATION,
    STAGE_LABEL,
)
from responsibility.api.parse import load_shipped_model
from responsibility.api.stages import AdmissionStage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MODEL = load_shipped_model()
GUARD = ValuesGuard.of(MODEL)

ACCESS, IMAGE, LIMITS, DEPLOY = (
    "user-access",
    "basic-environment",
    "kubernetes-configuration",
    "deploy-configure-hub",
)
ENGINEER = UserInfo("ann@example.org", ("engineers",))
LEADER = UserInfo("lea@example.org", ("leaders",))
STRANGER = UserInfo("sam@example.org", ("strangers",))
MASTER = UserInfo("root", ("system:masters",))
HUB = UserInfo("system:serviceaccount:prod:hub", ("system:serviceaccounts:prod",))

_OWNERS = {ACCESS: "group:leaders", IMAGE: "group:leaders"}


def space(stages: Mapping[str, str] | str = AdmissionStage.DENY, **notes: str) -> NamespaceKeys:
    """Return what a Namespace says; ``notes`` are by the word before the item: ``owners_…``."""
    if isinstance(stages, str):
        stages = dict.fromkeys(GUARD.items, stages)
    annotations = {
        HUB_ANNOTATION: "Reef (prod/prod)",
        BREAK_GLASS_ANNOTATION: "user:rescuer",
        **{
            OWNERS_ANNOTATION
            + item: f"{_OWNERS.get(item, 'group:engineers')}\nlike:^system:.*:prod:hub$"
            for item in stages
        },
        **{CONTACT_ANNOTATION + item: f"Owner of {item}: {item}@example.org" for item in stages},
    }
    for word, text in notes.items():
        kind, item = word.split("_", 1)
        annotations[f"{kind}.{API_GROUP}/{item.replace('_', '-')}"] = text
    return NamespaceKeys({STAGE_LABEL + i: stage for i, stage in stages.items()}, annotations)


def case(person: UserInfo, said: NamespaceKeys | None = None, now: datetime = NOW) -> ValuesUpdate:
    """Return that somebody writes the Secret of a hub."""
    return ValuesUpdate(GUARD, space() if said is None else said, "prod", "hub", person, now)


def values(**more: Any) -> dict[str, Any]:
    """Return a hub's values, some of them changed, each by its path with ``__`` for a dot."""
    found: dict[str, Any] = {
        "hub": {
            "config": {"Authenticator": {"admin_users": ["lea"]}, "JupyterHub": {}},
            "db": {"pvc": {"storage": "1Gi"}},
        },
        "singleuser": {
            "image": {"name": "base", "tag": "1"},
            "memory": {"limit": "1G", "guarantee": "1G"},
            "profileList": [],
        },
        "debug": {"enabled": False},
    }
    for path, value in more.items():
        *above, last = path.split("__")
        below = found
        for part in above:
            below = below.setdefault(part, {})
        below[last] = value
    return found
