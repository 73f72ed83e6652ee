"""What admission does about every way to change something, held against a live API server."""

from collections.abc import Iterator, Mapping
from typing import Any

from responsibility.admission.policies.coverage import is_read, verdicts
from tests.e2e.admission.asking import Asker

# Kinds of others than Kubernetes are for each model to reserve.
_OURS = "responsibility.2i2c.org"


def _discovered(asker: Asker) -> Iterator[tuple[str, str, str]]:
    groups = asker.ask(None, "GET", "/apis", dry=False).body["groups"]
    versions = [("", "/api/v1")]
    versions += [
        (group["name"], f"/apis/{version['groupVersion']}")
        for group in groups
        if group["name"] != _OURS
        for version in group["versions"]
    ]
    for group, path in versions:
        for resource in asker.ask(None, "GET", path, dry=False).body["resources"]:
            for verb in resource["verbs"]:
                yield group, resource["name"], verb


def _missing(asked: Iterator[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    known = verdicts()
    return sorted({each for each in asked if not is_read(*each[1:]) and each not in known})


def test_all_that_discovery_offers_has_a_line(asker: Asker) -> None:
    found = list(_discovered(asker))
    assert ("apps", "deployments/scale", "patch") in found
    assert _missing(iter(found)) == []


def test_the_table_says_nothing_of_what_is_not_there(asker: Asker) -> None:
    assert sorted(set(verdicts()) - set(_discovered(asker))) == []


def test_all_that_the_built_in_roles_allow_has_a_line(asker: Asker) -> None:
    offered = set(_discovered(asker))
    for name in ("admin", "edit", "cluster-admin"):
        path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}"
        rules = asker.ask(None, "GET", path, dry=False).body["rules"]
        allowed = {each for each in offered if any(_allows(rule, *each) for rule in rules)}
        assert allowed
        assert _missing(iter(allowed)) == [], name


def _allows(rule: Mapping[str, Any], group: str, resource: str, verb: str) -> bool:
    return all(
        "*" in rule.get(key, ()) or asked in rule.get(key, ())
        for key, asked in (("apiGroups", group), ("resources", resource), ("verbs", verb))
    )
