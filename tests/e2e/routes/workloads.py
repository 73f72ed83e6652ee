"""What those do who have pods run as others, or enter pods that do."""

from __future__ import annotations

from typing import Any

from tests.e2e.routes.people import Object, Refused
from tests.e2e.routes.world import World

_ADMISSION = "admissionregistration.k8s.io"


async def make_pod(w: World) -> None:
    await w.attacker.ask("POST", f"{w.core}/pods", w.pod())
    await w.runs_as_holder()


def a_template(w: World, **spec: Any) -> Object:
    labels = {"app": "mine"}
    return {"metadata": {"labels": labels}, "spec": w.pod_spec(**spec)}


def maker(w: World, kind: str, **spec: Any) -> tuple[str, Object]:
    """Return where to create an object that makes pods, and the object."""
    selector: Any = {"matchLabels": {"app": "mine"}}
    template = a_template(w, **spec)
    match kind:
        case "jobs":
            template["spec"]["restartPolicy"] = "Never"
            return f"/apis/batch/v1/namespaces/{w.ns}/jobs", w.named(
                "batch/v1", "Job", "maker", spec={"template": template}
            )
        case "cronjobs":
            template["spec"]["restartPolicy"] = "Never"
            job = {"spec": {"template": template}}
            return f"/apis/batch/v1/namespaces/{w.ns}/cronjobs", w.named(
                "batch/v1", "CronJob", "maker", spec={"schedule": "* * * * *", "jobTemplate": job}
            )
        case "replicationcontrollers":
            return f"{w.core}/{kind}", w.named(
                "v1",
                "ReplicationController",
                "maker",
                spec={"replicas": 1, "selector": {"app": "mine"}, "template": template},
            )
        case _:
            names = {
                "deployments": "Deployment",
                "statefulsets": "StatefulSet",
                "daemonsets": "DaemonSet",
                "replicasets": "ReplicaSet",
            }
            spec_: Object = {"selector": selector, "template": template}
            if kind != "daemonsets":
                spec_["replicas"] = 1
            if kind == "statefulsets":
                spec_["serviceName"] = "none"
            return f"/apis/apps/v1/namespaces/{w.ns}/{kind}", w.named(
                "apps/v1", names[kind], "maker", spec=spec_
            )


async def make(w: World, kind: str) -> None:
    path, body = maker(w, kind)
    await w.attacker.ask("POST", path, body)
    if kind != "cronjobs":
        # A CronJob waits for its minute.
        await w.runs_as_holder()


async def somebodys(w: World, kind: str) -> None:
    path, body = maker(w, kind, serviceAccountName="default")
    if "replicas" in body["spec"]:
        body["spec"]["replicas"] = 0
    await w.admin.ask("POST", path, body)


async def change(w: World, kind: str) -> None:
    path, _ = maker(w, kind)
    spec: Object = {"template": {"spec": {"serviceAccountName": "holder"}}}
    if kind == "cronjobs":
        spec = {"jobTemplate": {"spec": spec}}
    elif kind != "daemonsets":
        spec["replicas"] = 1
    await w.attacker.patch(f"{path}/maker", {"spec": spec})
    if kind != "cronjobs":
        await w.runs_as_holder()


async def running(w: World) -> None:
    containers = [{"name": "c", "image": w.cluster.image}]
    pod = w.pod(containers=containers, nodeName=w.cluster.node)
    await w.admin.ask("POST", f"{w.core}/pods", pod)

    async def runs() -> bool:
        pod = await w.admin.ask("GET", f"{w.core}/pods/pod")
        return bool(pod["status"].get("phase") == "Running")

    await w.admin.until(runs, "the node to run the pod")


async def change_image(w: World) -> None:
    patch = {"spec": {"containers": [{"name": "c", "image": "mine"}]}}
    kind = "application/strategic-merge-patch+json"
    await w.attacker.ask("PATCH", f"{w.core}/pods/pod", patch, kind=kind)
    await w.runs_as_holder()


async def debug(w: World) -> None:
    extra = {"name": "debug", "image": "mine", "targetContainerName": "c"}
    patch = {"spec": {"ephemeralContainers": [extra]}}
    kind = "application/strategic-merge-patch+json"
    await w.attacker.ask("PATCH", f"{w.core}/pods/pod/ephemeralcontainers", patch, kind=kind)


async def connect(w: World, path: str) -> None:
    """Connect, until the API server has let it pass and finds no kubelet."""
    async with w.attacker.http.post(
        w.attacker.host + path,
        headers={"Authorization": f"Bearer {w.token}"},
        ssl=w.attacker.tls,
    ) as response:
        await unless_refused(response.status, await response.text())


async def unless_refused(status: int, text: str) -> None:
    if status in {401, 403}:
        raise Refused(text)


async def enter(w: World, how: str) -> None:
    await connect(w, f"{w.core}/pods/pod/{how}?container=c&stdout=true&command=id")


async def node_proxy(w: World) -> None:
    await connect(w, f"/api/v1/nodes/{w.cluster.node}/proxy/run/{w.ns}/pod/c?cmd=id")


async def policy(w: World) -> None:
    match: Object = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": w.ns}},
        "resourceRules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }
        ],
    }
    expression = (
        'Object{spec: Object.spec{serviceAccountName: "holder", containers: ['
        'Object.spec.containers{name: "c", image: "mine"}]}}'
    )
    policy = w.named(
        f"{_ADMISSION}/v1",
        "MutatingAdmissionPolicy",
        w.run,
        spec={
            "matchConstraints": match,
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": expression},
                }
            ],
        },
    )
    binding = w.named(
        f"{_ADMISSION}/v1", "MutatingAdmissionPolicyBinding", w.run, spec={"policyName": w.run}
    )
    root = f"/apis/{_ADMISSION}/v1"
    await w.attacker.ask("POST", f"{root}/mutatingadmissionpolicies", policy)
    await w.attacker.ask("POST", f"{root}/mutatingadmissionpolicybindings", binding)
    number = 0

    async def somebodys_pod_is_ours() -> bool:
        nonlocal number
        number += 1
        containers = [{"name": "c", "image": "theirs"}]
        body = w.pod(f"theirs-{number}", serviceAccountName="default", containers=containers)
        made = await w.admin.ask("POST", f"{w.core}/pods", body)
        return bool(made["spec"]["serviceAccountName"] == "holder")

    await w.admin.until(somebodys_pod_is_ours, "the policy to be in force")
    await w.runs_as_holder()
    for kind in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        await w.admin.ask("DELETE", f"{root}/{kind}/{w.run}")
