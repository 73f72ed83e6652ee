"""The chart's webhooks: off until they are asked for, one server and one certificate for both."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.controller.process.settings import read
from tests.e2e import helms
from tests.e2e.lab import programs

CHART = Path(__file__).parents[2] / "helm" / "hub-responsibility"
GLASS, VALUES = "breakGlassWebhook", "valuesWebhook"
NAMES = {GLASS: "responsibility-break-glass", VALUES: "responsibility-values"}
Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    return programs.helm(name)


def template(helm: Path, *values: str) -> subprocess.CompletedProcess[str]:
    command = [str(helm), "template", "hubs", str(CHART), "--namespace=somewhere"]
    command += ["--kube-version=1.37.0", "--set=crds.install=false,networkPolicy.enabled=true"]
    command += [f"--set={value}" for value in values]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def objects(helm: Path, *values: str) -> list[Manifest]:
    done = template(helm, *values)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def hooks(found: list[Manifest]) -> dict[str, list[Manifest]]:
    return {
        o["metadata"]["name"]: o["webhooks"]
        for o in found
        if o["kind"] == "ValidatingWebhookConfiguration"
    }


def of(found: list[Manifest], kind: str) -> list[Manifest]:
    return [o for o in found if o["kind"] == kind]


SETS = {
    "none": (),
    "the glass": (f"{GLASS}.enabled=true", f"{GLASS}.secretName=tls"),
    "values": (f"{VALUES}.enabled=true", f"{VALUES}.secretName=tls"),
    "both": (f"{GLASS}.enabled=true", f"{GLASS}.secretName=tls", f"{VALUES}.enabled=true"),
}


@pytest.mark.parametrize("case", SETS)
def test_what_is_there_is_what_was_asked_for(helm: Path, case: str) -> None:
    given = SETS[case]
    found = objects(helm, *given)
    wanted = {NAMES[which] for which in NAMES if f"{which}.enabled=true" in given}
    assert set(hooks(found)) == wanted
    (deployment,) = of(found, "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    volumes = [v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v]
    ports = {port["name"] for port in container["ports"]}
    services = [s["metadata"]["name"] for s in of(found, "Service")]
    (policy,) = of(found, "NetworkPolicy")
    open_ports = {p["port"] for rule in policy["spec"]["ingress"] for p in rule["ports"]}
    settings = read({e["name"]: e["value"] for e in container["env"] if "value" in e})
    own = "hubs-hub-responsibility-webhook"
    assert volumes == (["tls"] if wanted else [])
    assert ports == open_ports == ({"http", "webhook"} if wanted else {"http"})
    assert (own in services) is bool(wanted)
    assert (settings.webhook_certificates is not None) is bool(wanted)
    assert settings.values_webhook is (NAMES[VALUES] in wanted)
    for each in (hook for group in hooks(found).values() for hook in group):
        service = each["clientConfig"]["service"]
        assert (service["name"], service["namespace"]) == (own, "somewhere")


def test_the_configuration_of_another_model_is_served_as_well(helm: Path) -> None:
    found = objects(helm, *SETS["values"], f"{VALUES}.install=false")
    assert hooks(found) == {}
    (deployment,) = of(found, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    settings = read({e["name"]: e["value"] for e in container["env"] if "value" in e})
    assert settings.values_webhook
    assert "hubs-hub-responsibility-webhook" in [
        s["metadata"]["name"] for s in of(found, "Service")
    ]


def test_no_webhook_takes_a_right_more(helm: Path) -> None:
    """Of a Secret, the operator sees what the API server sends."""
    roles = [of(objects(helm, *given), "ClusterRole") for given in SETS.values()]
    assert all(found == roles[0] for found in roles)


def test_values_take_what_the_glass_has_unless_they_have_their_own(helm: Path) -> None:
    glass = (*SETS["both"], f"{GLASS}.caBundle=eA==", f"{GLASS}.annotations.a=b")

    def seen(*more: str) -> tuple[set[str], dict[str, str]]:
        found = objects(helm, *glass, *more)
        (own,) = [o for o in found if o["metadata"]["name"] == NAMES[VALUES]]
        bundles = {hook["clientConfig"]["caBundle"] for hook in own["webhooks"]}
        return bundles, own["metadata"]["annotations"]

    assert seen() == ({"eA=="}, {"a": "b"})
    assert seen(f"{VALUES}.caBundle=eQ==", f"{VALUES}.annotations.c=d") == ({"eQ=="}, {"c": "d"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((f"{VALUES}.enabled=true",), "valuesWebhook.secretName"),
        ((f"{GLASS}.enabled=true",), "breakGlassWebhook.secretName"),
        ((*SETS["both"], f"{VALUES}.secretName=other"), "one certificate"),
    ],
)
def test_what_can_not_work_is_refused(helm: Path, given: tuple[str, ...], said: str) -> None:
    done = template(helm, *given)
    assert done.returncode != 0
    assert said in done.stderr
