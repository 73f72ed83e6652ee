"""A very small API server: it fills in defaults and keeps who wrote which field, as a real one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Json = dict[str, Any]
DEPLOYED = "2026-03-01T10:00:00Z"
LATER = "2026-03-02T09:30:00Z"

# Lists whose entries have keys: of `k8s.io/api`, not of what is tested.
_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "protocol"),
}


def labelled(kind: str, name: str, spec: Json, *, api: str = "apps/v1") -> Json:
    """Return an object as a chart has it."""
    metadata = {"name": name, "labels": {"app": "jupyterhub", "component": name}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def deployment() -> Json:
    """Return a Deployment with most of what charts write, oddly written."""
    container = {
        "name": "hub",
        "image": "quay.io/jupyterhub/k8s-hub:4.3.3",
        "args": ["jupyterhub", "--config", "/usr/local/etc/jupyterhub/jupyterhub_config.py"],
        "env": [
            {"name": "PYTHONUNBUFFERED", "value": "0"},
            {"name": "PYTHONUNBUFFERED", "value": "1"},
            {"name": "EMPTY", "value": ""},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "key"}}},
        ],
        "resources": {
            "requests": {"cpu": 0.05, "memory": "1024Mi"},
            "limits": {"memory": "2000M", "pods": 2},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "runAsUser": 1000},
        "ports": [{"name": "http", "containerPort": 8081}],
        "volumeMounts": [{"mountPath": "/etc/hub", "name": "config", "readOnly": False}],
        "livenessProbe": {"initialDelaySeconds": 0, "httpGet": {"path": "/x", "port": "http"}},
        "lifecycle": None,
    }
    pod = {
        "serviceAccountName": "hub",
        "hostNetwork": False,
        "tolerations": [{"key": "hub", "operator": "Equal", "value": "core"}, {"key": "b"}],
        "nodeSelector": {},
        "volumes": [
            {"name": "config", "configMap": {"name": "hub"}},
            {"name": "scratch", "emptyDir": {}},
        ],
        "initContainers": [],
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": "jupyterhub"}, "annotations": {"sum": "a1"}}}
    return labelled(
        "Deployment",
        "hub",
        {
            "replicas": 1,
            "strategy": {"type": "Recreate", "rollingUpdate": None},
            "selector": {"matchLabels": {"app": "jupyterhub"}},
            "template": {**template, "spec": pod},
        },
    )


def policy() -> Json:
    """Return a NetworkPolicy, whose lists are taken as wholes."""
    spec = {
        "podSelector": {"matchLabels": {"app": "jupyterhub"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": "http"}], "from": [{"podSelector": {}}]}],
        "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}],
    }
    return labelled("NetworkPolicy", "hub", spec, api="networking.k8s.io/v1")


def service() -> Json:
    """Return a Service."""
    ports = [{"name": "hub", "port": 8081, "targetPort": "http", "nodePort": None}]
    return labelled(
        "Service", "hub", {"type": "ClusterIP", "clusterIP": "", "ports": ports}, api="v1"
    )


def secret(**data: str) -> Json:
    """Return a Secret; its values are in base64."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hub"}, "data": data}


def stored(
    manifest: Json, *, manager: str = "helm", at: str = DEPLOYED, apply: bool = False
) -> Json:
    """Return an object as the API server has it once Helm has written it.

    With ``apply``, defaults are nobody's; else they are of whoever wrote the object.
    """
    found: Json = _without_null(copy.deepcopy(manifest))
    for change in _ODDITIES:
        change(found)
    helms = copy.deepcopy(found)
    annotations = helms["metadata"].setdefault("annotations", {})
    annotations["meta.helm.sh/release-name"] = "prod"
    _default(found)
    found["metadata"]["annotations"] = {
        **(found["metadata"].get("annotations") or {}),
        **annotations,
    }
    owned = helms if apply else found
    entry = _entry(manager, at, "Apply" if apply else "Update", _fields(owned))
    found["metadata"] |= {"uid": "u", "resourceVersion": "7", "managedFields": [entry]}
    if "status" not in found:
        found["status"] = {"observedGeneration": 1}
        status = _entry("kube-controller-manager", LATER, "Update", {"f:status": {}})
        found["metadata"]["managedFields"].append({**status, "subresource": "status"})
    return found


def edited(
    found: Json, place: Sequence[str | int], value: Any, manager: str = "kubectl-edit"
) -> Json:
    """Return an object after somebody has set a field; ``...`` takes it away."""
    found = copy.deepcopy(found)
    before = copy.deepcopy(found)
    here: Any = found
    for step in place[:-1]:
        here = here[step] if isinstance(step, int) else here.setdefault(step, {})
    last = place[-1]
    if value is ...:
        del here[last]
    elif isinstance(here, list) and last == len(here):
        here.append(value)
    else:
        here[last] = value
    _written(before, found, manager)
    return found


def _written(before: Json, found: Json, manager: str) -> None:
    """Keep who has written what is other than before: taken from all who had it."""
    managed = found["metadata"]["managedFields"]
    # As the real one: who has only taken something away has no entry.
    changed = _minus(_fields(found), before, found)
    for entry in managed:
        entry["fieldsV1"] = _there(_without(entry["fieldsV1"], changed), found)
    if changed:
        managed.append(_entry(manager, LATER, "Update", changed))


def _entry(manager: str, at: str, operation: str, fields: Json) -> Json:
    return {"manager": manager, "operation": operation, "time": at, "fieldsV1": fields}


def _fields(value: Json, *, top: bool = True) -> Json:
    found: Json = {}
    for key, below in value.items():
        if top and key in ("apiVersion", "kind", "status"):
            continue
        if key in ("managedFields", "name", "uid", "resourceVersion") and "managedFields" in value:
            continue
        found[f"f:{key}"] = _of(key, below)
    return found


def _of(key: str, value: Any) -> Json:
    if isinstance(value, dict) and value:
        return {".": {}, **_fields(value, top=False)}
    if isinstance(value, list) and all(_has_keys(key, e) for e in value):
        entries = {_name(key, e): {".": {}, **_fields(e, top=False)} for e in value}
        return {".": {}, **entries}
    return {}


def _has_keys(key: str, entry: Any) -> bool:
    return key in _KEYS and isinstance(entry, dict) and _KEYS[key][0] in entry


def _name(key: str, entry: Json) -> str:
    return "k:" + json.dumps({k: entry[k] for k in _KEYS[key] if k in entry}, sort_keys=True)


def _minus(fields: Json, before: Any, after: Any) -> Json:
    """Return of an object's fields those whose values are others than before."""
    found: Json = {}
    for name, below in fields.items():
        if name == ".":
            continue
        old, new = _at(before, name), _at(after, name)
        if old == new:
            continue
        rest = _minus(below, old, new) if below and old is not None else below
        if rest or not below:
            found[name] = rest
    return found


def _at(value: Any, name: str) -> Any:
    if name.startswith("f:"):
        return value.get(name[2:]) if isinstance(value, dict) else None
    keys = json.loads(name[2:])
    entries: Sequence[Json] = value if isinstance(value, list) else []
    return next((e for e in reversed(entries) if keys.items() <= e.items()), None)


def _without(fields: Json, taken: Json) -> Json:
    return {
        name: _without(below, taken[name]) if name in taken and below else below
        for name, below in fields.items()
        if name not in taken or (below and taken[name])
    }


def _there(fields: Json, found: Any) -> Json:
    """Return the fields that an object still has."""
    return {
        name: _there(below, _at(found, name)) if name != "." else below
        for name, below in fields.items()
        if name in (".", "f:status") or _at(found, name) is not None
    }


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_null(v) for k, v in value.items() if v is not None}
    return [_without_null(e) for e in value] if isinstance(value, list) else value


def _walk(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for below in list(value.values()):
            yield from _walk(below)
    elif isinstance(value, list):
        for below in value:
            yield from _walk(below)


def _drop_empty(found: Json) -> None:
    for each in _walk(found):
        for key in ("hostNetwork", "readOnly", "initialDelaySeconds", "initContainers"):
            if key in each and not each[key]:
                del each[key]
        for key in ("nodeSelector", "value", "clusterIP"):
            if key in each and each[key] in ("", {}):
                del each[key]


def _quantities(found: Json) -> None:
    known = {0.05: "50m", "1024Mi": "1Gi", "2000M": "2G"}
    for each in _walk(found):
        for key in ("requests", "limits"):
            if isinstance(each.get(key), dict):
                each[key] = {k: known.get(v, v) for k, v in each[key].items()}


_ODDITIES: tuple[Callable[[Json], None], ...] = (_drop_empty, _quantities)


def _default(found: Json) -> None:
    """Fill in what the API server does."""
    for each in _walk(found.get("spec")):
        if "containerPort" in each or "port" in each:
            each.setdefault("protocol", "TCP")
        if "image" in each:
            each |= {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/x"}
        if "httpGet" in each:
            each |= {"periodSeconds": 10}
            each["httpGet"].setdefault("scheme", "HTTP")
        if "configMap" in each:
            each["configMap"].setdefault("defaultMode", 420)
    if found["kind"] == "Deployment":
        found["spec"]["progressDeadlineSeconds"] = 600
        found["spec"]["template"]["spec"] |= {"dnsPolicy": "ClusterFirst", "securityContext": {}}
    if found["kind"] == "Service":
        found["spec"] |= {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"]}
