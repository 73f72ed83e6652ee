"""Objects and records in a change: whose they are, and both parties of a handover."""

from typing import Any

import pytest
import yaml

from responsibility.admission.policies.guards import Guards
from tests.unit.cli.review.conftest import Review
from tests.unit.cli.review.organisation import Files, HubLine, record, text

COMMUNITY, PROVIDER = "c01-prod/community", "provider"
HUB = HubLine("c01", "prod", "basehub")
RECORD = "config/clusters/c01/records/prod.yaml"
LIMITS, DEPLOY, DATA, KEEP = (
    "kubernetes-configuration",
    "deploy-configure-hub",
    "data",
    "record",
)


def deployment(**container: Any) -> dict[str, Any]:
    """Return the hub's Deployment."""
    whole = {"name": "hub", "image": "hub:1", "resources": {"limits": {"memory": "2Gi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hub", "namespace": "prod"},
        "spec": {
            "replicas": 1,
            "template": {"spec": {"containers": [{**whole, **container}]}},
        },
    }


def claim(size: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home", "namespace": "prod"},
        "spec": {"resources": {"requests": {"storage": size}}},
    }


BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "mine", "namespace": "prod"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
}
WIDE = {**BINDING, "kind": "ClusterRoleBinding", "metadata": {"name": "mine", "namespace": "prod"}}
HUB_SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "hub", "namespace": "prod"},
    "stringData": {"values.yaml": "{}"},
}
NOTHING: dict[str, Any] | None = None


@pytest.mark.parametrize(
    ("old", "new", "items"),
    [
        (deployment(), deployment(resources={"limits": {"memory": "3Gi"}}), {LIMITS}),
        (deployment(), deployment(image="hub:2"), {DEPLOY}),
        (deployment(), deployment(resources={}, image="hub:2"), {LIMITS, DEPLOY}),
        (NOTHING, deployment(), {DEPLOY}),
        (deployment(), NOTHING, {DEPLOY}),
        (claim("1Gi"), claim("2Gi"), {DATA}),
        (NOTHING, BINDING, {DEPLOY}),
        (NOTHING, WIDE, {KEEP}),
        (HUB_SECRET, {**HUB_SECRET, "stringData": {"values.yaml": "a: b"}}, {DEPLOY}),
        (NOTHING, {**BINDING, "metadata": {"name": "x", "namespace": "elsewhere"}}, {KEEP}),
        (NOTHING, {"apiVersion": "x.example/v1", "kind": "Odd", "metadata": {"name": "x"}}, {KEEP}),
    ],
)
def test_an_object_is_for_the_items_that_policies_ask_for(
    review: Review, few: Files, old: Any, new: Any, items: set[str]
) -> None:
    path = "config/clusters/c01/objects.yaml"
    base, head = ({**few, path: text(each)} if each else few for each in (old, new))
    if new is None:
        head = {**few, path: "# nothing\n"}
    done = review(head, "", base=base)
    assert items <= done.needed <= items | {DATA, DEPLOY, KEEP}
    for line in done.answer["changes"]:
        if line["hub"]:
            assert line["hub"]["cluster"] == "c01"


def test_a_community_may_change_its_claims(review: Review, few: Files) -> None:
    path = "config/clusters/c01/objects.yaml"
    base, head = ({**few, path: text(claim(size))} for size in ("1Gi", "2Gi"))
    assert review(head, COMMUNITY, base=base).code == 0
    assert review(head, "c02-prod/community", base=base).code == 1


MEMORY = "Deployment/spec.template.spec.containers[*].resources.limits.memory"


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (deployment(resources={"limits": {"memory": "3Gi"}}), 0),
        (deployment(resources={"limits": {"memory": "4Gi"}}), 0),
        (deployment(resources={"limits": {"memory": "5Gi"}}), 1),
        (deployment(resources={"limits": {"memory": "3Gi", "cpu": "1"}}), 1),
        (deployment(resources={"limits": {}}), 1),
        (deployment(resources={}), 1),
        (deployment(resources=None), 1),
        (deployment(resources={"limits": {"memory": ["3Gi"]}}), 1),
        (deployment(image="hub:2"), 1),
        (NOTHING, 1),
    ],
)
def test_a_delegate_moves_values_of_objects_inside_its_bounds(
    new: Any, code: int, review: Review, few: Files
) -> None:
    path = "config/clusters/c01/objects.yaml"
    lent = {
        "party": "community",
        "until": "2026-12-31T00:00:00Z",
        "bounds": [{"path": MEMORY, "max": "4Gi"}],
    }
    agreed = record(HUB, items=[{"name": LIMITS, "delegates": [lent]}])
    base = {**few, RECORD: text(agreed), path: text(deployment())}
    done = review({**base, path: text(new) if new else "# nothing\n"}, COMMUNITY, base=base)
    assert done.code == code, done.answer
    assert review({**base, path: text(new) if new else "#\n"}, "provider", base=base).code == 0


def test_guards_are_worked_out_once_for_all_objects(
    review: Review, few: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    every = Guards.items

    def counted(guards: Guards) -> Any:
        asked.append(1)
        return every(guards)

    monkeypatch.setattr(Guards, "items", counted)
    many = {f"many/{n}.yaml": text(claim("1Gi")).replace("home", f"c-{n}") for n in range(30)}
    done = review({**few, **many}, "provider")
    assert len(done.answer["changes"]) >= 30
    # Both the objects and whoever may change settings go by them.
    assert len(asked) <= 3


def test_an_object_twice_is_refused(review: Review, few: Files) -> None:
    both = "---\n".join(text(deployment(image=image)) for image in ("evil:1", "hub:1"))
    base = {**few, "objects.yaml": text(deployment())}
    done = review({**few, "objects.yaml": both}, PROVIDER, base=base)
    assert done.code == 2
    assert "there twice, so nobody can tell which counts: objects.yaml, document 1" in done.err


def test_a_handover_takes_both_parties_and_who_keeps_records(review: Review, few: Files) -> None:
    head = {**few, RECORD: text(record(HUB, items=[{"name": LIMITS, "owner": "community"}]))}
    done = review(head, COMMUNITY)
    lines = {
        (line["what"], line["items"][0]["owner"], line["may"]) for line in done.answer["changes"]
    }
    assert lines == {
        ("update Responsibility c01-prod", "provider", False),
        (f"item {LIMITS}: provider gives it to community", "provider", False),
        (f"item {LIMITS}: community takes it from provider", "community", True),
    }
    done = review(head, PROVIDER)
    (asked,) = done.answer["ask"]
    assert asked["contacts"] == ["c01 people: leads@c01.example"]
    assert asked["hubs"] == ["c01/prod"]


def test_a_party_that_the_change_brings_agrees_to_nothing_for_another(
    review: Review, few: Files
) -> None:
    """Who takes an item is whom the base knows by that name, not whom the change makes of it."""
    taken = yaml.safe_load(text(record(HUB, items=[{"name": LIMITS, "owner": "community"}])))
    taken["spec"]["parties"][0]["subjects"] = [{"kind": "Group", "name": "mine"}]
    head = {**few, RECORD: text(taken)}
    done = review(head, "mallory", "--as-group", "mine")
    assert not [line for line in done.answer["changes"] if line["may"]]


@pytest.mark.parametrize("path", ["x.yaml", "config/clusters/c01/prod.values.yaml"])
def test_a_record_hidden_in_another_file_is_a_record(review: Review, few: Files, path: str) -> None:
    """Also in one that hubs use: its settings may be somebody's who keeps no records."""
    owned = record(HUB, items=[{"name": LIMITS, "owner": "community"}])
    done = review({**few, path: text(owned)}, COMMUNITY)
    assert KEEP in done.needed


def test_a_broken_record_is_named_with_its_line(review: Review, few: Files) -> None:
    head = {**few, RECORD: few[RECORD].replace("parties:", "partys:")}
    done = review(head, PROVIDER)
    assert done.code == 2
    assert f"{RECORD}, document 1, line 1" in done.err
    assert "partys" in done.err


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs", "||||||| base"])
def test_half_a_merge_is_named_with_its_line(mark: str, review: Review, few: Files) -> None:
    done = review({**few, "claim.yaml": f"{text(claim('1Gi'))}{mark}\n"})
    assert done.code == 2
    line = text(claim("1Gi")).count("\n") + 1
    assert f"claim.yaml, document 1, line {line}: a merge that is not finished" in done.err
