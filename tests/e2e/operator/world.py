"""A cluster with the chart's rights on it, seen and changed from outside of the operator."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from demo import organisation
from tests.e2e.admission.asking import Asker
from tests.e2e.lab import audit, identities
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.errors import NotSupported
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart, process
from tests.e2e.operator.api import OURS, RBAC, Admin, Manifest, where
from tests.e2e.operator.process import Operator

PREFIX = "responsibility.2i2c.org/"
# Seconds within which a change is to be seen everywhere, on a machine that is busy with more.
SOON = 30.0
# Seconds from one pass to the next, in which what is done beside comes to something.
_QUIET = 1.0
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass
class World:
    """One cluster for the tests of a module."""

    cluster: Cluster
    directory: Path
    admin: Admin = field(init=False)
    asker: Asker = field(init=False)
    objects: list[Manifest] = field(init=False, default_factory=list)
    _runs: Iterator[int] = field(init=False, default_factory=itertools.count)
    _beacons: Iterator[int] = field(init=False, default_factory=itertools.count)
    _began: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Connect as the administrator."""
        self.admin, self.asker = Admin(self.cluster), Asker(self.cluster)
        with suppress(NotSupported):
            # Others have had the cluster before, and it has written down what they did.
            self._began = self.mark()

    def install(self, *options: str, definitions: bool = True) -> None:
        """Install the chart, and say who the provider is."""
        self.objects = chart.install(self.admin, *options, definitions=definitions)
        if definitions:
            self.admin.apply(organisation.provider_subjects(), manager="organisation")

    def identity(self) -> Path:
        """Return a kubeconfig of the chart's own ServiceAccount, and of nobody else."""
        path = self.directory / f"operator-{next(self._runs)}.kubeconfig"
        return identities.service_account_kubeconfig(
            self.cluster, chart.NAMESPACE, chart.RELEASE, path
        )

    @contextmanager
    def operator(
        self,
        *,
        ready: bool = True,
        quiet: bool = True,
        kubeconfig: Path | None = None,
        settings: Mapping[str, str] = _NONE,
        program: str = process.PROGRAM,
    ) -> Iterator[Operator]:
        """Run an operator with the chart's identity; ``ready`` waits until it is.

        ``settings`` are named without their prefix; ``quiet`` is whether tracebacks in its log
        are a fault. ``program`` is another module to run in its place.
        """
        kubeconfig = kubeconfig or self.identity()
        log = self.directory / f"{kubeconfig.stem}.log"
        with process.running(
            kubeconfig, log, settings=settings, quiet=quiet, program=program
        ) as running:
            if ready:
                running.until_ready()
            yield running

    # --- what can be seen ---------------------------------------------------------------------

    def record(self, name: str) -> Manifest:
        """Return a record."""
        return self.admin.get(where(OURS, "Responsibility", name))

    def status(self, name: str) -> Manifest:
        """Return a record's status, empty before there is one."""
        status: Manifest = self.record(name).get("status") or {}
        return status

    def model_status(self, name: str = "2i2c") -> Manifest:
        """Return the status of a model."""
        model = self.admin.get(where(OURS, "ResponsibilityModel", name))
        status: Manifest = model.get("status") or {}
        return status

    def condition(self, name: str, type: str) -> tuple[str, str, str]:
        """Return a record's condition as status, reason and message; empty before there is one."""
        return condition(self.status(name), type)

    def causes(self, name: str, *, item: str = "", **fields: str) -> list[Manifest]:
        """Return what causes a record's findings, about an item where one is named."""
        found = self.status(name).get("causes") or []
        about = [cause for cause in found if not item or item in cause["items"]]
        return [cause for cause in about if fields.items() <= cause.items()]

    def items(self, name: str) -> dict[str, Manifest]:
        """Return what a record's status says of each item; none before the record was assessed.

        Of an item that is only agreed it says nothing.
        """
        status = self.status(name)
        agreed = {item: {"state": "recorded"} for item in owners(status)}
        return agreed | {item["name"]: item for item in status.get("items", ())}

    def annotations(self, namespace: str, deployment: str) -> dict[str, str]:
        """Return our annotations of a Deployment, without their prefix."""
        path = where("apps/v1", "Deployment", deployment, namespace)
        annotations = self.admin.get(path)["metadata"].get("annotations") or {}
        return {k.removeprefix(PREFIX): v for k, v in annotations.items() if k.startswith(PREFIX)}

    def events(self, record: str) -> list[Manifest]:
        """Return the Events about one of our objects, oldest first."""
        found = self.admin.items("/api/v1/namespaces/default/events")
        about = [e for e in found if e["involvedObject"].get("name") == record]
        return sorted(about, key=lambda e: int(e["metadata"]["resourceVersion"]))

    def mark(self) -> int:
        """Remember a position in the audit log."""
        return audit.mark(self.cluster.audit_log)

    def requests(self, since: int = 0) -> list[audit.Event]:
        """Return what the operator has asked of the API server since then, or in this world."""
        since = since or self._began
        return audit.events(self.cluster.audit_log, since=since, user=chart.ACCOUNT)

    def writes(self, since: int = 0) -> list[str]:
        """Return what the operator has written since then; asking is not writing."""
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in self.requests(since)
            if audit.is_write(event) and event["objectRef"]["resource"] not in _HARMLESS
        ]

    def own_account_may(
        self, verb: str, resource: str, *, group: str, namespace: str = "default", name: str = ""
    ) -> bool:
        """Return whether the API server lets the operator's account do something.

        It hears of a change of a role or a binding a moment after that was written.
        """
        asked = {"verb": verb, "group": group, "resource": resource}
        asked |= {"namespace": namespace, "name": name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": chart.ACCOUNT, "resourceAttributes": asked},
        }
        path = where("authorization.k8s.io/v1", "SubjectAccessReview")
        return bool(self.admin.create(path, review)["status"]["allowed"])

    # --- what can be waited for ---------------------------------------------------------------

    def until(
        self,
        predicate: Callable[[], object],
        what: str | Callable[[], str],
        seconds: float = SOON,
        *,
        stretched: bool = True,
    ) -> None:
        """Wait for something to be true."""
        wait_until(predicate, seconds, what, stretched=stretched)

    def until_condition(
        self, name: str, type: str, status: str, reason: str = "", seconds: float = SOON
    ) -> str:
        """Wait for a condition of a record as it is written now; return its message.

        What was told of it as it was before may be the same, and is no answer.
        """
        message = ""

        def reached() -> bool:
            nonlocal message
            found = self.record(name)
            told = found.get("status") or {}
            now = condition(told, type)
            message = now[2]
            known = told.get("observedGeneration") == found["metadata"]["generation"]
            return known and now[0] == status and reason in ("", now[1])

        wait_until(
            reached,
            seconds,
            lambda: f"{type}={status} {reason} of {name}; it is {self.condition(name, type)}",
        )
        return message

    def until_at_rest(self, operator: Operator, seconds: float = 180.0) -> None:
        """Wait until the operator has nothing left to write.

        That it writes nothing for a while proves little on a machine where it may just not get to
        it. So it is shown changes that matter to nobody, one after the other: it takes in each, and
        is done with all that it knew before, and still has written nothing.
        """

        def rests() -> bool:
            before = self._written(operator)
            for _ in range(3):
                self.another_pass(operator)
            scraped = operator.metrics()
            return scraped.total("writes_total") == before and scraped.value("plans_pending") == 0

        wait_until(rests, seconds, "the operator to come to rest")

    def another_pass(self, operator: Operator, kind: str = "Role") -> None:
        """Have the operator look at everything, and publish that; it takes a second at least.

        By then it has seen what was written to objects of the same kind before.
        """
        passes, began = _passes(operator), time.monotonic()
        names = {"resourceNames": [f"beacon-{next(self._beacons)}"]}
        role = organisation.cluster_role("beacon", organisation.rule("", ["pods"], ["get"]) | names)
        place = {"namespace": "default"} if kind == "Role" else {}
        role |= {"kind": kind, "metadata": {"name": "beacon", **place}}
        self.admin.apply(role)
        wait_until(lambda: _passes(operator) > passes, SOON, "another pass of the operator")
        wait_until(lambda: time.monotonic() - began > _QUIET, SOON, "a while to pass")

    @staticmethod
    def _written(operator: Operator) -> float:
        return operator.metrics().total("writes_total")


def _passes(operator: Operator) -> float:
    """Return how many passes that took in a change have been published."""
    return operator.metrics().value("detection_seconds_count")


# Reviews are questions that are POSTed, and a Lease is renewed for as long as somebody leads.
_HARMLESS = frozenset(
    {"subjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectreviews", "leases"}
)


def condition(status: Manifest, type: str) -> tuple[str, str, str]:
    """Return a condition as status, reason and message; empty where there is none."""
    for found in status.get("conditions") or ():
        if found["type"] == type:
            return found["status"], found["reason"], found["message"]
    return "", "", ""


def owners(status: Manifest) -> dict[str, str]:
    """Return the party that owns each item, by a record's status, in the order of parties."""
    told: dict[str, str] = status.get("owners", {})
    return {item: party for party, items in told.items() for item in items.split(", ")}


def hub(
    namespace: str,
    release: str = "",
    *,
    name: str = "hub",
    labels: dict[str, str] | None = None,
    component: str = "hub",
) -> list[Manifest]:
    """Return the least that is a hub: a namespace and a Deployment without replicas."""
    release = release or namespace
    labels = labels or {
        "app": "jupyterhub",
        "component": component,
        "release": release,
        "chart": "jupyterhub-4.4.0",
    }
    pod = {"app": f"{release}-{name}"}
    container = {"name": "hub", "image": "registry.k8s.io/pause:3.10.2"}
    return [
        organisation.namespace(namespace),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": pod},
                "template": {"metadata": {"labels": pod}, "spec": {"containers": [container]}},
            },
        },
    ]


def record(name: str, namespace: str = "", release: str = "", **spec: Any) -> Manifest:
    """Return a record of a hub in the namespace of its own name, or in another."""
    where_ = {"namespace": namespace or name, **({"release": release} if release else {})}
    return {
        "apiVersion": OURS,
        "kind": "Responsibility",
        "metadata": {"name": name},
        "spec": {"hub": where_, "model": "2i2c", **spec},
    }


def role_binding(namespace: str, name: str, role: str, *users: str) -> Manifest:
    """Return a RoleBinding of users to a ClusterRole."""
    subjects = [{"kind": "User", "name": user} for user in users]
    return organisation.binding(namespace, name, role, *subjects)


def record_path(name: str) -> str:
    """Return where a record is."""
    return where(OURS, "Responsibility", name)


def namespace_path(name: str) -> str:
    """Return where a namespace is."""
    return where("v1", "Namespace", name)


def binding_path(namespace: str, name: str) -> str:
    """Return where a RoleBinding is."""
    return where(RBAC, "RoleBinding", name, namespace)
