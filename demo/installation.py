"""Everything the demo puts on a cluster: our definitions, the operator's rights, the organisation.

The order is that of an organisation which starts with this: first the hubs are there and people
have their rights, then the operator is installed, then somebody writes down who owns what.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from demo import organisation
from demo.labels import Manifest
from responsibility import api_groups
from responsibility.api.names import API_GROUP, RECORDS
from responsibility.cluster.rights import HUB_DEPLOYMENTS, RIGHTS, Right
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "operator/responsibility/api/models/2i2c.yaml"

# As the chart calls them, installed as release `hub-responsibility` in a namespace of that name.
NAMESPACE = ACCOUNT = "hub-responsibility"

PEOPLE = "demo"
# What the chart ships has a manager of its own. Server-side apply drops what a manager leaves out,
# so one manager for the model and for what the organisation adds to it would undo half of it.
CHART = "helm"

_NOWHERE = {"demo.example.org/runs": "nowhere"}


def install(cluster: Cluster) -> None:
    """Put everything on ``cluster``; a second time it restores what was changed meanwhile."""
    hubs = [*organisation.manifests(), *organisation.third_hub()]
    apply(cluster, PEOPLE, map(never_started, hubs))
    apply(cluster, CHART, [*_files(sorted((ROOT / "crds").glob("*.yaml"))), *operator_rights()])
    wait_until(
        lambda: (
            cluster.kubectl("get", f"responsibilities.{API_GROUP}", check=False).returncode == 0
            and cluster.kubectl("get", f"responsibilitymodels.{API_GROUP}", check=False).returncode
            == 0
        ),
        30.0,
        "the API server to serve the two new kinds",
    )
    apply(cluster, CHART, _files([MODEL]))
    # At midnight, so that the dates in the records are the same when this is run again.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    apply(cluster, PEOPLE, [organisation.provider_subjects()])
    write(cluster, [*organisation.records(today), organisation.third_record()])


def never_started(manifest: Manifest) -> Manifest:
    """Return a workload whose pods no node takes, and anything else as it is.

    They are there to be looked at: where nodes are real, nothing of an invented configuration is
    to be pulled, or run.
    """
    template = (manifest.get("spec") or {}).get("template") or {}
    if "spec" not in template:
        return manifest
    pod = {**template["spec"], "nodeSelector": _NOWHERE}
    return {**manifest, "spec": {**manifest["spec"], "template": {**template, "spec": pod}}}


def operator_rights() -> list[Manifest]:
    """Return the operator's account and its rights, as the chart gives them.

    From the table that the chart's own roles are tested against, so that the demo needs no Helm.
    A release whose chart prefixes its names is added as the chart's value
    ``annotations.deploymentNames`` would.
    """
    everywhere = [_rule(right) for right in RIGHTS if not right.namespaced]
    in_own = [_rule(right) for right in RIGHTS if right.namespaced]
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}
    return [
        organisation.namespace(NAMESPACE, managed=False),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ACCOUNT, "namespace": NAMESPACE},
        },
        organisation.cluster_role(ACCOUNT, *everywhere),
        organisation.cluster_binding(ACCOUNT, ACCOUNT, account),
        {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": "Role",
            "metadata": {"name": ACCOUNT, "namespace": NAMESPACE},
            "rules": in_own,
        },
        {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": ACCOUNT, "namespace": NAMESPACE},
            "subjects": [account],
            "roleRef": {"apiGroup": api_groups.RBAC, "kind": "Role", "name": ACCOUNT},
        },
    ]


def _rule(right: Right) -> Manifest:
    rule = organisation.rule(right.group, [right.resource], list(right.verbs))
    if right.names == HUB_DEPLOYMENTS:
        rule["resourceNames"] = [
            prefix + name for prefix in ("", organisation.ATLAS_PREFIX) for name in HUB_DEPLOYMENTS
        ]
    elif right.names:
        rule["resourceNames"] = list(right.names)
    return rule


def apply(cluster: Cluster, manager: str, manifests: Iterable[Manifest]) -> None:
    """Apply manifests server-side, as one stream of documents.

    Not as a List: kubectl then checks the entries itself, and refuses the partial objects that
    server-side apply is there for. What somebody has tried out on the demo is overruled.
    """
    cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f=-"),
        input=yaml.safe_dump_all(manifests, sort_keys=False),
    )


def write(cluster: Cluster, records: Iterable[Manifest]) -> None:
    """Write records as they are to be, with nothing in them that somebody has tried out.

    Not by server-side apply, which leaves the lines alone that others have added.
    """
    there = set(cluster.kubectl("get", RECORDS, "--output=name").stdout.split())
    for record in records:
        known = f"responsibility.{API_GROUP}/{record['metadata']['name']}" in there
        cluster.kubectl(
            *("replace" if known else "create", f"--field-manager={PEOPLE}", "-f=-"),
            input=yaml.safe_dump(record, sort_keys=False),
        )


def _files(paths: Iterable[Path]) -> list[Manifest]:
    return [
        document
        for path in paths
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
