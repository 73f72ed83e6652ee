"""What adopters set: names, accounts, contexts, networks, certificates, a chart around it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.controller.process import settings
from tests.e2e import helms
from tests.e2e.lab import programs

CHART = Path(__file__).parents[2] / "helm" / "hub-responsibility"
NAMESPACE = "somewhere"
GROUP = "responsibility.2i2c.org"
WEBHOOKS = "valuesWebhook.enabled=true,breakGlassWebhook.enabled=true"

Completed = subprocess.CompletedProcess[str]
Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    """Helm 4 and Helm 3: built where Go is, else those on PATH."""
    name: str = request.param
    return programs.helm(name)


def _tried(helm: Path, *options: str, chart: Path = CHART) -> Completed:
    command = [str(helm), "template", "hubs", str(chart), f"--namespace={NAMESPACE}"]
    command += ["--kube-version=1.37.0", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ("v1.30.0", True),
        ("v1.34.1-gke.100", True),
        ("v1.33.5+rke2r1", True),
        ("v1.29.15", False),
    ],
)
def test_it_is_rendered_for_kubernetes_from_where_its_policies_are_stable(
    helm: Path, version: str, taken: bool
) -> None:
    done = _tried(helm, f"--kube-version={version}", "--set=mode=deny,model.install=false")
    assert (done.returncode == 0) is taken, done.stderr[:4000]
    assert taken or "chart requires kubeVersion: >=1.30.0-0" in done.stderr


def _rendered(helm: Path, *options: str, chart: Path = CHART) -> list[Manifest]:
    done = _tried(helm, *options, chart=chart)
    assert done.returncode == 0, done.stderr[:4000]
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def _one(objects: list[Manifest], kind: str, name: str = "") -> Manifest:
    (found,) = [o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return found


def _pod(objects: list[Manifest]) -> Manifest:
    spec: Manifest = _one(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize(("enabled", "there"), [("true", True), ("false", False)])
def test_a_chart_around_it_switches_it_on(
    helm: Path, tmp_path: Path, enabled: str, there: bool
) -> None:
    """A condition is a value of the dependency's own, so it passes the dependency's schema."""
    parent = tmp_path / "platform"
    shutil.copytree(CHART, parent / "charts" / CHART.name)
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["version"]
    condition = f"{CHART.name}.enabled"
    dependency = {"name": CHART.name, "version": version, "condition": condition}
    about = {"apiVersion": "v2", "name": "platform", "version": "1.0.0"}
    text = yaml.safe_dump({**about, "dependencies": [dependency]})
    (parent / "Chart.yaml").write_text(text, encoding="utf-8")
    (parent / "values.yaml").write_text("{}", encoding="utf-8")
    objects = _rendered(helm, "--set", f"{condition}={enabled}", chart=parent)
    assert ("Deployment" in {o["kind"] for o in objects}) is there


@pytest.mark.parametrize(
    ("options", "name", "label"),
    [
        ("nameOverride=owners", "hubs-owners", "owners"),
        ("fullnameOverride=owners", "owners", "hub-responsibility"),
        ("nameOverride=hubs", "hubs", "hubs"),
    ],
)
def test_names_can_be_chosen(helm: Path, options: str, name: str, label: str) -> None:
    objects = _rendered(helm, "--set", f"{options},replicas=2,mode=revoke,{WEBHOOKS}", *_SECRET)
    deployment = _one(objects, "Deployment")
    assert deployment["metadata"]["name"] == name
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector == {"app.kubernetes.io/name": label, "app.kubernetes.io/instance": "hubs"}
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    for service in (o for o in objects if o["kind"] == "Service"):
        assert service["spec"]["selector"] == selector
    for configuration in (o for o in objects if o["kind"] == "ValidatingWebhookConfiguration"):
        for hook in configuration["webhooks"]:
            assert hook["clientConfig"]["service"]["name"] == f"{name}-webhook"
    # Whatever the operator's rights are bound to is its account, by the same name.
    subjects = [o["subjects"] for o in objects if o["kind"].endswith("RoleBinding")]
    assert {(s["name"], s["namespace"]) for (s,) in subjects} == {(name, NAMESPACE)}


_SECRET = ("--set", "breakGlassWebhook.secretName=given")


def test_an_account_can_be_somebody_elses(helm: Path) -> None:
    options = "serviceAccount.create=false,serviceAccount.name=theirs,mode=deny"
    objects = _rendered(helm, "--set", options)
    assert "ServiceAccount" not in {o["kind"] for o in objects}
    assert _pod(objects)["serviceAccountName"] == "theirs"
    subjects = [o["subjects"] for o in objects if o["kind"].endswith("RoleBinding")]
    assert {s["name"] for (s,) in subjects} == {"theirs"}
    confined = _one(objects, "ValidatingAdmissionPolicy", "responsibility-operator-confined")
    assert f"system:serviceaccount:{NAMESPACE}:theirs" in yaml.safe_dump(confined, width=10_000)


def test_the_default_account_of_a_namespace_never_gets_the_rights_by_accident(helm: Path) -> None:
    refused = _tried(helm, "--set", "serviceAccount.create=false")
    assert refused.returncode != 0
    assert "serviceAccount.name" in refused.stderr


def test_a_platform_can_choose_the_user(helm: Path) -> None:
    """As OpenShift does: what is left of the contexts still asks for no more than before."""
    unset = "podSecurityContext.runAsUser=null,podSecurityContext.runAsGroup=null"
    pod = _pod(_rendered(helm, "--set", unset))
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_cert_manager_makes_the_certificate_by_one_value(helm: Path) -> None:
    objects = _rendered(helm, "--set", f"certManager.enabled=true,{WEBHOOKS}")
    certificate, issuer = _one(objects, "Certificate"), _one(objects, "Issuer")
    assert certificate["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"]
    volumes = {v["name"]: v for v in _pod(objects)["volumes"]}
    assert volumes["webhook"]["secret"]["secretName"] == certificate["spec"]["secretName"]
    configurations = [o for o in objects if o["kind"] == "ValidatingWebhookConfiguration"]
    assert len(configurations) == 2
    for configuration in configurations:
        source = configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
        assert source == f"{NAMESPACE}/{certificate['metadata']['name']}"
        for hook in configuration["webhooks"]:
            service = hook["clientConfig"]["service"]
            host = f"{service['name']}.{service['namespace']}.svc"
            assert host in certificate["spec"]["dnsNames"]
            assert "caBundle" not in hook["clientConfig"]


def test_an_issuer_that_is_there_signs_it(helm: Path) -> None:
    signer = "certManager.issuerRef.kind=ClusterIssuer,certManager.issuerRef.name=internal"
    objects = _rendered(helm, "--set", f"certManager.enabled=true,{signer},{WEBHOOKS}")
    assert "Issuer" not in {o["kind"] for o in objects}
    issuer = _one(objects, "Certificate")["spec"]["issuerRef"]
    assert issuer == {"kind": "ClusterIssuer", "name": "internal"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("certManager.enabled=true", "enable breakGlassWebhook or valuesWebhook"),
        (f"certManager.enabled=true,{WEBHOOKS},valuesWebhook.secretName=x", "leave out their"),
        (WEBHOOKS, "certManager.enabled"),
        ("livenessProbe.httpGet.path=/", "livenessProbe"),
        ("ports.http=80", "ports"),
        ("fullnameOverride=Not_A_Name", "fullnameOverride"),
    ],
)
def test_what_can_not_work_is_refused_with_the_remedy(helm: Path, options: str, told: str) -> None:
    refused = _tried(helm, "--set", options)
    assert refused.returncode != 0
    assert told in refused.stderr


def test_the_network_of_the_node_takes_its_ports_one_after_the_other(helm: Path) -> None:
    ports = "ports.http=18080,ports.webhook=18443"
    objects = _rendered(helm, "--set", f"hostNetwork=true,{ports},{WEBHOOKS}", *_SECRET)
    pod = _pod(objects)
    assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    (container,) = pod["containers"]
    assert {p["name"]: p["containerPort"] for p in container["ports"]} == {
        "http": 18080,
        "webhook": 18443,
    }
    env = {e["name"]: e.get("value") for e in container["env"]}
    assert env["RESPONSIBILITY_LISTEN"] == "0.0.0.0:18080"
    assert env["RESPONSIBILITY_WEBHOOK_LISTEN"] == "0.0.0.0:18443"
    assert _one(objects, "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0


def test_more_is_added_where_it_belongs(helm: Path) -> None:
    values: Manifest = {
        "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}],
        "extraObjects": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "{{ .Release.Name }}-ca"},
            },
            "apiVersion: v1\nkind: Secret\nmetadata: {name: pull}\n",
        ],
        "revisionHistoryLimit": 2,
        "strategy": {"type": "Recreate"},
        "readinessProbe": {"timeoutSeconds": 7},
    }
    command = ["template", "hubs", str(CHART), "--kube-version=1.37.0", "--values=-"]
    done = subprocess.run(
        [str(helm), *command],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    objects = [found for found in yaml.safe_load_all(done.stdout) if found]
    pod = _pod(objects)
    (container,) = pod["containers"]
    assert values["extraVolumes"][0] in pod["volumes"]
    assert values["extraVolumeMounts"][0] in container["volumeMounts"]
    assert _one(objects, "ConfigMap")["metadata"]["name"] == "hubs-ca"
    assert _one(objects, "Secret")["metadata"]["name"] == "pull"
    spec = _one(objects, "Deployment")["spec"]
    assert (spec["revisionHistoryLimit"], spec["strategy"]) == (2, {"type": "Recreate"})
    probe = container["readinessProbe"]
    assert probe == {
        "httpGet": {"path": "/readyz", "port": "http"},
        "periodSeconds": 5,
        "timeoutSeconds": 7,
    }


def test_a_slow_start_is_no_reason_to_be_started_again(helm: Path) -> None:
    """On a node that is full, the interpreter alone may take half a minute."""
    (container,) = _pod(_rendered(helm))["containers"]
    startup = container["startupProbe"]
    assert startup["httpGet"] == container["livenessProbe"]["httpGet"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["timeoutSeconds"] >= 5


def test_people_can_be_let_in_by_roles_that_hold_nothing_else(helm: Path) -> None:
    objects = _rendered(helm)
    viewer = _one(objects, "ClusterRole", "hubs-hub-responsibility-viewer")
    editor = _one(objects, "ClusterRole", "hubs-hub-responsibility-editor")
    for role in (viewer, editor):
        assert {g for rule in role["rules"] for g in rule["apiGroups"]} == {GROUP}
        aggregated = [k for k in role["metadata"]["labels"] if "aggregate-to" in k]
        assert not aggregated
    assert {v for rule in viewer["rules"] for v in rule["verbs"]} == {"get", "list", "watch"}
    written = {
        resource
        for rule in editor["rules"]
        if set(rule["verbs"]) - {"get", "list", "watch"}
        for resource in rule["resources"]
    }
    assert written == {"responsibilities"}
    assert not {v for rule in editor["rules"] for v in rule["verbs"]} & {"assign", "revoke", "*"}
    shared = _rendered(helm, "--set", "accessRoles.aggregateToView=true")
    view = "rbac.authorization.k8s.io/aggregate-to-view"
    assert [o["metadata"]["name"] for o in shared if view in o["metadata"].get("labels", {})] == [
        "hubs-hub-responsibility-viewer"
    ]
    left_out = _rendered(helm, "--set", "accessRoles.create=false")
    assert not [o for o in left_out if o["metadata"]["name"].endswith(("-viewer", "-editor"))]


_ASKING = "hubAdmins.enabled=true,networkPolicy.enabled=true"


def test_who_asks_hubs_has_their_tokens_and_no_right_more(helm: Path) -> None:
    """The tokens are mounted: no role of the chart reads a Secret, with the switch or without."""
    quiet = _rendered(helm, "--set=networkPolicy.enabled=true")
    asking = _rendered(helm, "--set", _ASKING)
    changed = {o["kind"] for o, q in zip(asking, quiet, strict=True) if o != q}
    assert changed == {"Deployment", "NetworkPolicy"}
    pod = _pod(asking)
    [volume] = [v for v in pod["volumes"] if v["name"] == "hub-tokens"]
    assert volume["secret"]["secretName"] == "responsibility-hub-tokens"
    # A Secret that isn't there yet keeps nobody from starting.
    assert volume["secret"]["optional"] is True
    [container] = pod["containers"]
    [mount] = [m for m in container["volumeMounts"] if m["name"] == "hub-tokens"]
    assert mount["readOnly"] is True
    environment = {e["name"]: e.get("value") for e in container["env"]}
    assert environment["RESPONSIBILITY_HUB_TOKENS"] == mount["mountPath"]
    assert environment["RESPONSIBILITY_HUB_SECONDS"] == "600"
    assert environment["RESPONSIBILITY_CLUSTER_DOMAIN"] == "cluster.local"


def test_hubs_let_in_who_asks_them_and_nothing_else_is_let_out(helm: Path) -> None:
    objects = _rendered(helm, "--set", _ASKING)
    template = _one(objects, "Deployment")["spec"]["template"]
    assert template["metadata"]["labels"]["hub.jupyter.org/network-access-hub"] == "true"
    egress = _one(objects, "NetworkPolicy")["spec"]["egress"]
    [hubs] = [rule for rule in egress if {"port": 8081, "protocol": "TCP"} in rule["ports"]]
    labels = [tuple(*peer["podSelector"]["matchLabels"].items()) for peer in hubs["to"]]
    assert labels == [("component", "hub"), ("app.kubernetes.io/component", "hub")]


def test_who_asks_no_hub_is_as_it_was(helm: Path) -> None:
    text = yaml.safe_dump_all(_rendered(helm, "--set=networkPolicy.enabled=true,mode=revoke"))
    assert "hub-tokens" not in text
    assert "network-access-hub" not in text
    assert "8081" not in text


@pytest.mark.parametrize(
    "wrong",
    ["intervalSeconds=5", "clusterDomain=a b", "clusterDomain=", "secretName=", "enabled=maybe"],
)
def test_hubs_are_not_asked_in_a_way_that_can_not_work(helm: Path, wrong: str) -> None:
    done = _tried(helm, "--set", f"hubAdmins.{wrong}")
    assert done.returncode
    assert "hubAdmins" in done.stderr


def test_who_looks_at_values_may_read_secrets_of_those_names_and_no_others(helm: Path) -> None:
    on = "hubValues.enabled=true"
    without = _rendered(helm)
    assert not [o for o in without if "secrets" in yaml.safe_dump(o.get("rules", []))]
    everywhere = _rendered(helm, "--set", on)
    more = [o for o in everywhere if o not in without]
    assert {o["kind"] for o in more} == {"Deployment", "ClusterRole", "ClusterRoleBinding"}
    assert _one(more, "ClusterRole")["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["hub"], "verbs": ["get"]}
    ]
    [container] = _pod(everywhere)["containers"]
    environment = {e["name"]: e.get("value") for e in container["env"]}
    assert environment["RESPONSIBILITY_HUB_VALUES"] == "true"
    some = _rendered(helm, "--set", f"{on},hubValues.namespaces={{coast,lake}}")
    bound = [o for o in some if o not in without and o["kind"].endswith("Binding")]
    assert [(o["kind"], o["metadata"]["namespace"]) for o in bound] == [
        ("RoleBinding", "coast"),
        ("RoleBinding", "lake"),
    ]


@pytest.mark.parametrize("wrong", ["secretNames={}", "secretNames={*}", "namespaces={a b}"])
def test_secrets_are_read_by_their_names_only(helm: Path, wrong: str) -> None:
    done = _tried(helm, "--set", f"hubValues.enabled=true,hubValues.{wrong}")
    assert done.returncode
    assert "hubValues" in done.stderr


def test_who_looks_at_releases_may_read_secrets_in_the_namespaces_named_and_nowhere_else(
    helm: Path,
) -> None:
    without = _rendered(helm)
    on = "hubRelease.enabled=true"
    nowhere = [o for o in _rendered(helm, "--set", on) if o not in without]
    assert {o["kind"] for o in nowhere} == {"Deployment", "ClusterRole", "ClusterRoleBinding"}
    [everywhere] = [o for o in nowhere if o["kind"] == "ClusterRoleBinding"]
    roles = {o["metadata"]["name"]: o["rules"] for o in nowhere if o["kind"] == "ClusterRole"}
    bound = roles.pop(everywhere["roleRef"]["name"])
    assert "secrets" not in yaml.safe_dump(bound)
    [rules] = roles.values()
    assert {verb for rule in (*bound, *rules) for verb in rule["verbs"]} == {"get", "list"}
    some = _rendered(helm, "--set", f"{on},hubRelease.namespaces={{coast,lake}}")
    bindings = [o for o in some if o not in without and o["kind"] == "RoleBinding"]
    assert [(o["metadata"]["namespace"], o["roleRef"]["name"]) for o in bindings] == [
        (name, next(iter(roles))) for name in ("coast", "lake")
    ]
    [container] = _pod(some)["containers"]
    environment = {e["name"]: e.get("value") for e in container["env"]}
    assert environment["RESPONSIBILITY_HUB_RELEASE"] == "true"
    assert environment["RESPONSIBILITY_HUB_RELEASE_SECONDS"] == "600"


@pytest.mark.parametrize("wrong", ["namespaces={a b}", "intervalSeconds=5", "everywhere=true"])
def test_releases_are_looked_at_in_no_way_that_can_not_work(helm: Path, wrong: str) -> None:
    done = _tried(helm, "--set", f"hubRelease.enabled=true,hubRelease.{wrong}")
    assert done.returncode
    assert "hubRelease" in done.stderr


def test_who_looks_at_versions_may_list_nodes_and_nothing_else_of_them(helm: Path) -> None:
    without = _rendered(helm)
    assert not [o for o in without if "nodes" in yaml.safe_dump(o.get("rules", []))]
    looking = _rendered(helm, "--set", "clusterVersions.enabled=true")
    more = [o for o in looking if o not in without]
    assert {o["kind"] for o in more} == {"Deployment", "ClusterRole", "ClusterRoleBinding"}
    assert _one(more, "ClusterRole")["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
    ]
    [container] = _pod(looking)["containers"]
    environment = {e["name"]: e["value"] for e in container["env"] if "_VERSIONS" in e["name"]}
    assert settings.read(environment).versions
    assert settings.read(environment).versions_seconds == 600


def test_who_looks_at_sessions_may_list_pods_of_the_namespaces_named_and_of_no_others(
    helm: Path,
) -> None:
    without = _rendered(helm)
    assert not [o for o in without if "pods" in yaml.safe_dump(o.get("rules", []))]
    on = "hubSessions.enabled=true"
    looking = _rendered(helm, "--set", f"{on},hubSessions.namespaces={{coast,lake,coast}}")
    more = [o for o in looking if o not in without and o["kind"] != "Deployment"]
    assert {(o["kind"], o["metadata"]["namespace"]) for o in more} == {
        (kind, name) for kind in ("Role", "RoleBinding") for name in ("coast", "lake")
    }
    assert len(more) == 4
    rules = [rule for o in more for rule in o.get("rules", ())]
    resources = ["pods", "persistentvolumeclaims"]
    assert rules == [{"apiGroups": [""], "resources": resources, "verbs": ["list"]}] * 2
    [container] = _pod(looking)["containers"]
    environment = {e["name"]: e["value"] for e in container["env"] if "_SESSION_" in e["name"]}
    assert set(settings.read(environment).session_namespaces) == {"coast", "lake"}
    everywhere = _tried(helm, "--set", on)
    assert everywhere.returncode
    assert "hubSessions.namespaces is empty" in everywhere.stderr


def test_the_page_has_a_port_a_service_and_one_right_of_its_own_where_it_is_on(helm: Path) -> None:
    policy = ("--set", "networkPolicy.enabled=true")
    without = _rendered(helm, *policy)
    assert "tokenreviews" not in yaml.safe_dump_all(without)
    on = "page.enabled=true,page.proxy.from={10.0.3.0/24,fd00::7},page.secretName=page-tls"
    peers = 'networkPolicy.pageFrom=[{"podSelector":{"matchLabels":{"app":"proxy"}}}]'
    served = _rendered(helm, *policy, "--set", on, "--set-json", peers)
    more = [o for o in served if o not in without]
    kinds = ["ClusterRole", "ClusterRoleBinding", "Deployment", "NetworkPolicy", "Service"]
    assert sorted(o["kind"] for o in more) == kinds
    assert _one(more, "ClusterRole")["rules"] == [
        {
            "apiGroups": ["authentication.k8s.io"],
            "resources": ["tokenreviews"],
            "verbs": ["create"],
        }
    ]
    service = _one(more, "Service")["spec"]
    assert service["ports"] == [{"name": "https", "port": 443, "targetPort": "page"}]
    [container] = _pod(served)["containers"]
    environment = {e["name"]: e["value"] for e in container["env"] if "_PAGE_" in e["name"]}
    assert environment == {
        "RESPONSIBILITY_PAGE_LISTEN": "0.0.0.0:8090",
        "RESPONSIBILITY_PAGE_CERTIFICATES": "/etc/responsibility/page",
        "RESPONSIBILITY_PAGE_PROXY_FROM": "10.0.3.0/24,fd00::7",
        "RESPONSIBILITY_PAGE_PROXY_USER_HEADER": "X-Forwarded-User",
        "RESPONSIBILITY_PAGE_PROXY_GROUPS_HEADER": "",
    }
    page = settings.read(environment).page
    assert page is not None
    assert page.proxy is not None
    assert {"name": "page", "containerPort": 8090} in container["ports"]
    rules = _one(more, "NetworkPolicy")["spec"]["ingress"]
    [rule] = [r for r in rules if r["ports"][0]["port"] == "page"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "proxy"}}}]


@pytest.mark.parametrize(
    "wrong",
    [
        "proxy.from={0.0.0.0/0}",
        "proxy.from={::/0}",
        "proxy.from={proxy.example}",
        "proxy.userHeader=",
        "proxy.userHeader=X: y",
        "secretName=a b",
    ],
)
def test_the_page_believes_nobody_by_mistake(helm: Path, wrong: str) -> None:
    done = _tried(helm, "--set", f"page.enabled=true,page.{wrong}")
    assert done.returncode
    assert "page" in done.stderr
