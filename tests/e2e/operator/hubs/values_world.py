"""A hub whose values belong to several people, and changes of them by each, on a live cluster."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from demo import organisation
from responsibility.api.names import API_GROUP, STAGE_LABEL
from tests.e2e.lab.cluster import Completed
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ITEM, Person
from tests.e2e.operator.world import World, hub

PATIENCE = 90.0
# Stands in every value that is written here, and nowhere else in the end.
CANARY = "canary-5f0c"
LEADER: Person = ("lea@reef.example", ["leaders"])
# A delegate inside a range; one until a date that is near; one for all that there is.
TESS: Person = ("tess@reef.example", ["people"])
BREE: Person = ("bree@reef.example", ["leaders"])
DEPLOYER: Person = ("deployer@reef.example", ["people"])
# One of both sides.
WHOLE: Person = ("whole@example.org", ["leaders", "platform-engineers"])
RESCUER: Person = ("rescuer@example.org", ["kubeadm:cluster-admins"])
HUB: Person = ("system:serviceaccount:reef:hub", ["system:serviceaccounts:reef"])
THEIRS = ("user-access", "basic-environment")
OURS = ("data", "complex-environment", ITEM, "deploy-configure-hub")
VALUES: dict[str, Any] = {
    "Chart": {"Name": "jupyterhub", "Version": "4.4.0"},
    "hub": {
        "config": {"Authenticator": {"admin_users": ["lea"], "secret": CANARY}},
        "extraConfig": {},
    },
    "singleuser": {
        "image": {"name": f"{CANARY}/base", "tag": "1"},
        "memory": {"limit": "1G", "guarantee": "1G"},
    },
}


def changed(**paths: Any) -> dict[str, Any]:
    """Return the values with some changed, by their paths with ``__`` for a dot."""
    found: dict[str, Any] = yaml.safe_load(yaml.safe_dump(VALUES))
    for path, value in paths.items():
        *above, last = path.split("__")
        below = found
        for part in above:
            below = below[part]
        below[last] = value
    return found


ADMINS = changed(hub__config__Authenticator__admin_users=["lea", CANARY])
IMAGE = changed(singleuser__image__tag=CANARY)
MEMORY = changed(singleuser__memory__limit="2G")
MUCH = changed(singleuser__memory__limit="64G")
PYTHON = changed(hub__extraConfig={"x": f"# {CANARY}"})


def secret(namespace: str, name: str = "hub", values: Any = None) -> Manifest:
    """Return a hub's Secret as its chart makes it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": "jupyterhub", "component": "hub", "release": namespace},
        },
        "data": {
            "values.yaml": encoded(VALUES if values is None else values),
            "hub.config.JupyterHub.cookie_secret": encoded(CANARY),
        },
    }


def encoded(values: Any) -> str:
    text = values if isinstance(values, str) else yaml.safe_dump(values)
    return base64.b64encode(text.encode()).decode()


def deploy(world: World, namespace: str, prefix: str = "") -> None:
    """Deploy a hub that everybody here administers, as far as RBAC goes."""
    world.admin.apply(*hub(namespace, name=f"{prefix}hub"), *enforcing.people(namespace))
    groups = ("leaders", "people")
    subjects = [{"kind": "Group", "name": name} for name in groups]
    account = {"kind": "ServiceAccount", "name": "hub", "namespace": namespace}
    world.admin.apply(
        organisation.binding(namespace, "everybody", "admin", *subjects, account),
        secret(namespace, f"{prefix}hub"),
    )


def enforce(world: World, name: str, **stages: str) -> None:
    """Ask for a stage of each item, ``deny`` but for some, and wait until policies are in force."""
    near = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=12)
    everybody: list[Manifest] = [{"party": "deployers"}]
    bound = [{"path": "singleuser.memory.limit", "min": "512Mi", "max": "4G"}]
    limits = [
        {"party": "testers", "until": "2126-01-01T00:00:00Z", "bounds": bound},
        {"party": "guests", "until": f"{near:%Y-%m-%dT%H:%M:%SZ}"},
    ]
    wanted = {item: stages.get(item.replace("-", "_"), "deny") for item in (*THEIRS, *OURS)}
    world.admin.apply(
        enforcing.staged(
            name,
            parties=[
                enforcing.community({"kind": "Group", "name": "leaders"}),
                *(
                    {"name": party, "subjects": [{"kind": "User", "name": person[0]}]}
                    for party, person in (
                        ("testers", TESS),
                        ("guests", BREE),
                        ("deployers", DEPLOYER),
                    )
                ),
            ],
            items=[
                enforcing.item(
                    item,
                    stage,
                    owner="community" if item in THEIRS else "provider",
                    delegates=[*everybody, *(limits if item == ITEM else [])],
                    force=True,
                )
                for item, stage in wanted.items()
            ],
        )
    )
    labels = {STAGE_LABEL + item: stage for item, stage in wanted.items() if stage != "observe"}
    world.until(
        lambda: enforcing.namespace_keys(world, name)[0] == labels,
        f"the stages of {name}",
        PATIENCE,
    )
    if labels:
        # People and the hub's own account hold `admin`, so some of it can be got round.
        enforcing.until_proved(world, name, seconds=PATIENCE)


def write(
    world: World,
    person: Person,
    values: Any,
    namespace: str = "reef",
    *,
    name: str = "hub",
    patch: Manifest | None = None,
    store: bool = False,
) -> Completed:
    """Have somebody write values, or else a patch, without storing it unless asked."""
    patch = patch or {"data": {"values.yaml": encoded(values)}}
    user, groups = person
    return world.cluster.kubectl(
        *("patch", "secret", name, f"-n={namespace}", "--type=merge", "-p", json.dumps(patch)),
        *(() if store else ("--dry-run=server",)),
        as_user=user,
        as_groups=groups,
        check=False,
    )


def outcome(done: Completed) -> str:
    """Return what became of a change, and that it was the webhook's doing."""
    assert CANARY not in done.stderr, "what is told names settings, and never values"
    if done.returncode:
        hook = f'webhook "values-1.{API_GROUP}" denied the request' in done.stderr
        assert hook or "ValidatingAdmissionPolicy" in done.stderr, done.stderr
        return "refused" if hook else "refused by a policy"
    return "warned" if "Warning:" in done.stderr else "passed"
