"""The demo's organisation says what it claims to say."""

from datetime import UTC, datetime

from demo import organisation
from demo.labels import Manifest
from responsibility.api.record import Responsibility

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def _bound(role: str) -> set[tuple[str, str]]:
    """Return (binding, subject) of every binding to a role, the chart's own left out."""
    return {
        (manifest["metadata"]["name"], subject["name"])
        for manifest in organisation.manifests()
        if manifest["kind"].endswith("Binding") and manifest["roleRef"]["name"] == role
        for subject in manifest["subjects"]
    }


def _items(record: Manifest) -> dict[str, Manifest]:
    return {item["name"]: item for item in record["spec"]["items"]}


def test_there_are_two_hubs_in_two_namespaces() -> None:
    hubs = [
        manifest["metadata"]["namespace"]
        for manifest in organisation.hubs()
        if manifest["kind"] == "Deployment" and manifest["metadata"]["labels"]["component"] == "hub"
    ]
    assert hubs == ["leap-prod", "coast"]


def test_no_object_is_listed_twice() -> None:
    seen = [
        (o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"])
        for o in [*organisation.manifests(), *organisation.third_hub()]
    ]
    assert len(seen) == len(set(seen))


def test_one_cluster_admin_is_a_stray() -> None:
    assert _bound("cluster-admin") == {
        ("platform-engineers", "platform-engineers"),
        ("ci-deployer", "deployer"),
        ("temp-contractor", "temp-contractor@example.org"),
    }


def test_a_leaver_still_administers_coast() -> None:
    assert _bound("admin") == {("former-engineer", "former-engineer@example.org")}


def test_every_binding_but_the_third_hub_s_leads_to_a_role() -> None:
    objects = [*organisation.manifests(), *organisation.third_hub()]
    built_in = {("ClusterRole", name) for name in ("cluster-admin", "admin", "edit")}
    roles = built_in | {
        (o["kind"], o["metadata"]["name"]) for o in objects if o["kind"].endswith("Role")
    }
    dangling = [
        o["metadata"]["name"]
        for o in objects
        if o["kind"].endswith("Binding")
        and (o["roleRef"]["kind"], o["roleRef"]["name"]) not in roles
    ]
    assert dangling == ["atlas-owners"]


def test_records_are_valid_and_about_hubs_that_exist() -> None:
    namespaces = {
        o["metadata"]["name"]
        for o in [*organisation.manifests(), *organisation.third_hub()]
        if o["kind"] == "Namespace"
    }
    records = [*organisation.records(NOW), organisation.third_record()]
    assert [record["metadata"]["name"] for record in records] == ["leap-prod", "coast", "atlas"]
    for record in records:
        parsed = Responsibility.model_validate(record)
        assert parsed.spec.hub.namespace in namespaces


def test_leap_s_delegation_has_expired() -> None:
    leap, _ = (Responsibility.model_validate(record) for record in organisation.records(NOW))
    (item,) = leap.spec.items
    assert item.delegates is not None
    (delegate,) = item.delegates
    assert delegate.until is not None
    assert delegate.until < NOW


def test_coast_s_attestation_is_overdue_and_its_community_has_no_kubernetes_identity() -> None:
    _, coast = organisation.records(NOW)
    assert _items(coast)["general-user-support"]["reviewAfter"] < NOW.date().isoformat()
    (community,) = coast["spec"]["parties"]
    assert "subjects" not in community


def test_the_provider_has_people_and_a_machine() -> None:
    (party,) = organisation.provider_subjects()["spec"]["parties"]
    assert party["name"] == "provider"
    assert {subject["kind"] for subject in party["subjects"]} == {"Group", "ServiceAccount"}
