"""The chart rendered and applied again and again, as Argo CD, Flux and pipelines do it.

kubectl stands for all of them: client-side, as Argo CD applies by default, and server-side, as Flux
does. Their own controllers are not run here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import organisation
from tests.e2e import helms
from tests.e2e.conftest import lent
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.pool import Pool
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, Admin, Manifest, path_of, where
from tests.e2e.operator.world import hub, record

# What a client-side apply writes into an annotation; the API server takes no more in all of them.
LIMIT = 262_144
CLIENT = ("apply", "-f=-")
SERVER = ("apply", "--server-side", "--field-manager=gitops", "-f=-")
Way = tuple[str, ...]

MODELS = "responsibilitymodels"
DEFINITIONS = tuple(f"{plural}.{OURS.partition('/')[0]}" for plural in ("responsibilities", MODELS))

WHO: list[Manifest] = [
    {
        "name": "provider",
        "contact": {"email": "support@example.org"},
        "subjects": [{"kind": "Group", "name": "engineers"}],
    },
    {"name": "auditor", "contact": {"email": "audit@example.org"}},
]


# Server-side, Helm 4 and most tests apply, too.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(CLIENT, id="client-side"),
        pytest.param(SERVER, id="server-side", marks=pytest.mark.long),
    ],
)
def way(request: pytest.FixtureRequest) -> Way:
    """How kubectl applies."""
    found: Way = request.param
    return found


@pytest.fixture(scope="module")
def of_one_way(pool: Pool, request: pytest.FixtureRequest, way: Way) -> Iterator[Cluster]:
    """Take a cluster for one way: what was applied in the one is not to be found by the other."""
    assert way
    with lent(pool, request) as fresh:
        fresh.kubectl("create", "namespace", chart.NAMESPACE)
        yield fresh


@pytest.fixture
def cluster(of_one_way: Cluster) -> Iterator[Cluster]:
    """Return that cluster; no model and no policy is left for the next test."""
    yield of_one_way
    for kinds in ("validatingadmissionpolicies,validatingadmissionpolicybindings", MODELS):
        of_one_way.kubectl("delete", kinds, "--all", check=False)


def _text(*options: str, parties: object = WHO) -> str:
    command = [str(chart.helm()), "template", chart.RELEASE, str(chart.CHART)]
    command += [f"--namespace={chart.NAMESPACE}", "--kube-version=1.37.0", *options]
    values = yaml.safe_dump({"model": {"parties": parties}})
    done = subprocess.run(
        [*command, "--values=-"], input=values, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _objects(text: str) -> list[Manifest]:
    return [found for found in yaml.safe_load_all(text) if found]


def _apply(cluster: Cluster, way: Way, text: str) -> None:
    """Apply until all of it is taken: a kind has to be served before there can be one of it."""
    definitions = [o for o in _objects(text) if o["metadata"]["name"] in DEFINITIONS]
    cluster.kubectl(*way, input=yaml.safe_dump_all(definitions))
    served = ("wait", "--for=condition=Established", "crd", *DEFINITIONS)
    wait_until(lambda: not cluster.kubectl(*served, check=False).returncode, 30, "our kinds")
    # Established is said some time before kubectl can find them.
    helms.installed(lambda: cluster.kubectl(*way, input=text, check=False))


def _parties(cluster: Cluster) -> dict[str, Any]:
    model = Admin(cluster).get(where(OURS, "ResponsibilityModel", "2i2c"))
    return {party["name"]: party for party in model["spec"]["parties"]}


def _versions(cluster: Cluster, text: str) -> dict[str, str]:
    """Return what changes with whatever is written to an object, its status left out if it has one.

    Controllers write that: of Deployments, policies and definitions.
    """
    admin = Admin(cluster)
    found = {}
    for each in _objects(text):
        metadata = each["metadata"]
        path = where(each["apiVersion"], each["kind"], metadata["name"], metadata.get("namespace"))
        now = admin.get(path)["metadata"]
        found[path] = str(now.get("generation") or now["resourceVersion"])
    return found


def test_applied_again_it_changes_nothing(cluster: Cluster, way: Way) -> None:
    text = _text("--set", "mode=deny,grants.enabled=true,replicas=2,networkPolicy.enabled=true")
    _apply(cluster, way, text)
    kept = _versions(cluster, text)
    for _ in range(2):
        cluster.kubectl(*way, input=text)
    assert _versions(cluster, text) == kept
    assert len(kept) > 50


def test_the_parties_of_the_values_are_those_of_the_model(cluster: Cluster, way: Way) -> None:
    text = _text()
    _apply(cluster, way, text)
    found = _parties(cluster)
    assert found["provider"] == {"displayName": "Provider", **WHO[0]}
    assert found["community"] == {"name": "community", "displayName": "Community"}
    assert found["auditor"] == WHO[1]
    changed = _text(parties=[{"name": "provider", "contact": {"email": "new@example.org"}}])
    cluster.kubectl(*way, input=changed)
    after = _parties(cluster)
    assert after["provider"]["contact"] == {"email": "new@example.org"}
    assert set(after) == {"provider", "community"}, "what left the values leaves the model"


def test_without_parties_the_organisation_s_own_model_is_left_alone(
    cluster: Cluster, way: Way
) -> None:
    text = _text(parties=[])
    assert not [o for o in _objects(text) if o["kind"] == "ResponsibilityModel"]
    _apply(cluster, way, text)
    own = yaml.safe_load((chart.CHART / "files" / "model.yaml").read_text(encoding="utf-8"))
    own["spec"]["parties"][0].update(WHO[0])
    own["spec"]["items"][0]["title"] = "In our words"
    Admin(cluster).apply(own, manager="organisation")
    uid = Admin(cluster).get(where(OURS, "ResponsibilityModel", "2i2c"))["metadata"]["uid"]
    for _ in range(3):
        cluster.kubectl(*way, input=text)
    model = Admin(cluster).get(where(OURS, "ResponsibilityModel", "2i2c"))
    assert model["metadata"]["uid"] == uid
    assert model["spec"]["parties"][0]["contact"] == WHO[0]["contact"]
    assert model["spec"]["items"][0]["title"] == "In our words"


def test_what_others_add_is_kept_where_it_is_applied_server_side(
    cluster: Cluster, way: Way
) -> None:
    """Client-side, a list of a custom resource is replaced whole: there, values have to say all."""
    text = _text(parties=[{"name": "provider"}])
    _apply(cluster, way, text)
    Admin(cluster).apply(organisation.provider_subjects(), manager="organisation")
    added = _parties(cluster)["provider"]["subjects"]
    assert added
    for _ in range(3):
        cluster.kubectl(*way, input=text)
    assert _parties(cluster)["provider"].get("subjects") == (added if way is SERVER else None)


def test_records_and_what_the_operator_writes_on_others_objects_stay(
    cluster: Cluster, way: Way
) -> None:
    """Namespaces and Deployments come from elsewhere, and are synchronised as well."""
    text = _text()
    _apply(cluster, way, text)
    admin = Admin(cluster)
    objects = hub("reef")
    stream = yaml.safe_dump_all([*objects, record("reef")])
    cluster.kubectl(*way, input=stream)
    for each in objects:
        mark = {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "metadata": {
                **{k: v for k, v in each["metadata"].items() if k in ("name", "namespace")},
                "annotations": {"responsibility.2i2c.org/owners": "written by the operator"},
            },
        }
        admin.apply(mark, manager="responsibility-operator")
    kept = _versions(cluster, stream)
    for _ in range(2):
        cluster.kubectl(*way, input=stream)
    assert _versions(cluster, stream) == kept
    for each in objects:
        annotations = admin.get(path_of(each))["metadata"]["annotations"]
        assert annotations["responsibility.2i2c.org/owners"] == "written by the operator"


def test_every_object_fits_into_the_annotation_of_a_client_side_apply() -> None:
    text = _text("--set", "mode=revoke,enforcement.enabled=true,policies.enabled=true")
    sizes = {o["metadata"]["name"]: len(yaml.safe_dump(o)) for o in _objects(text)}
    largest = max(sizes, key=sizes.__getitem__)
    assert sizes[largest] < LIMIT / 2, f"{largest} has {sizes[largest]} bytes"


def test_two_renderings_are_one_and_the_same() -> None:
    """No certificate, no password and no date is made while it is rendered."""
    options = "mode=deny,valuesWebhook.enabled=true,certManager.enabled=true"
    assert _text("--set", options) == _text("--set", options)


def test_nothing_that_is_rendered_is_a_hook() -> None:
    """Argo CD deletes and creates hooks anew at each synchronisation, and kubectl knows none."""
    for found in _objects(_text("--set", "mode=deny")):
        assert "helm.sh/hook" not in (found["metadata"].get("annotations") or {})
        assert found["kind"] not in ("Pod", "Job")


def test_what_is_to_be_ignored_is_named_in_the_page() -> None:
    """The tables of the cluster's own policies are the operator's; the page lists their names."""
    page = (Path(chart.CHART).parents[1] / "docs" / "gitops.md").read_text(encoding="utf-8")
    (block,) = [b for b in page.split("```") if b.startswith("yaml") and "kind: Application" in b]
    application = yaml.safe_load(block.partition("\n")[2])
    (ignored,) = application["spec"]["ignoreDifferences"]
    assert ignored["kind"] == "ValidatingAdmissionPolicy"
    objects = _objects(_text("--set", "mode=deny"))
    cluster = [o for o in objects if o["metadata"]["name"].startswith("responsibility-cluster-")]
    policies = [o for o in cluster if o["kind"] == ignored["kind"]]
    assert policies
    (expression,) = ignored["jqPathExpressions"]
    template = (chart.CHART / "templates" / "policies.yaml").read_text(encoding="utf-8")
    for policy in policies:
        for variable in policy["spec"]["variables"]:
            taken = f'"{variable["name"]}"' in template
            assert (f'"{variable["name"]}"' in expression) is taken
