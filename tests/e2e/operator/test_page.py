"""The page as two replicas serve it, with a real API server that knows whose a token is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import urllib3

from demo import organisation
from tests.e2e.lab import identities
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, role_binding

STRANGER = "stranger@example.org"
NAMESPACE = "visitors"
COAST, LAKE = "/hub-coast.html", "/hub-lake.html"
_PORT = re.compile(r"the page is served on port (\d+)(?=\D)")
SETTINGS = {
    "PAGE_LISTEN": "127.0.0.1:0",
    "PAGE_PROXY_FROM": "127.0.0.1",
    "PAGE_PROXY_GROUPS_HEADER": "X-Forwarded-Groups",
    "LEADER_ELECTION": "true",
}


def _account(name: str) -> Manifest:
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    bare_world.install("--set", "page.enabled=true")
    coast = organisation.rule(OURS.partition("/")[0], ["responsibilities"], ["get"])
    lead = {"kind": "ServiceAccount", "name": "lead", "namespace": NAMESPACE}
    leads = {"kind": "Group", "name": "leads", "apiGroup": RBAC.partition("/")[0]}
    bare_world.admin.apply(
        organisation.namespace(NAMESPACE),
        *(_account(name) for name in ("lead", "nobody", "viewer", "late")),
        organisation.cluster_role("page-coast", {**coast, "resourceNames": ["coast"]}),
        organisation.cluster_binding("page-coast", "page-coast", lead, leads),
        *(manifest for name in ("coast", "lake") for manifest in (*hub(name), record(name))),
        *(role_binding(name, "forgotten", "admin", STRANGER) for name in ("coast", "lake")),
    )
    return bare_world


@pytest.fixture(scope="module")
def replicas(world: World) -> Iterator[tuple[Operator, Operator]]:
    """Run one that leads, and one that stands by."""
    with world.operator(settings={**SETTINGS, "IDENTITY": "first"}) as first:
        world.until(lambda: all(world.causes(name) for name in ("coast", "lake")), "findings")
        second = {**SETTINGS, "IDENTITY": "second"}
        with world.operator(ready=False, settings=second) as other:
            wait_until(lambda: _PORT.search(other.log), 60.0, "its page")
            assert other.metrics().value("leader") == 0
            yield first, other


def token(world: World, name: str) -> str:
    return identities.service_account_token(world.cluster, NAMESPACE, name)


def get(operator: Operator, path: str, token: str = "", **headers: str) -> tuple[int, str]:
    found = _PORT.search(operator.log)
    assert found is not None
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        said["Authorization"] = f"Bearer {token}"
    answer = urllib3.request(
        "GET", f"http://127.0.0.1:{found[1]}{path}", headers=said, retries=False, timeout=30.0
    )
    return answer.status, answer.data.decode()


def test_each_caller_sees_on_either_replica_what_they_may_read(
    world: World, replicas: tuple[Operator, Operator]
) -> None:
    lead, nobody = token(world, "lead"), token(world, "nobody")
    for operator in replicas:
        for path in ("/", COAST, LAKE):
            for visitor in ("", nobody):
                status, text = get(operator, path, visitor)
                assert status == 200
                assert STRANGER not in text
                assert "How it stands" not in text
        assert STRANGER in get(operator, COAST, lead)[1]
        assert "How it stands" not in get(operator, LAKE, lead)[1]
        # On the page of all, each sees how their own stand, and no others.
        own, others = get(operator, "/", lead)[1].split("<h2>All other hubs")
        assert "How it stands" in own
        assert (COAST[1:] in own, LAKE[1:] in own) == (True, False)
        assert (COAST[1:] in others, LAKE[1:] in others) == (False, True)
        assert get(operator, COAST, "made-up")[0] == 401
        assert get(operator, COAST, nobody + "x")[0] == 401
        # Of groups that the proxy names, one may; of Kubernetes' own it speaks for none.
        group = {"X_Forwarded_User": "ann@example.org", "X_Forwarded_Groups": "leads"}
        assert STRANGER in get(operator, COAST, **group)[1]
        masters = {**group, "X_Forwarded_Groups": "system:masters"}
        assert STRANGER not in get(operator, COAST, **masters)[1]
        # As the page in a hub asks: with the right to one record.
        assert STRANGER in get(operator, f"/in-hub{COAST}", lead)[1]
        assert STRANGER not in get(operator, f"/in-hub{COAST}")[1]
        for path, visitor in ((COAST, nobody), (LAKE, lead)):
            assert get(operator, f"/in-hub{path}", visitor)[0] == 403
        for secret in (lead, nobody):
            assert secret not in operator.log


def test_whoever_may_read_all_reads_of_the_whole_cluster(
    world: World, replicas: tuple[Operator, Operator]
) -> None:
    account = {"kind": "ServiceAccount", "name": "viewer", "namespace": NAMESPACE}
    role = f"{chart.RELEASE}-viewer"
    world.admin.apply(organisation.cluster_binding("page-viewer", role, account))
    visitor = token(world, "viewer")
    for operator in replicas:

        def shown(operator: Operator = operator) -> bool:
            return "How it stands" in get(operator, "/", visitor)[1]

        wait_until(shown, 60.0, "what a viewer sees")
        assert STRANGER in get(operator, LAKE, visitor)[1]


def test_what_ends_is_gone_from_both(world: World, replicas: tuple[Operator, Operator]) -> None:
    world.admin.delete(f"/apis/{RBAC}/namespaces/coast/rolebindings/forgotten")
    lead = token(world, "lead")
    for operator in replicas:

        def gone(operator: Operator = operator) -> bool:
            return STRANGER not in get(operator, COAST, lead)[1]

        wait_until(gone, 60.0, "the page to be written anew")
        assert "How it stands" in get(operator, COAST, lead)[1]


def test_without_the_right_to_review_tokens_nobody_with_one_is_let_in(
    world: World, replicas: tuple[Operator, Operator]
) -> None:
    # Whom nobody remembers.
    visitor = token(world, "late")
    world.admin.delete(f"/apis/{RBAC}/clusterrolebindings/{chart.RELEASE}-page")
    for operator in replicas:

        def refused(operator: Operator = operator) -> bool:
            return get(operator, COAST, visitor)[0] == 503

        wait_until(refused, 60.0, "the API server to refuse it")
        assert get(operator, COAST)[0] == 200
        assert visitor not in operator.log
