"""Whatever is switched on in the chart, the operator's rules lead no further than they say."""

import json
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.api.names import DELEGATION_ROLE, ITEM_ROLE_PREFIX
from responsibility.api.parse import load_shipped_model
from responsibility.cluster.rights import CLUSTER_GRANT_RIGHTS, GRANT_RIGHTS, Right
from responsibility.grants.item_roles import render
from tests.e2e.lab import programs

CHART = Path(__file__).parents[2] / "helm" / "hub-responsibility"
RELEASE = "hub-responsibility"
NAMESPACE = "somewhere"
Manifest = dict[str, Any]

SWITCHES = (
    "annotations.enabled",
    "enforcement.enabled",
    "grants.cluster",
    "grants.enabled",
    "policies.enabled",
)
MODES = [
    dict(zip(SWITCHES, given, strict=True))
    for given in product((False, True), repeat=len(SWITCHES))
]
POSSIBLE = [mode for mode in MODES if mode["grants.enabled"] or not mode["grants.cluster"]]


@pytest.fixture(scope="module")
def helm() -> Path:
    return programs.helm()


def template(helm: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(helm), "template", RELEASE, str(CHART), f"--namespace={NAMESPACE}"]
    command += ["--kube-version=1.37.0", "--set=crds.install=false", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def objects(helm: Path, *options: str) -> list[Manifest]:
    done = template(helm, *options)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def set_(mode: dict[str, bool]) -> list[str]:
    return [f"--set={name}={str(value).lower()}" for name, value in mode.items()]


def of_the_operator(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield every rule that the operator's account is bound to, and the name of its role."""
    roles = {(o["kind"], o["metadata"]["name"]): o for o in found if o["kind"].endswith("Role")}
    for binding in found:
        subjects = binding.get("subjects") or ()
        if binding["kind"].endswith("Binding") and any(s["name"] == RELEASE for s in subjects):
            reference = binding["roleRef"]
            role = roles[reference["kind"], reference["name"]]
            yield from ((role["metadata"]["name"], rule) for rule in role["rules"])


@pytest.mark.parametrize("mode", POSSIBLE, ids=lambda m: "+".join(n for n in m if m[n]) or "none")
def test_no_rule_leads_further_than_it_says(helm: Path, mode: dict[str, bool]) -> None:
    rules = list(of_the_operator(objects(helm, *set_(mode))))
    assert rules
    for name, rule in rules:
        for field in ("verbs", "apiGroups", "resources"):
            assert rule[field], f"{name}: {rule}"
            assert not [word for word in rule[field] if "*" in word], f"{name}: {rule}"
        assert "nonResourceURLs" not in rule
        verbs, resources = set(rule["verbs"]), set(rule["resources"])
        assert not verbs & {"escalate", "impersonate", "deletecollection"}, f"{name}: {rule}"
        assert not resources & {"secrets", "serviceaccounts/token", "pods", "pods/exec", "nodes"}
        if "bind" in verbs:
            assert verbs == {"bind"}
            assert rule["resourceNames"], "without names that would be any role"
            if resources == {"clusterroles"}:
                assert mode["grants.enabled"]
                assert all(name.startswith(ITEM_ROLE_PREFIX) for name in rule["resourceNames"])
            else:
                assert resources == {"roles"}
                assert rule["resourceNames"] == [DELEGATION_ROLE], "which allows nothing real"
        if resources & {"roles", "clusterroles"}:
            assert verbs <= {"list", "watch", "bind"}, "it writes no role"
        if "clusterrolebindings" in resources and verbs - {"list", "watch"}:
            assert mode["grants.cluster"]


def flat(rules: list[Manifest]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        if rule["verbs"] != ["bind"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked(rights: tuple[Right, ...]) -> set[tuple[str, str, str]]:
    return {(right.group, right.resource, verb) for right in rights for verb in right.verbs}


@pytest.mark.parametrize("cluster", [False, True])
def test_granting_takes_what_the_operator_asks_for(helm: Path, cluster: bool) -> None:
    found = objects(
        helm, "--set=grants.enabled=true", f"--set=grants.cluster={str(cluster).lower()}"
    )
    rules = [rule for name, rule in of_the_operator(found) if name == f"{RELEASE}-grants"]
    assert flat(rules) == asked((*GRANT_RIGHTS, *(CLUSTER_GRANT_RIGHTS if cluster else ())))


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("prefixes", [(), ("leap-",), ("leap-", "moor-jupyterhub-")])
def test_it_may_bind_the_roles_that_are_installed_and_no_other(
    helm: Path, cluster: bool, prefixes: tuple[str, ...]
) -> None:
    found = objects(
        helm,
        "--set=grants.enabled=true",
        f"--set=grants.cluster={str(cluster).lower()}",
        f"--set-json=grants.prefixes={json.dumps(prefixes)}",
    )
    installed = {
        o["metadata"]["name"]: o["rules"]
        for o in found
        if o["kind"] == "ClusterRole" and o["metadata"]["name"].startswith(ITEM_ROLE_PREFIX)
    }
    wanted = {
        role.name: role.manifest()["rules"]
        for role in render(load_shipped_model(), ("", *prefixes)).roles
        if cluster or not role.name.endswith(":cluster")
    }
    assert installed == wanted
    (bound,) = [r["resourceNames"] for _, r in of_the_operator(found) if r["verbs"] == ["bind"]]
    assert sorted(bound) == sorted(wanted)


def test_roles_of_another_model_can_be_named(helm: Path) -> None:
    options = ("--set=grants.enabled=true", "--set=grants.install=false")
    found = objects(helm, *options, "--set=grants.roles={responsibility-item-beds}")
    (bound,) = [r["resourceNames"] for _, r in of_the_operator(found) if r["verbs"] == ["bind"]]
    assert bound == ["responsibility-item-beds"]
    assert not [o for o in found if o["metadata"]["name"].startswith(ITEM_ROLE_PREFIX)]
    refused = template(helm, *options)
    assert "grants.enabled needs roles to grant" in refused.stderr
    wide = template(helm, *options, "--set=grants.roles={cluster-admin}")
    assert wide.returncode != 0, "only roles of items may be named"
    alone = template(helm, "--set=grants.cluster=true")
    assert "grants.cluster needs grants.enabled=true" in alone.stderr


def test_as_it_comes_nothing_is_granted(helm: Path) -> None:
    found = objects(helm)
    assert not [o for o in found if "grants" in o["metadata"]["name"]]
    assert not [o for o in found if o["metadata"]["name"].startswith(ITEM_ROLE_PREFIX)]
