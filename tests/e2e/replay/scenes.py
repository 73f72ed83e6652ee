"""Requests by people of every role: drawn at random, or chosen since they were hard elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.e2e.admission import hubs
from tests.e2e.admission.asking import APPLY, MERGE, STRATEGIC, Answer, Asker, Person
from tests.e2e.lab.waiting import wait_until
from tests.e2e.replay import world

Manifest = dict[str, Any]
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Step:
    """One request."""

    who: Person | None
    method: str
    path: str
    body: Any = None
    type: str = ""
    dry: bool = False


def people(namespace: str) -> list[Person | None]:
    """Return everybody there is: owners, delegates, strangers, and the cluster's own."""
    account = f"system:serviceaccount:{namespace}:"
    return [
        *(hubs.owner(number) for number in world.OWNED),
        *(world.DATED, world.LATE, world.BOUNDED, world.GUEST, world.STRANGER),
        *(hubs.EVE, hubs.MASTER, None),
        Person(f"{account}{world.PREFIXES[namespace]}hub"),
        Person(f"{account}user-scheduler"),
        Person("system:serviceaccount:kube-system:deployment-controller"),
        Person("system:kube-controller-manager"),
    ]


class Drawn:
    """Steps drawn from a seed."""

    def __init__(self, asker: Asker, seed: int) -> None:
        self._asker = asker
        self._random = random.Random(seed)

    def steps(self, number: int) -> Iterator[Step]:
        """Yield so many steps; objects that were deleted are made again."""
        kinds: list[Callable[[str], Step | None]] = [
            *[self._workload] * 8,
            *[self._put] * 3,
            *[self._scale] * 3,
            *[self._object] * 5,
            *[self._create] * 3,
            *[self._delete] * 2,
            self._pod,
            self._namespace,
            self._cluster,
            self._secret,
        ]
        while number > 0:
            found = self._random.choice(kinds)(self._random.choice(world.HUBS))
            if found is not None:
                number -= 1
                yield found

    def _who(self, namespace: str) -> Person | None:
        return self._random.choice(people(namespace))

    def _step(
        self, namespace: str, method: str, path: str, body: Any = None, type: str = ""
    ) -> Step:
        dry = self._random.random() < 0.05
        return Step(self._who(namespace), method, path, body, type, dry)

    def _deployment(self, namespace: str) -> str:
        prefix = world.PREFIXES[namespace]
        name = self._random.choice((f"{prefix}hub", f"{prefix}proxy", "other"))
        return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"

    def _change(self) -> Manifest:
        draw = self._random
        number = draw.randrange(6)
        container: Manifest = {"name": "main"}
        spec: Manifest = {}
        changes: list[Callable[[], object]] = [
            lambda: spec.update(replicas=number),
            lambda: container.update(
                resources={"limits": {"memory": draw.choice(["256Mi", "1Gi", "1024Mi", "8Gi"])}}
            ),
            lambda: container.update(image=f"hub:{number}"),
            lambda: container.update(env=[{"name": "A", "value": str(number)}]),
            lambda: (
                spec.setdefault("template", {})
                .setdefault("metadata", {})
                .update(
                    annotations={
                        "kubectl.kubernetes.io/restartedAt": f"203{number}-01-01T00:00:00Z"
                    }
                )
            ),
            lambda: (
                spec.setdefault("template", {})
                .setdefault("spec", {})
                .update(volumes=[{"name": f"v{number}", "emptyDir": {}}])
            ),
            lambda: spec.update(minReadySeconds=number),
            lambda: (
                spec.setdefault("template", {})
                .setdefault("spec", {})
                .update(initContainers=[{"name": "first", "image": f"hub:{number}"}])
            ),
        ]
        for change in draw.sample(changes, draw.choice((1, 1, 1, 2))):
            change()
        if len(container) > 1:
            spec.setdefault("template", {}).setdefault("spec", {})["containers"] = [container]
        found: Manifest = {"spec": spec} if spec else {}
        if draw.random() < 0.15 or not found:
            found["metadata"] = {"annotations": {"note": str(number)}}
        return found

    def _workload(self, namespace: str) -> Step | None:
        path, body = self._deployment(namespace), self._change()
        kind = self._random.choice((STRATEGIC, STRATEGIC, APPLY, JSON_PATCH, MERGE))
        if kind == APPLY:
            if "containers" in str(body):
                return None
            name = path.rpartition("/")[2]
            body |= {"apiVersion": "apps/v1", "kind": "Deployment"}
            body["metadata"] = {**body.get("metadata", {}), "name": name}
            path += f"?fieldManager=m{self._random.randrange(3)}&force=true"
        elif kind == JSON_PATCH:
            number = self._random.randrange(5)
            operations: list[Manifest] = [
                {"op": "replace", "path": "/spec/replicas", "value": number},
                {"op": "add", "path": "/metadata/labels/e2e", "value": str(number)},
                {
                    "op": "replace",
                    "path": "/spec/template/spec/containers/0/image",
                    "value": f"hub:{number}",
                },
            ]
            return self._step(namespace, "PATCH", path, [self._random.choice(operations)], kind)
        elif kind == MERGE and "containers" in str(body).casefold():
            return None
        return self._step(namespace, "PATCH", path, body, kind)

    def _put(self, namespace: str) -> Step | None:
        path = self._deployment(namespace)
        found = self._asker.ask(None, "GET", path, dry=False)
        if found.code != 200:
            return None
        body = found.body
        spec = body["spec"]
        for _ in range(self._random.choice((0, 1, 1, 2))):
            which = self._random.randrange(4)
            if which == 0:
                spec["replicas"] = self._random.randrange(5)
            elif which == 1:
                containers = spec["template"]["spec"]["containers"]
                containers.reverse()
            elif which == 2:
                spec["template"]["spec"]["containers"][0]["image"] = "put:1"
            else:
                body["metadata"].setdefault("labels", {})["put"] = str(self._random.random())[2:6]
        return self._step(namespace, "PUT", path, body)

    def _scale(self, namespace: str) -> Step:
        body = {"spec": {"replicas": self._random.randrange(5)}}
        prefix = world.PREFIXES[namespace]
        sets = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{prefix}user-placeholder"
        path = self._random.choice((self._deployment(namespace), sets))
        return self._step(namespace, "PATCH", f"{path}/scale", body, MERGE)

    def _object(self, namespace: str) -> Step:
        number = self._random.randrange(5)
        core, prefix = f"/api/v1/namespaces/{namespace}", world.PREFIXES[namespace]
        label = {"metadata": {"labels": {"e2e": str(number)}}}
        options: list[tuple[str, Manifest]] = [
            (f"{core}/resourcequotas/quota", {"spec": {"hard": {"limits.memory": f"{number}Gi"}}}),
            (f"{core}/resourcequotas/quota", label),
            (
                f"{core}/limitranges/limits",
                {"spec": {"limits": [{"type": "Container", "max": {"memory": f"{number + 1}Gi"}}]}},
            ),
            (f"{core}/configmaps/config", {"data": {"a": str(number)}}),
            (f"{core}/services/{prefix}hub", label),
            (
                f"{core}/serviceaccounts/user-sa",
                {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": str(number)}}},
            ),
            (f"{core}/serviceaccounts/user-sa", label),
            (f"{core}/persistentvolumeclaims/{prefix}hub-db-dir", label),
            (
                f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/open",
                {"spec": {"policyTypes": [["Ingress"], ["Egress"]][number % 2]}},
            ),
            (
                f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/budget",
                {"spec": {"maxUnavailable": number}},
            ),
            (f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/role", label),
            (
                f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{prefix}continuous-image-puller",
                label,
            ),
        ]
        path, body = self._random.choice(options)
        return self._step(namespace, "PATCH", path, body, MERGE)

    def _secret(self, namespace: str) -> Step:
        name = self._random.choice((f"{world.PREFIXES[namespace]}hub", "other"))
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        body = {"stringData": {"values.yaml": f"secret-{self._random.randrange(3)}"}}
        return self._step(namespace, "PATCH", path, body, MERGE)

    def _create(self, namespace: str) -> Step:
        objects = [o for o in hubs.objects(namespace, world.PREFIXES[namespace]) if _plain(o)]
        chosen = self._random.choice(objects)
        path = _collection(chosen, namespace)
        if self._random.random() < 0.3:
            meta = {"generateName": "made-"}
        else:
            meta = {"name": self._random.choice((chosen["metadata"]["name"], "made"))}
        body = {**chosen, "metadata": meta}
        if "name" in meta and self._random.random() < 0.3:
            query = "?fieldManager=creator&force=true"
            return self._step(namespace, "PATCH", f"{path}/{meta['name']}{query}", body, APPLY)
        return self._step(namespace, "POST", path, body)

    def _delete(self, namespace: str) -> Step:
        objects = [o for o in hubs.objects(namespace, world.PREFIXES[namespace]) if _plain(o)]
        chosen = self._random.choice(objects)
        path = _collection(chosen, namespace)
        if self._random.random() < 0.15:
            return self._step(namespace, "DELETE", f"{path}?labelSelector=e2e")
        name = self._random.choice((chosen["metadata"]["name"], "made"))
        body = {"dryRun": ["All"]} if self._random.random() < 0.2 else None
        return self._step(namespace, "DELETE", f"{path}/{name}", body)

    def _pod(self, namespace: str) -> Step:
        core = f"/api/v1/namespaces/{namespace}/pods"
        name = "jupyter-ann"
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
        }
        options: list[tuple[str, str, Any]] = [
            ("POST", core, hubs.pod(name)),
            ("DELETE", f"{core}/{name}", None),
            ("POST", f"{core}/{name}/eviction", eviction),
            ("POST", f"{core}/{name}/exec?command=ls&stdout=true", None),
            ("GET", f"{core}/{name}/exec?command=ls&stdout=true", None),
            ("POST", f"{core}/{name}/portforward", None),
        ]
        method, path, body = self._random.choice(options)
        return self._step(namespace, method, path, body)

    def _namespace(self, namespace: str) -> Step:
        body = {"metadata": {"labels": {"e2e": str(self._random.randrange(3))}}}
        return self._step(namespace, "PATCH", f"/api/v1/namespaces/{namespace}", body, MERGE)

    def _cluster(self, namespace: str) -> Step:
        label = {"metadata": {"labels": {"e2e": str(self._random.randrange(3))}}}
        path = self._random.choice(
            (
                "/apis/storage.k8s.io/v1/storageclasses/e2e-growing",
                "/api/v1/namespaces/default",
                f"/api/v1/persistentvolumes/volume-{namespace}",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/view",
            )
        )
        return self._step(namespace, "PATCH", path, label, MERGE)


def send(asker: Asker, step: Step) -> Answer:
    """Send a request, once the API server's cache knows of the one before.

    It tries a change on the object in its cache first, and again on the stored one if that was
    newer. Policies are asked both times, and what is noted in the audit log is what they said
    first.
    """
    path = step.path.partition("?")[0].removesuffix("/scale")
    if step.method in ("PATCH", "PUT"):
        wait_until(lambda: _is_current(asker, path), 30, f"the cache to know {path}")
    return asker.ask(step.who, step.method, step.path, step.body, type=step.type, dry=step.dry)


def _is_current(asker: Asker, path: str) -> bool:
    revisions = [
        (asker.ask(None, "GET", f"{path}{query}", dry=False).body.get("metadata") or {}).get(
            "resourceVersion"
        )
        for query in ("?resourceVersion=0", "")
    ]
    return revisions[0] == revisions[1]


def _plain(manifest: Manifest) -> bool:
    return manifest["kind"] not in ("PersistentVolume", "PersistentVolumeClaim")


_PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


def _collection(manifest: Manifest, namespace: str) -> str:
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = "/apis" if "/" in version else "/api"
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    return f"{root}/{version}/namespaces/{namespace}/{plural}"
