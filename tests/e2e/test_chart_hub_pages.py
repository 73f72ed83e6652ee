"""Pages in hubs, as the chart installs them: beside each hub, with the right to one record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from responsibility.hub_page import settings
from tests.e2e import helms
from tests.e2e.chart_by_helm import GROUP, NAMESPACE, only, rendered, template
from tests.e2e.lab import programs

Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    return programs.helm(name)


def _pod(objects: list[Manifest]) -> Manifest:
    spec: Manifest = only(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


_HUB_PAGES = (
    'hubPages=[{"record":"coast","namespace":"coast-ns"},'
    '{"record":"lake","namespace":"lake","hubName":"leap-hub","baseUrl":"/jupyter/"}]'
)


def test_a_hub_gets_its_page_with_the_right_to_one_record_and_nothing_else(helm: Path) -> None:
    peers = 'networkPolicy.pageFrom=[{"podSelector":{"matchLabels":{"app":"proxy"}}}]'
    on = ("--set", "page.enabled=true,networkPolicy.enabled=true", "--set-json", peers)
    without = rendered(helm, *on)
    objects = rendered(helm, *on, "--set-json", _HUB_PAGES)
    more = [o for o in objects if o not in without]
    # Of the operator's own, nothing changes but who reaches its page.
    own = [o for o in more if o["metadata"].get("namespace") == NAMESPACE]
    assert [o["kind"] for o in own] == ["NetworkPolicy"]
    for namespace, record, hub, base in (
        ("coast-ns", "coast", "hub", "/"),
        ("lake", "lake", "leap-hub", "/jupyter/"),
    ):
        there = [o for o in more if o["metadata"].get("namespace") == namespace]
        kinds = ["Deployment", "NetworkPolicy", "Service", "ServiceAccount"]
        assert sorted(o["kind"] for o in there) == kinds
        assert {o["metadata"]["name"] for o in there} == {"responsibility-page"}
        [role] = [o for o in more if o["kind"] == "ClusterRole" and record in str(o["rules"])]
        assert role["rules"] == [
            {
                "apiGroups": [GROUP],
                "resources": ["responsibilities"],
                "resourceNames": [record],
                "verbs": ["get"],
            }
        ]
        [binding] = [
            o for o in more if o.get("roleRef", {}).get("name") == role["metadata"]["name"]
        ]
        [subject] = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == ("responsibility-page", namespace)
        pod = _pod(there)
        assert pod["automountServiceAccountToken"] is False
        volumes = {v["name"]: v for v in pod["volumes"]}
        assert volumes["hub"]["secret"]["secretName"] == hub
        [item] = volumes["hub"]["secret"]["items"]
        assert item["key"] == "hub.services.responsibility-page.apiToken"
        [container] = pod["containers"]
        mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
        found = settings.read({e["name"]: e["value"] for e in container["env"]})
        assert (found.record, found.base, found.hub) == (record, base, f"http://{hub}:8081")
        assert str(found.token) == f"{mounts['hub']}/{item['path']}"
        assert str(found.account) == f"{mounts['account']}/token"
        assert found.operator == f"http://hub-responsibility-page.{NAMESPACE}.svc"
        assert [p["containerPort"] for p in container["ports"]] == [found.port]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        # The operator's selectors find none of it, also in its own namespace.
        labels = only(there, "Deployment")["spec"]["template"]["metadata"]["labels"]
        selector = only(without, "Deployment")["spec"]["selector"]["matchLabels"]
        assert not selector.items() <= labels.items()
        assert only(there, "Service")["spec"]["selector"].items() <= labels.items()
        policy = only(there, "NetworkPolicy")["spec"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
        # Neither users' servers nor anything else of the namespace gets in.
        [ingress] = policy["ingress"]
        assert all("component" in str(peer) for peer in ingress["from"])
        [rule] = [
            r for r in only(own, "NetworkPolicy")["spec"]["ingress"] if "page" in str(r["ports"])
        ]
        assert any(namespace in str(peer) for peer in rule["from"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--set=page.enabled=false", "page.enabled=true"),
        ("--set=page.enabled=true,page.secretName=page-tls", "hubPage.authority"),
        ("--set=page.enabled=true,hubPages[1].record=b,hubPages[1].namespace=a", "twice"),
        ("--set=page.enabled=true,hubPages[0].baseUrl=jupyter", "baseUrl"),
        ("--set=page.enabled=true,hubPages[0].record=a b", "record"),
        ("--set=page.enabled=true,hubPages[0].more=x", "more"),
    ],
)
def test_a_page_in_a_hub_that_can_not_work_is_refused(helm: Path, options: str, told: str) -> None:
    done = template(
        helm, "--set-json", 'hubPages=[{"record":"a","namespace":"a"}]', options, check=False
    )
    assert done.returncode
    assert told in done.stderr


def test_a_hub_knows_the_page_by_the_authority_that_is_given(helm: Path) -> None:
    on = "--set=page.enabled=true,page.secretName=page-tls"
    authority = "hubPage.authority=-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    objects = rendered(helm, on, "--set-json", _HUB_PAGES, "--set-string", authority)
    [pod] = [
        o["spec"]["template"]["spec"]
        for o in objects
        if o["kind"] == "Deployment" and o["metadata"].get("namespace") == "lake"
    ]
    [container] = pod["containers"]
    found = settings.read({e["name"]: e["value"] for e in container["env"]})
    assert found.operator.startswith("https://")
    assert str(found.authority) == "/etc/responsibility/authority/ca.crt"
    [kept] = [
        o["data"]
        for o in objects
        if o["kind"] == "ConfigMap" and o["metadata"].get("namespace") == "lake"
    ]
    assert kept["ca.crt"].startswith("-----BEGIN CERTIFICATE-----\n")
