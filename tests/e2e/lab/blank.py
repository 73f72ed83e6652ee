"""A cluster's blank state: what is on it before any test, and the way back to it.

A control plane takes seconds to start and half a processor at rest, so tests that need one to
themselves for a while take turns on one. What makes that safe is that nothing is trusted: each
kind that the API server serves is listed, whatever was not there at first is deleted, and what was
there at first has to be what it was. A cluster for which that fails is good for nothing more.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import urllib3

from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.connection import administrator
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.waiting import wait_until

Json = dict[str, Any]

_TOGETHER = 8
_PATIENCE = 60.0
_AT_ONCE = json.dumps({"propagationPolicy": "Background", "gracePeriodSeconds": 0}).encode()
_PUT_RIGHT = 5.0
_OK = 200
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
# What controllers write again and again: there is nothing in it that a test could leave behind.
_RESTLESS = frozenset({"leases", "endpoints", "endpointslices", "events", "ipaddresses", "pods"})
# Written by the API server, or again when an object is written again as it was.
_BOOKKEEPING = frozenset(
    {"resourceVersion", "managedFields", "generation", "uid", "creationTimestamp"}
)
# Who refuses goes first, then those who would make things again; what holds others goes last.
_ORDER = (
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "validatingadmissionpolicies",
    "apiservices",
    "responsibilities",
    "responsibilitymodels",
    "customresourcedefinitions",
    "namespaces",
)


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """One resource that the API server serves, by its plural, and the path of its version."""

    root: str
    plural: str
    namespaced: bool = field(compare=False)


# By kind and namespace/name: a digest of what somebody may have written.
State = Mapping[tuple[Kind, str], str]


class Blank:
    """What is on a cluster now, and the way back to that."""

    def __init__(self, cluster: Cluster) -> None:
        connection = administrator(cluster)
        self._host, self._http = connection.host, connection.pool(_TOGETHER)
        self._before = _digests(self._listed())

    def restore(self, seconds: float = _PATIENCE) -> None:
        """Delete all that has come since, and see that the rest is as it was.

        Raises:
            LabError: something can't be deleted, or is gone or changed that was there at first.
        """
        left: list[str] = []
        changed: list[str] = []
        gone = math.inf

        def blank() -> bool:
            nonlocal gone
            found = list(self._listed())
            extra = [each for each in found if not self._is_of_before(*each)]
            left[:] = sorted(f"{kind.plural} {_name(item)}" for kind, item in extra)
            changed[:] = self._changed(found)
            self._delete(extra)
            if extra:
                gone = math.inf
                return False
            # What was there at first may still be put right, by who has made it.
            gone = min(gone, time.monotonic())
            return not changed or time.monotonic() > gone + _PUT_RIGHT

        # What can't be made blank is no fault: who asked starts another one, in a few seconds.
        wait_until(
            blank, seconds, lambda: f"{_some(left)} to be gone", interval=0.1, stretched=False
        )
        if changed:
            raise LabError(f"{_some(changed)}: gone, or not as it was")

    def _is_of_before(self, kind: Kind, item: Json) -> bool:
        """Whether it was there at first, or is what the cluster's own controllers make again.

        That is whatever is owned by something that was there, such as a Deployment's pods, and
        what is told of the cluster's own parts.
        """
        meta = item["metadata"]
        namespace = meta.get("namespace", "")
        if kind.plural == "events" and namespace.startswith("kube-"):
            return True
        owners = {
            "/".join(filter(None, (namespace, owner["name"])))
            for owner in meta.get("ownerReferences") or ()
            if owner.get("controller")
        }
        there = {name for _, name in self._before} if owners else set()
        return _key(kind, item) in self._before or bool(owners & there)

    def _changed(self, found: Iterable[tuple[Kind, Json]]) -> list[str]:
        now = _digests(found)
        return sorted(
            f"{kind.plural} {name}"
            for (kind, name), digest in self._before.items()
            if now.get((kind, name)) != digest and kind.plural not in _RESTLESS
        )

    def _delete(self, extra: list[tuple[Kind, Json]]) -> None:
        """Ask for all of it, in order; a namespace is let go once nothing is in it.

        Its controller would see to that, but it waits five seconds before it looks.
        """
        ranks = {plural: rank for rank, plural in enumerate(_ORDER)}
        inhabited = {item["metadata"].get("namespace") for _, item in extra}
        groups: dict[int, list[tuple[str, str, bytes]]] = {}
        for kind, item in extra:
            meta = item["metadata"]
            path = self._path(kind, meta)
            if "deletionTimestamp" not in meta:
                request = ("DELETE", path, _AT_ONCE)
            elif kind.plural == "namespaces" and meta["name"] not in inhabited:
                empty = {"metadata": {"name": meta["name"]}, "spec": {"finalizers": []}}
                request = ("PUT", f"{path}/finalize", json.dumps(empty).encode())
            else:
                continue
            groups.setdefault(ranks.get(kind.plural, len(ranks)), []).append(request)
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for _, requests in sorted(groups.items()):
                # A refusal is no end: who refused is gone when this is tried again.
                list(pool.map(lambda request: self._send(*request), requests))

    def _path(self, kind: Kind, meta: Json) -> str:
        scope = f"/namespaces/{meta['namespace']}" if kind.namespaced else ""
        return f"{kind.root}{scope}/{kind.plural}/{quote(meta['name'])}"

    def _listed(self) -> Iterator[tuple[Kind, Json]]:
        kinds = sorted(set(self._kinds()))
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for kind, answer in zip(kinds, pool.map(self._list, kinds), strict=True):
                for item in answer:
                    yield kind, item

    def _list(self, kind: Kind) -> list[Json]:
        status, answer = self._send("GET", f"{kind.root}/{kind.plural}")
        # A kind whose definition has just been deleted is served no more.
        items: list[Json] = (answer.get("items") or []) if status == _OK else []
        return items

    def _kinds(self) -> Iterator[Kind]:
        """Yield what can be listed and deleted, each in the version that is preferred."""
        for root in ("/api", "/apis"):
            _, answer = self._send("GET", root)
            for group in answer["items"]:
                name = group["metadata"].get("name", "")
                version: Json = next(iter(group["versions"]), {})
                path = "/".join(filter(None, (root, name, version.get("version"))))
                for resource in version.get("resources") or ():
                    if {"list", "delete"} <= set(resource["verbs"]):
                        yield Kind(path, resource["resource"], resource["scope"] == "Namespaced")

    def _send(self, verb: str, path: str, body: bytes | None = None) -> tuple[int, Json]:
        headers = {"Accept": _DISCOVERY if path in {"/api", "/apis"} else "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._http.request(verb, self._host + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise LabError(f"{verb} {path} was not answered: {error}") from error
        # What refuses may be no JSON: "404 page not found", where a kind has just gone.
        return answer.status, json.loads(answer.data) if answer.status == _OK else {}


def _some(names: list[str]) -> str:
    return ", ".join(names[:10])


def _name(item: Json) -> str:
    meta = item["metadata"]
    return "/".join(filter(None, (meta.get("namespace"), meta["name"])))


def _key(kind: Kind, item: Json) -> tuple[Kind, str]:
    return kind, _name(item)


def _digests(found: Iterable[tuple[Kind, Json]]) -> State:
    return {
        _key(kind, item): _digest(kind, item) for kind, item in found if kind.plural != "events"
    }


def _digest(kind: Kind, item: Json) -> str:
    """Sum up what somebody wrote: not the status, nor when it was written."""
    if kind.plural == "nodes":
        # Controllers note in the rest of it what they find out, some time after it has come.
        return str(item["spec"].get("unschedulable"))
    meta = {k: v for k, v in item["metadata"].items() if k not in _BOOKKEEPING}
    written = {k: v for k, v in item.items() if k not in {"metadata", "status"}}
    text = json.dumps([meta, written], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
