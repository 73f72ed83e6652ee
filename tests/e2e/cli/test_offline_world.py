"""Files are what the cluster makes of them: applied, then both are asked the same questions."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.cli.main import main
from responsibility.cli.sources import live
from responsibility.cli.sources.options import Where
from responsibility.kube.protocol import Client
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.seeds import SEED

_GROUP = "rbac.authorization.k8s.io"
_API = {"apiVersion": f"{_GROUP}/v1"}
_TO = f"{_GROUP}/aggregate-to-"
_EVERYBODY = "system:authenticated"
NAMESPACES = ("offline-a", "offline-b")
# Of the control plane, whose rights are in nobody's files.
PROGRAMS = ("system:kube-scheduler", "system:serviceaccount:kube-system:replicaset-controller")
Json = dict[str, Any]


def role(name: str, *rules: Json, labels: Json | None = None, parts: Any = None) -> Json:
    """Return a ClusterRole; with ``parts``, the selectors of an aggregate."""
    whole = {} if parts is None else {"aggregationRule": {"clusterRoleSelectors": parts}}
    metadata = {"name": name, "labels": labels or {}}
    return {**_API, "kind": "ClusterRole", "metadata": metadata, "rules": list(rules), **whole}


def rule(group: str, resources: str, verbs: str, **more: Any) -> Json:
    """Return a rule; resources and verbs in one text each."""
    return {
        "apiGroups": [group],
        "resources": resources.split(),
        "verbs": verbs.split(),
        **more,
    }


def bind(namespace: str, name: str, to: str, user: str = "") -> Json:
    """Return a binding of a ClusterRole, cluster-wide without a namespace."""
    subject = {"kind": "User", "apiGroup": _GROUP, "name": user or name}
    return {
        **_API,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": to},
        "subjects": [subject],
    }


def match(**labels: str) -> Json:
    """Return a selector."""
    return {"matchLabels": labels}


def policy_engine() -> list[Json]:
    """Like an admission engine's chart: a role of many parts, and additions to admin."""
    part = {"app.example.org/part-of": "engine", "rbac.example.org/to-engine": "true"}
    return [
        role("engine:controller", parts=[match(**{"rbac.example.org/to-engine": "true"})]),
        role("engine:controller:core", rule("", "configmaps secrets", "get list"), labels=part),
        role("engine:controller:extra", rule("apps", "deployments", "update"), labels=part),
        role(
            "engine:rbac:admin:policies",
            rule("engine.example.org", "policies", "create delete"),
            labels={f"{_TO}admin": "true"},
        ),
        role(
            "engine:rbac:view:policies",
            rule("engine.example.org", "policies", "get list"),
            labels={f"{_TO}view": "true"},
        ),
        bind("", "engine-user", "engine:controller"),
        bind(NAMESPACES[0], "engine-admin", "admin"),
        bind(NAMESPACES[0], "engine-viewer", "view"),
    ]


def serving() -> list[Json]:
    """Like a serving platform: aggregates by expressions, with rules of which some won't last."""
    key = "serving.example.org/controller"
    return [
        role(
            "serving-admin",
            rule("", "secrets", "delete"),
            parts=[{"matchExpressions": [{"key": key, "operator": "In", "values": ["true"]}]}],
        ),
        role("serving-alone", rule("", "secrets", "delete"), parts=[match(**{key: "none"})]),
        bind("", "serving-alone-user", "serving-alone"),
        role("serving-core", rule("", "pods configmaps", "*"), labels={key: "true"}),
        role(
            "serving-namespaced-admin",
            rule("serving.example.org", "*", "*"),
            labels={f"{_TO}admin": "true", key: "true"},
        ),
        role("serving-other", rule("", "secrets", "get"), labels={key: "false"}),
        bind("", "serving-user", "serving-admin"),
        bind(NAMESPACES[1], "serving-edit", "edit"),
    ]


def certificates() -> list[Json]:
    """Like a certificate manager: one role into several, and a reader for the whole cluster."""
    labels = {f"{_TO}{each}": "true" for each in ("view", "edit", "admin", "cluster-reader")}
    return [
        role("cert-view", rule("cert.example.org", "certificates", "get list"), labels=labels),
        role("cluster-reader", parts=[match(**{f"{_TO}cluster-reader": "true"})]),
        role("cluster-reader-more", parts=[match(**{f"{_TO}view": "true"})]),
        bind("", "reader", "cluster-reader"),
        bind("", "more-reader", "cluster-reader-more"),
        bind(NAMESPACES[0], "cert-editor", "edit"),
    ]


def monitoring() -> list[Json]:
    """Like a monitoring stack: URLs, names, and a job's rights that Helm takes back again."""
    hook = {"helm.sh/hook": "pre-install,post-upgrade", "helm.sh/hook-delete-policy": "all"}
    admission = role("stack-admission", rule("admission.example.org", "webhooks", "get update"))
    bound = of_account("", "stack-admission", "stack-admission", "stack-admission")
    for each in (admission, bound):
        each["metadata"]["annotations"] = hook
    return [
        role(
            "stack-scraper",
            rule("", "nodes nodes/metrics pods services", "get list watch"),
            {"nonResourceURLs": ["/metrics", "/metrics/cadvisor"], "verbs": ["get"]},
        ),
        role("stack-operator", rule("monitoring.example.org", "stacks stacks/status", "*")),
        admission,
        bound,
        of_account("", "stack-scraper", "stack-scraper", "scraper"),
        # As every server of an API of its own has it.
        of_account("", "stack-delegator", "system:auth-delegator", "delegator"),
        of_account("", "stack-operator", "stack-operator", "operator"),
    ]


def ingress() -> list[Json]:
    """Like an ingress controller: a Role for one lease by its name, beside a ClusterRole."""
    own = role(
        "lease", rule("coordination.k8s.io", "leases", "get update", resourceNames=["leader"])
    )
    own["kind"], own["metadata"]["namespace"] = "Role", NAMESPACES[0]
    bound = of_account(NAMESPACES[0], "lease", "lease", "ingress")
    bound["roleRef"]["kind"] = "Role"
    return [
        own,
        bound,
        role("ingress", rule("networking.k8s.io", "ingresses ingresses/status", "get update")),
        of_account("", "ingress", "ingress", "ingress"),
    ]


def gpus() -> list[Json]:
    """Like an operator for devices: rights to make roles, and one for an upgrade only."""
    upgrade = of_account("", "gpus-upgrade", "gpus-upgrade", "gpus-hook")
    upgrade["metadata"]["annotations"] = {"helm.sh/hook": "pre-upgrade"}
    return [
        role("gpus", rule("rbac.authorization.k8s.io", "clusterroles roles", "create bind *")),
        role("gpus-upgrade", rule("apiextensions.k8s.io", "customresourcedefinitions", "create")),
        upgrade,
        of_account("", "gpus", "gpus", "gpus"),
    ]


def hubs() -> list[Json]:
    """Like charts of hubs and what stands beside them: gateway, binder, scheduler, in a list."""
    scheduler = role(
        "user-scheduler",
        rule("", "pods pods/binding", "create delete get"),
        rule("coordination.k8s.io", "leases", "get update", resourceNames=["lock"]),
    )
    inside = []
    for name, resources in (("hub", "pods secrets"), ("binder", "pods pods/log")):
        one = role(name, rule("", resources, "get watch list create delete"))
        one["kind"], one["metadata"]["namespace"] = "Role", NAMESPACES[1]
        to = of_account(NAMESPACES[1], name, name, name)
        to["roleRef"]["kind"] = "Role"
        inside += [one, to]
    items = [{k: v for k, v in each.items() if k != "kind"} for each in inside[::2]]
    return [
        {**_API, "kind": "RoleList", "items": [{**each, "kind": "Role"} for each in items]},
        {"apiVersion": "v1", "kind": "List", "items": inside[1::2]},
        role("gateway", rule("gateway.example.org", "clusters clusters/status", "*")),
        of_account("", "gateway", "gateway", "controller"),
        scheduler,
        of_account("", "user-scheduler", "user-scheduler", "user-scheduler"),
    ]


def of_account(namespace: str, name: str, to: str, account: str) -> Json:
    """Return a binding for a ServiceAccount, as charts write them."""
    made = bind(namespace, name, to)
    where = {"namespace": namespace or NAMESPACES[1]}
    made["subjects"] = [{"kind": "ServiceAccount", "name": account, **where}]
    return made


def oddities() -> list[Json]:
    """Return what a server completes, drops or replaces."""
    bare = bind(NAMESPACES[0], "bare", "odd")
    del bare["roleRef"]["apiGroup"], bare["subjects"][0]["apiGroup"]
    account = bind(NAMESPACES[0], "of-account", "odd")
    account["subjects"] = [{"kind": "ServiceAccount", "name": "robot"}]
    stray, strayed = role("odd", rule("", "secrets", "get")), bind("", "odd-everywhere", "odd")
    for each in (stray, strayed):
        each["metadata"]["namespace"] = NAMESPACES[0]
    return [
        stray,
        strayed,
        bare,
        account,
        role("twice", rule("", "secrets", "delete"), labels={"odd": "first"}),
        bind(NAMESPACES[0], "twice", "twice", "twice-first"),
        role("of-twice", parts=[match(odd="first"), match(odd="second")]),
        bind(NAMESPACES[1], "of-twice", "of-twice"),
        role("twice", rule("", "secrets", "list"), labels={"odd": "second"}),
        bind(NAMESPACES[0], "twice", "twice", "twice-second"),
        {"apiVersion": "v1", "kind": "List", "items": [bind(NAMESPACES[0], "listed", "odd")]},
    ]


CHARTS = (policy_engine, serving, certificates, monitoring, ingress, gpus, hubs, oddities)


@dataclass
class Draw:
    """Roles and bindings at random; aggregates are made of those of lower levels."""

    random: random.Random
    users: list[str] = field(default_factory=list)

    def objects(self) -> Iterator[Json]:
        """Yield them; more than one aggregate in three takes rules from other aggregates."""
        for number in range(60):
            level = self.random.choice((0, 0, 1, 2))
            labels = {f"draw.example.org/level-{level}": self.random.choice("ab")}
            rules = [self._rule() for _ in range(self.random.randrange(3))]
            parts = [
                self._selector(level) for _ in range(self.random.choice((1, 1, 2)) if level else 0)
            ]
            name = f"draw-{number}"
            yield role(name, *rules, labels=labels, parts=parts if level else None)
            if self.random.random() < 0.6:
                self.users.append(f"user-{number}")
                where = self.random.choice(("", *NAMESPACES))
                yield bind(where, self.users[-1], name)

    def _rule(self) -> Json:
        names = {"resourceNames": ["a"]} if self.random.random() < 0.2 else {}
        group, resources = self.random.choice(
            (("", "secrets"), ("", "pods pods/exec"), ("apps", "deployments"), ("*", "*"))
        )
        verbs = self.random.choice(("get", "get list", "delete", "*"))
        return rule(group, resources, verbs, **names)

    def _selector(self, level: int) -> Json:
        key = f"draw.example.org/level-{self.random.randrange(level)}"
        return self.random.choice(
            (
                match(**{key: "a"}),
                {"matchExpressions": [{"key": key, "operator": "Exists"}]},
                {"matchExpressions": [{"key": key, "operator": "NotIn", "values": ["b"]}]}
                | match(**{key: "a"}),
                match(**{key: "none"}),
            )
        )


KUSTOMIZED = {
    "base/kustomization.yaml": {"resources": ["role.yaml", "binding.yaml"]},
    "base/role.yaml": role("built", rule("", "secrets", "get")),
    "base/binding.yaml": bind(NAMESPACES[0], "built-user", "built"),
    "overlay/kustomization.yaml": {
        "resources": ["../base"],
        "namespace": NAMESPACES[1],
        "nameSuffix": "-over",
    },
}


@pytest.fixture(scope="module")
def applied(demo: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Write a folder and apply it as people do; return it, and the users in it."""
    folder = tmp_path_factory.mktemp("gitops")
    draw = Draw(random.Random(SEED))
    plain = {
        "drawn": list(draw.objects()),
        **{make.__name__: make() for make in CHARTS},
    }
    for name, objects in plain.items():
        text = yaml.safe_dump_all(objects, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, content in KUSTOMIZED.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    generated = bind(NAMESPACES[0], "generated-", "odd", "generated-user")
    generated["metadata"]["generateName"] = generated["metadata"].pop("name")
    (folder / "generated.json").write_text(json.dumps(generated), encoding="utf-8")
    (folder / "values.yaml").write_text("a: {b: c}\n", encoding="utf-8")
    for namespace in NAMESPACES:
        demo.kubectl("create", "namespace", namespace)
    for name in sorted(plain):
        demo.kubectl("apply", "-f", str(folder / f"{name}.yaml"))
    demo.kubectl("apply", "-k", str(folder / "overlay"))
    demo.kubectl("create", "-f", str(folder / "generated.json"))
    users = [*draw.users, *_users(plain), "generated-user", "built-user", "nobody", *PROGRAMS]
    return folder, list(dict.fromkeys(users))


def _users(plain: dict[str, list[Json]]) -> Iterator[str]:
    for objects in plain.values():
        for each in objects:
            for subject in each.get("subjects", ()):
                account = subject["kind"] == "ServiceAccount"
                namespace = subject.get("namespace", NAMESPACES[0])
                name = subject["name"]
                yield f"system:serviceaccount:{namespace}:{name}" if account else name
    yield from (f"system:serviceaccount:{NAMESPACES[1]}:{name}" for name in ("hub", "binder"))
    yield "twice-first"


def _questions(users: list[str]) -> list[Json]:
    things = (
        *(("", "secrets", ""), ("", "pods", ""), ("", "pods", "exec"), ("apps", "deployments", "")),
        *(("", "configmaps", ""), ("engine.example.org", "policies", "")),
        *(("monitoring.example.org", "stacks", ""), ("coordination.k8s.io", "leases", "")),
        *(("gateway.example.org", "clusters", "status"), ("networking.k8s.io", "ingresses", "")),
        *((_GROUP, "clusterroles", ""), ("apiextensions.k8s.io", "customresourcedefinitions", "")),
        *(("cert.example.org", "certificates", ""), ("serving.example.org", "services", "")),
        ("authorization.k8s.io", "selfsubjectaccessreviews", ""),
        ("authentication.k8s.io", "tokenreviews", ""),
    )
    return [
        {
            "user": user,
            "groups": [_EVERYBODY],
            "resourceAttributes": {
                "verb": verb,
                "group": group,
                "resource": resource,
                "subresource": sub,
                "name": name,
                "namespace": namespace,
            },
        }
        for user in users
        for group, resource, sub in things
        for verb, name in (
            ("get", "a"),
            ("update", "lock"),
            ("list", ""),
            ("delete", "a"),
            ("create", ""),
        )
        for namespace in (*NAMESPACES, "")
    ] + [
        {
            "user": user,
            "groups": [_EVERYBODY],
            "nonResourceAttributes": {"verb": "get", "path": path},
        }
        for user in users
        for path in ("/metrics", "/metrics/cadvisor", "/metrics/slis", "/version")
    ]


def test_files_and_the_cluster_that_has_them_answer_alike(
    applied: tuple[Path, list[str]],
    kubeconfig: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, users = applied
    specs = _questions(users)
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps(specs), encoding="utf-8")

    def ours(*options: str) -> list[bool | None]:
        assert main(["can-i", "--requests", str(asked), *options]) == 0
        return [answer["allowed"] for answer in json.loads(capsys.readouterr().out)]

    offline = ours("-f", str(folder))

    def different() -> list[tuple[Json, bool | None, bool | None]]:
        """Compare with what we say of the live cluster, which is one request."""
        rows = zip(specs, offline, ours(), strict=True)
        return [(s, f, c) for s, f, c in rows if f is not None and f is not c]

    # The controller fills aggregates one after the other, and then again.
    wait_until(lambda: not different(), 60, "the aggregates to be filled as the files' are")

    sample = random.Random(SEED).sample(range(len(specs)), 1_500)

    async def ask(api: Client) -> list[bool]:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        reviews = [await api.create(path, {**body, "spec": specs[n]}) for n in sample]
        return [review["status"]["allowed"] for review in reviews]

    theirs = live.run(Where(kubeconfig=kubeconfig), ask)
    wrong = [
        (specs[n], offline[n], server)
        for n, server in zip(sample, theirs, strict=True)
        if offline[n] is not None and offline[n] is not server
    ]
    assert not wrong, f"SEED={SEED}"
    # What extends Kubernetes' own roles on this cluster, files can't know.
    unknown = {specs[n]["user"] for n in sample if offline[n] is None}
    of_default_roles = {"engine-admin", "engine-viewer", "serving-edit", "cert-editor"}
    assert unknown <= {*of_default_roles, "more-reader", "reader"}, f"SEED={SEED}"
    assert 60 < sum(theirs) < 1_400, f"SEED={SEED}"
