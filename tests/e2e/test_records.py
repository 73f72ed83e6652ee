"""Records and models on a real API server: what it takes, what it refuses, and in which words."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.api import admission
from responsibility.api.parse import load_shipped_manifest, parse_model, parse_record
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.lab.waiting import wait_until
from tests.unit.api import samples
from tests.unit.api.samples import Manifest
from tests.unit.api.slips import MODEL_SLIPS, RECORD_SLIPS, Slip

CRDS = REPOSITORY / "crds"
ITEM = "kubernetes-configuration"


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Cluster]:
    """Install our two kinds, and remove the records of these tests afterwards."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    # Established comes a moment before the new kind is served.
    wait_until(
        lambda: cluster.kubectl("get", "resp,respmodel", check=False).returncode == 0,
        30,
        "the API server to serve both kinds",
    )
    yield cluster
    cluster.kubectl("delete", "resp", "-l", "test=records", "--ignore-not-found")


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Manifest:
    """Make a valid record with a name of its own."""
    manifest = samples.record()
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:50].strip("-")
    manifest["metadata"] = {"name": name, "labels": {"test": "records"}}
    return manifest


def _create(api: Cluster, manifest: Manifest, *options: str) -> Manifest:
    done = api.kubectl("create", "-f", "-", "-o", "json", *options, input=json.dumps(manifest))
    created: Manifest = json.loads(done.stdout)
    return created


def _refusal(api: Cluster, manifest: Manifest) -> str:
    done = api.kubectl(
        *("create", "--dry-run=server", "-f", "-"), input=json.dumps(manifest), check=False
    )
    assert done.returncode, f"taken: {done.stdout}"
    return done.stderr


def _apply(api: Cluster, manager: str, manifest: Manifest, *options: str) -> None:
    api.kubectl(
        *("apply", "--server-side", f"--field-manager={manager}", "-f", "-", *options),
        input=json.dumps(manifest),
    )


def _get(api: Cluster, kind: str, name: str) -> Manifest:
    found: Manifest = json.loads(api.kubectl("get", kind, name, "-o", "json").stdout)
    return found


def test_the_shipped_model_applies(api: Cluster) -> None:
    path = REPOSITORY / "operator/responsibility/api/models/2i2c.yaml"
    api.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(path))
    created = _create(
        api, load_shipped_manifest() | {"metadata": {"name": "shipped"}}, "--dry-run=server"
    )
    assert len(parse_model(created).spec.items) == 20
    assert created["spec"]["items"][0]["minimumHolders"] == 1


def test_a_model_of_another_organisation_applies(api: Cluster) -> None:
    created = _create(api, samples.model(), "--dry-run=server")
    assert parse_model(created).spec == parse_model(samples.model(), strict=True).spec


def test_a_full_record_is_kept_as_it_was_written(api: Cluster, record: Manifest) -> None:
    created = _create(api, record, "--dry-run=server")
    assert created["spec"] == record["spec"]
    assert parse_record(created).spec == parse_record(record, strict=True).spec
    assert parse_record(created).metadata.generation == 1


def test_a_short_record_gets_its_defaults(api: Cluster, record: Manifest) -> None:
    created = _create(api, record | {"spec": {"hub": {"namespace": "prod"}}}, "--dry-run=server")
    assert created["spec"] == {
        "hub": {"namespace": "prod"},
        "model": "2i2c",
        "enforcement": {"admission": "observe", "rbac": "audit"},
    }


def test_no_delegates_stays_different_from_delegates_left_out(
    api: Cluster, record: Manifest
) -> None:
    record["spec"]["items"] = [{"name": "a", "delegates": []}, {"name": "b"}]
    first, second = parse_record(_create(api, record, "--dry-run=server")).spec.items
    assert first.delegates == ()
    assert second.delegates is None


@pytest.mark.parametrize("slip", RECORD_SLIPS, ids=lambda slip: slip.name)
def test_wrong_records_are_refused(api: Cluster, slip: Slip) -> None:
    assert slip.server_says in _refusal(api, slip.of(samples.record()))


@pytest.mark.parametrize("slip", MODEL_SLIPS, ids=lambda slip: slip.name)
def test_wrong_models_are_refused(api: Cluster, slip: Slip) -> None:
    assert slip.server_says in _refusal(api, slip.of(samples.model()))


def test_an_unknown_field_is_refused_by_kubectl(api: Cluster, record: Manifest) -> None:
    record["spec"]["items"][0]["owners"] = "provider"
    assert 'unknown field "spec.items[0].owners"' in _refusal(api, record)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("namespace", "staging", "here in namespace prod: write a new record for staging"),
        ("release", "other", "a record stays with its hub: write a new record"),
        ("release", None, "a record stays with its hub: write a new record"),
    ],
)
def test_a_record_stays_with_its_hub(
    api: Cluster, record: Manifest, field: str, value: str | None, said: str
) -> None:
    _apply(api, "kubectl", record)
    patch = json.dumps({"spec": {"hub": {field: value}}})
    done = api.kubectl(
        "patch", "resp", record["metadata"]["name"], "--type=merge", "-p", patch, check=False
    )
    assert done.returncode
    assert said in done.stderr


def test_a_release_may_be_named_later(api: Cluster, record: Manifest) -> None:
    del record["spec"]["hub"]["release"]
    _create(api, record)
    patch = json.dumps({"spec": {"hub": {"release": "prod"}}})
    api.kubectl("patch", "resp", record["metadata"]["name"], "--type=merge", "-p", patch)


def test_kubectl_explains_fields(api: Cluster) -> None:
    # The API server publishes the schema a moment after the kind.
    def explained() -> str:
        done = api.kubectl("explain", "responsibility.spec.items.owner", check=False)
        return " ".join(done.stdout.split())

    text = wait_until(explained, 30, "kubectl explain")
    assert "FIELD: owner <string>" in text
    assert "The party that is accountable for this item on this hub" in text


def test_kubectl_shows_what_matters(api: Cluster, record: Manifest) -> None:
    name = record["metadata"]["name"]
    _create(api, record)
    now = "2026-12-31T00:00:00Z"
    status = {
        "hub": "prod/prod",
        "ownerSplit": "provider 12, community 8",
        "enforcement": "observe/audit",
        "drift": {"total": 3, "byKind": {"excess-access": 3}},
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Evaluated", "lastTransitionTime": now}
        ],
    }
    api.kubectl(
        *("patch", "resp", name, "--subresource=status", "--type=merge", "-p"),
        json.dumps({"status": status}),
    )
    header, line = api.kubectl("get", "resp", name).stdout.splitlines()
    assert header.split() == [
        *("NAME", "HUB", "OWNER-SPLIT", "DRIFT", "ENFORCEMENT", "READY", "AGE")
    ]
    assert line.split()[:-1] == [
        *(name, "prod/prod", "provider", "12,", "community", "8", "3", "observe/audit", "True")
    ]
    assert name in api.kubectl("get", "ownership", "-o", "name").stdout
    assert name in api.kubectl("get", "responsibility", name, "-o", "name").stdout
    parsed = parse_record(_get(api, "resp", name)).status
    assert parsed is not None
    assert parsed.dump() == status


def test_the_last_finding_can_end(api: Cluster, record: Manifest) -> None:
    """Server-side apply must be able to replace the counts by kind with none at all."""
    _create(api, record)

    def report(by_kind: dict[str, int]) -> Manifest:
        counts = {"total": sum(by_kind.values()), "byKind": by_kind}
        body = {key: record[key] for key in ("apiVersion", "kind", "metadata")}
        _apply(api, "operator", body | {"status": {"drift": counts}}, "--subresource=status")
        found: Manifest = _get(api, "resp", record["metadata"]["name"])["status"]["drift"]
        return found

    assert report({"excess-access": 2})["byKind"] == {"excess-access": 2}
    assert report({})["byKind"] == {}


def test_two_managers_each_keep_their_own_entries(api: Cluster, record: Manifest) -> None:
    def of(*entries: dict[str, Any], **more: object) -> Manifest:
        return record | {"spec": {"hub": {"namespace": "prod"}, "items": entries, **more}}

    _apply(api, "agreement", of({"name": ITEM, "owner": "provider", "minimumHolders": 2}))
    _apply(api, "team", of({"name": "data", "owner": "community"}, parties=[{"name": "community"}]))
    # The same entry, another field of it.
    _apply(api, "reviewers", of({"name": ITEM, "reviewAfter": "2036-03-01"}))
    _apply(api, "team", of({"name": "data", "owner": "provider"}))
    spec = _get(api, "resp", record["metadata"]["name"])["spec"]
    assert spec["items"] == [
        {
            "name": ITEM,
            "owner": "provider",
            "minimumHolders": 2,
            "reviewAfter": "2036-03-01",
        },
        {"name": "data", "owner": "provider"},
    ]
    assert "parties" not in spec or spec["parties"] == []


def test_an_organisation_adds_itself_to_the_shipped_model(api: Cluster) -> None:
    shipped = load_shipped_manifest() | {"metadata": {"name": "test-records-shipped"}}
    ours: Manifest = copy.deepcopy(shipped)
    ours["spec"] = {
        "parties": [{"name": "provider", "subjects": [{"kind": "Group", "name": "engineers"}]}]
    }
    try:
        _apply(api, "helm", shipped)
        _apply(api, "our-organisation", ours)
        # An upgrade of the shipped model leaves it alone, and there is no conflict.
        _apply(api, "helm", shipped)
        parsed = parse_model(_get(api, "respmodel", "test-records-shipped"))
    finally:
        api.kubectl("delete", "respmodel", "test-records-shipped", "--ignore-not-found")
    provider = next(party for party in parsed.spec.parties if party.name == "provider")
    assert [str(subject) for subject in provider.subjects] == ["Group engineers"]
    assert provider.display_name == "Provider"
    assert len(parsed.spec.items) == 20


@pytest.fixture
def dates(api: Cluster, tmp_path: Path) -> Iterator[None]:
    """Put the policy about dates in force."""
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump_all(admission.manifests()), encoding="utf-8")
    api.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
    ended = samples.record()
    ended["spec"]["items"][0]["delegates"][0]["until"] = "2020-01-01T00:00:00Z"

    def in_force() -> bool:
        done = api.kubectl(
            *("create", "--dry-run=server", "-f", "-"), input=json.dumps(ended), check=False
        )
        return done.returncode != 0

    wait_until(in_force, 30, "the policy to be in force")
    yield
    api.kubectl("delete", "-f", str(path), "--ignore-not-found")


@pytest.mark.usefixtures("dates")
def test_a_delegation_that_has_ended_is_refused_in_a_new_record_only(
    api: Cluster, record: Manifest
) -> None:
    delegate = record["spec"]["items"][0]["delegates"][0]
    late = "2020-01-01T00:00:00+02:00"
    delegate["until"] = late
    assert (
        f"spec.items[{ITEM}].delegates: the delegation to community ended on {late}: "
        "write a later until, or leave the delegate out"
    ) in _refusal(api, record)
    delegate["until"] = "2036-12-31T00:00:00Z"
    _create(api, record)
    delegate["until"] = late
    _apply(api, "kubectl", record, "--force-conflicts")
    # A record without what the expressions look for is nobody's problem.
    name = f"{record['metadata']['name'][:40]}-bare"
    bare = {"metadata": {"name": name, "labels": {"test": "records"}}}
    _create(api, record | bare | {"spec": {"hub": {"namespace": "prod"}, "items": [{"name": "x"}]}})
