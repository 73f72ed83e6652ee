"""The scenarios: one or more for each way, with all that it takes and nothing else."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import Any

from tests.e2e.routes.people import Object, Person, Refused, certificate_request
from tests.e2e.routes.world import DELETE, NODE, RBAC, Permit, Scenario, World

_RBAC = "rbac.authorization.k8s.io"
_CSR = "certificatesigningrequests.certificates.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
NO_KUBELET = "no kubelet runs here: to where the API server has let it pass"
EVERYTHING: Object = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def _p(verb: str, resource: str, name: str = "", scope: str = "{ns}") -> Permit:
    return Permit(verb, resource, name, scope)


def _wide(verb: str, resource: str, name: str = "") -> Permit:
    return Permit(verb, resource, name, "")


# --- bind -------------------------------------------------------------------------------------


async def _role(w: World) -> None:
    await w.admin.ask(
        "POST", f"{w.rbac}/roles", w.named(f"{_RBAC}/v1", "Role", "mighty", rules=[DELETE])
    )


async def _cluster_role(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "ClusterRole", w.run, rules=[DELETE])
    await w.admin.ask("POST", f"{RBAC}/clusterroles", role)


def _binding(w: World, kind: str, name: str, *, wide: bool = False, **more: Any) -> Object:
    prefix = "Cluster" if wide else ""
    fields = {"roleRef": w.role_ref(kind, name), "subjects": [w.me], **more}
    return w.named(f"{_RBAC}/v1", f"{prefix}RoleBinding", w.run, **fields)


async def _bind_role(w: World) -> None:
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "Role", "mighty"))
    await w.destroy(w.attacker, patiently=True)


async def _bind_cluster_role(w: World) -> None:
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "ClusterRole", w.run))
    await w.destroy(w.attacker, patiently=True)


async def _bind_everywhere(w: World) -> None:
    binding = _binding(w, "ClusterRole", w.run, wide=True)
    await w.attacker.ask("POST", f"{RBAC}/clusterrolebindings", binding)
    await w.destroy(w.attacker, patiently=True)


async def _apply_binding(w: World) -> None:
    path = f"{w.rbac}/rolebindings/{w.run}"
    await w.attacker.apply(path, _binding(w, "Role", "mighty"))
    await w.destroy(w.attacker, patiently=True)


async def _bound_to_nobody(w: World) -> None:
    await _role(w)
    binding = _binding(w, "Role", "mighty", subjects=[])
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", binding)


async def _join_binding(w: World) -> None:
    await w.attacker.patch(f"{w.rbac}/rolebindings/{w.run}", {"subjects": [w.me]})
    await w.destroy(w.attacker, patiently=True)


async def _create_and_bind(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "Role", "mighty", rules=[DELETE])
    await w.attacker.ask("POST", f"{w.rbac}/roles", role)
    await _bind_role(w)


# --- escalate ---------------------------------------------------------------------------------


async def _bound_role(w: World) -> None:
    await w.grant("weak", [{**DELETE, "verbs": ["get"]}], w.ns, w.me)


async def _edit_role(w: World) -> None:
    await w.attacker.patch(f"{w.rbac}/roles/weak", {"rules": [DELETE]})
    await w.destroy(w.attacker, patiently=True)


async def _bound_missing_role(w: World) -> None:
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "Role", "weak"))


async def _create_missing_role(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "Role", "weak", rules=[DELETE])
    await w.attacker.ask("POST", f"{w.rbac}/roles", role)
    await w.destroy(w.attacker, patiently=True)


async def _cluster_role_bound_here(w: World) -> None:
    weak = w.named(f"{_RBAC}/v1", "ClusterRole", w.run, rules=[])
    await w.admin.ask("POST", f"{RBAC}/clusterroles", weak)
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "ClusterRole", w.run))


async def _cluster_role_bound_everywhere(w: World) -> None:
    await w.grant(w.run, [], "", w.me)


async def _edit_cluster_role(w: World) -> None:
    await w.attacker.patch(f"{RBAC}/clusterroles/{w.run}", {"rules": [DELETE]})
    await w.destroy(w.attacker, patiently=True)


async def _aggregate(w: World, *, part: bool, labelled: bool) -> None:
    label = {"matchExpressions": [{"key": w.run, "operator": "In", "values": ["a", "b"]}]}
    whole = w.named(f"{_RBAC}/v1", "ClusterRole", w.run)
    whole["aggregationRule"] = {"clusterRoleSelectors": [label]}
    await w.admin.ask("POST", f"{RBAC}/clusterroles", whole)
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "ClusterRole", w.run))
    if part:
        role = w.named(f"{_RBAC}/v1", "ClusterRole", f"{w.run}-part", rules=[])
        role["metadata"]["labels"] = {w.run: "a"} if labelled else {}
        await w.admin.ask("POST", f"{RBAC}/clusterroles", role)


async def _edit_part(w: World) -> None:
    patch = {"metadata": {"labels": {w.run: "b"}}, "rules": [DELETE]}
    await w.attacker.patch(f"{RBAC}/clusterroles/{w.run}-part", patch)
    await w.destroy(w.attacker, patiently=True)


async def _create_part(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "ClusterRole", f"{w.run}-part", rules=[DELETE])
    role["metadata"]["labels"] = {w.run: "b"}
    await w.attacker.ask("POST", f"{RBAC}/clusterroles", role)
    await w.destroy(w.attacker, patiently=True)


# --- impersonate ------------------------------------------------------------------------------


def _account(w: World) -> str:
    return f"system:serviceaccount:{w.ns}:holder"


async def _as_account(w: World) -> None:
    await w.destroy(w.attacker.impersonating(_account(w)))


async def _as_user(w: World) -> None:
    await w.destroy(w.attacker.impersonating(f"{w.run}-ann"))


async def _as_member(w: World) -> None:
    await w.destroy(w.attacker.impersonating("somebody", f"{w.run}-people"))


async def _as_account_in_group(w: World) -> None:
    await w.destroy(w.attacker.impersonating(_account(w), f"{w.run}-people"))


async def _as_node(w: World) -> None:
    await w.destroy(w.attacker.impersonating(f"system:node:{w.run}"))


async def _token_as_account(w: World) -> None:
    other = w.attacker.impersonating(_account(w))
    token = await w.token_of(other, w.ns, "holder2")
    await w.destroy(w.attacker.with_token(token))


async def _holder_may_request_tokens(w: World) -> None:
    await w.admin.ask(
        "POST", f"{w.core}/serviceaccounts", w.named("v1", "ServiceAccount", "holder2")
    )
    account = {"kind": "ServiceAccount", "namespace": w.ns, "name": "holder"}
    rule = {"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]}
    await w.grant("requests", [rule], w.ns, account)


# --- token ------------------------------------------------------------------------------------


async def _request_token(w: World) -> None:
    await w.destroy(w.attacker.with_token(await w.token_of(w.attacker, w.ns, "holder")))


async def _token_secret(w: World, read: str) -> None:
    secret = w.named("v1", "Secret", "mine", type="kubernetes.io/service-account-token")
    secret["metadata"] |= {
        "annotations": {"kubernetes.io/service-account.name": "holder"},
        "finalizers": ["example.com/wait"],
    }
    path = f"{w.core}/secrets"
    await w.attacker.ask("POST", path, secret)
    found: list[str] = []

    async def filled() -> bool:
        return "token" in (await w.admin.ask("GET", f"{path}/mine")).get("data", {})

    await w.admin.until(filled, "the controller to fill the Secret")
    match read:
        case "get":
            answer = await w.attacker.ask("GET", f"{path}/mine")
        case "list":
            answer = (await w.attacker.ask("GET", path))["items"][0]
        case "patch":
            answer = await w.attacker.patch(f"{path}/mine", {})
        case "delete":
            answer = await w.attacker.ask("DELETE", f"{path}/mine?dryRun=All")
        case _:
            answer = (await w.attacker.ask("DELETE", f"{path}?dryRun=All"))["items"][0]
    found.append(base64.b64decode(answer["data"]["token"]).decode())
    await w.destroy(w.attacker.with_token(found[0]))
    # Only so that its namespace can go.
    await w.admin.patch(f"{path}/mine", {"metadata": {"finalizers": None}})


async def _create_account(w: World) -> None:
    await w.attacker.ask(
        "POST", f"{w.core}/serviceaccounts", w.named("v1", "ServiceAccount", "absent")
    )
    await w.destroy(w.attacker.with_token(await w.token_of(w.attacker, w.ns, "absent")))


# --- workload and exec ------------------------------------------------------------------------


async def _make_pod(w: World) -> None:
    await w.attacker.ask("POST", f"{w.core}/pods", w.pod())
    await w.runs_as_holder()


def _template(w: World, **spec: Any) -> Object:
    labels = {"app": "mine"}
    return {"metadata": {"labels": labels}, "spec": w.pod_spec(**spec)}


def _maker(w: World, kind: str, **spec: Any) -> tuple[str, Object]:
    """Return where to create an object that makes pods, and the object."""
    selector: Any = {"matchLabels": {"app": "mine"}}
    template = _template(w, **spec)
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


async def _make(w: World, kind: str) -> None:
    path, body = _maker(w, kind)
    await w.attacker.ask("POST", path, body)
    if kind != "cronjobs":
        # A CronJob waits for its minute.
        await w.runs_as_holder()


async def _somebodys(w: World, kind: str) -> None:
    path, body = _maker(w, kind, serviceAccountName="default")
    if "replicas" in body["spec"]:
        body["spec"]["replicas"] = 0
    await w.admin.ask("POST", path, body)


async def _change(w: World, kind: str) -> None:
    path, _ = _maker(w, kind)
    spec: Object = {"template": {"spec": {"serviceAccountName": "holder"}}}
    if kind == "cronjobs":
        spec = {"jobTemplate": {"spec": spec}}
    elif kind != "daemonsets":
        spec["replicas"] = 1
    await w.attacker.patch(f"{path}/maker", {"spec": spec})
    if kind != "cronjobs":
        await w.runs_as_holder()


async def _running(w: World) -> None:
    containers = [{"name": "c", "image": "theirs"}]
    await w.admin.ask("POST", f"{w.core}/pods", w.pod(containers=containers, nodeName=NODE))

    async def runs() -> bool:
        pod = await w.admin.ask("GET", f"{w.core}/pods/pod")
        return bool(pod["status"].get("phase") == "Running")

    await w.admin.until(runs, "kwok to run the pod")


async def _change_image(w: World) -> None:
    patch = {"spec": {"containers": [{"name": "c", "image": "mine"}]}}
    kind = "application/strategic-merge-patch+json"
    await w.attacker.ask("PATCH", f"{w.core}/pods/pod", patch, kind=kind)
    await w.runs_as_holder()


async def _debug(w: World) -> None:
    extra = {"name": "debug", "image": "mine", "targetContainerName": "c"}
    patch = {"spec": {"ephemeralContainers": [extra]}}
    kind = "application/strategic-merge-patch+json"
    await w.attacker.ask("PATCH", f"{w.core}/pods/pod/ephemeralcontainers", patch, kind=kind)


async def _connect(w: World, path: str) -> None:
    """Connect, until the API server has let it pass and finds no kubelet."""
    async with w.attacker.http.post(
        w.attacker.host + path,
        headers={"Authorization": f"Bearer {w.token}"},
        ssl=w.attacker.tls,
    ) as response:
        await _unless_refused(response.status, await response.text())


async def _unless_refused(status: int, text: str) -> None:
    if status in {401, 403}:
        raise Refused(text)


async def _exec(w: World, how: str) -> None:
    await _connect(w, f"{w.core}/pods/pod/{how}?container=c&stdout=true&command=id")


async def _node_proxy(w: World) -> None:
    await _connect(w, f"/api/v1/nodes/{NODE}/proxy/run/{w.ns}/pod/c?cmd=id")


async def _policy(w: World) -> None:
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


# --- node -------------------------------------------------------------------------------------

_CSR_PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


async def _certificate(
    w: World, signer: str, user: str, *groups: str, approve: bool, read: bool
) -> Person:
    request, key = await certificate_request(user, *groups)
    usages = ["client auth", "digital signature"]
    body = w.named(
        "certificates.k8s.io/v1",
        "CertificateSigningRequest",
        w.run,
        spec={"request": request, "signerName": signer, "usages": usages},
    )
    made = await w.attacker.ask("POST", _CSR_PATH, body)
    path = f"{_CSR_PATH}/{w.run}"
    certificate = ""
    if approve:
        condition = {"type": "Approved", "status": "True", "reason": "Mine", "message": ""}
        made["status"] = {"conditions": [condition]}
        del made["metadata"]["resourceVersion"]
        await w.attacker.patch(f"{path}/approval", {"status": made["status"]})

    async def signed() -> bool:
        nonlocal certificate
        if read:
            answer = await w.attacker.ask("GET", path)
        else:
            # Who may approve gets to see the certificate by approving once more.
            answer = await w.attacker.patch(f"{path}/approval", {})
        certificate = answer["status"].get("certificate", "")
        return bool(certificate)

    try:
        # The controller refuses by doing nothing, which takes a little patience to see.
        if w.missing and not approve:
            for _ in range(30):
                if await signed():
                    break
                await asyncio.sleep(0.1)
            else:
                raise Refused("nobody has approved it")
        else:
            await w.attacker.until(signed, f"the certificate ({w})")
    finally:
        await w.admin.ask("DELETE", path)
    return w.attacker.with_certificate(certificate, key)


async def _certificate_of_account(w: World) -> None:
    signer = "kubernetes.io/kube-apiserver-client"
    holder = await _certificate(w, signer, _account(w), approve=True, read=False)
    await w.destroy(holder)


async def _certificate_of_member(w: World) -> None:
    signer = "kubernetes.io/kube-apiserver-client"
    member = await _certificate(w, signer, "anybody", f"{w.run}-people", approve=True, read=False)
    await w.destroy(member)


async def _as_the_node(w: World, *, approve: bool) -> None:
    signer = "kubernetes.io/kube-apiserver-client-kubelet"
    user = f"system:node:{NODE}"
    node = await _certificate(w, signer, user, "system:nodes", approve=approve, read=not approve)
    pod = await w.admin.ask("GET", f"{w.core}/pods/pod")
    reference = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "pod",
        "uid": pod["metadata"]["uid"],
    }
    answer = await node.ask(
        "POST",
        f"{w.core}/serviceaccounts/holder/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"boundObjectRef": reference},
        },
    )
    await w.destroy(w.attacker.with_token(answer["status"]["token"]))


# --- chains -----------------------------------------------------------------------------------


async def _account_that_may_bind(w: World) -> None:
    await _role(w)
    account = {"kind": "ServiceAccount", "namespace": w.ns, "name": "holder"}
    rules = [
        {"verbs": ["bind"], "apiGroups": [_RBAC], "resources": ["roles"]},
        {"verbs": ["create"], "apiGroups": [_RBAC], "resources": ["rolebindings"]},
    ]
    await w.grant("binder", rules, w.ns, account)


async def _token_then_bind(w: World) -> None:
    binder = w.attacker.with_token(await w.token_of(w.attacker, w.ns, "holder"))
    await binder.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "Role", "mighty"))
    await w.destroy(w.attacker, patiently=True)


async def _role_of_a_role(w: World) -> None:
    await _role(w)
    rules = [
        {
            "verbs": ["bind"],
            "apiGroups": [_RBAC],
            "resources": ["roles"],
            "resourceNames": ["mighty"],
        }
    ]
    await w.admin.ask(
        "POST", f"{w.rbac}/roles", w.named(f"{_RBAC}/v1", "Role", "binder", rules=rules)
    )


async def _bind_to_bind(w: World) -> None:
    binding = _binding(w, "Role", "binder")
    binding["metadata"]["name"] = "first"
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", binding)
    second = _binding(w, "Role", "mighty")

    async def may() -> bool:
        review = _p("bind", "roles.rbac.authorization.k8s.io", "mighty").review(w.fill)
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool((await w.attacker.ask("POST", path, review))["status"]["allowed"])

    await w.attacker.until(may, "the first binding to be in force")
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", second)
    await w.destroy(w.attacker, patiently=True)


async def _token_role(w: World) -> None:
    rule = {"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]}
    await w.admin.ask(
        "POST", f"{w.rbac}/roles", w.named(f"{_RBAC}/v1", "Role", "mighty", rules=[rule])
    )


async def _bind_to_request(w: World) -> None:
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", _binding(w, "Role", "mighty"))
    review = _p("create", "serviceaccounts/token", "holder").review(w.fill)

    async def may() -> bool:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool((await w.attacker.ask("POST", path, review))["status"]["allowed"])

    await w.attacker.until(may, "the binding to be in force")
    await _request_token(w)


_BINDINGS = f"rolebindings.{_RBAC}"
_ROLES = f"roles.{_RBAC}"
_CLUSTER_ROLES = f"clusterroles.{_RBAC}"
_SIGNERS = "signers.certificates.k8s.io"
_AS = "authentication.k8s.io"
_USER = ("User", "{run}-ann")
_GROUP = ("Group", "{run}-people")
_NODE = ("User", "system:node:{run}")
_APPROVAL = (_wide("create", _CSR), _wide("patch", f"{_CSR}/approval"))
_APPS = ("deployments", "statefulsets", "daemonsets", "replicasets")
_RUN_AS = {
    **{kind: f"{kind}.apps" for kind in _APPS},
    "replicationcontrollers": "replicationcontrollers",
    "cronjobs": "cronjobs.batch",
    "jobs": "jobs.batch",
}

SCENARIOS = (
    Scenario("bind-role", (_p("create", _BINDINGS), _p("bind", _ROLES)), _bind_role,
             ("bind",), _role, ("", "")),
    Scenario("bind-role-by-name", (_p("create", _BINDINGS), _p("bind", _ROLES, "mighty")),
             _bind_role, ("bind",), _role, ("", "")),
    Scenario("bind-cluster-role", (_p("create", _BINDINGS), _p("bind", _CLUSTER_ROLES, "{run}")),
             _bind_cluster_role, ("bind",), _cluster_role, ("", "")),
    Scenario("bind-everywhere",
             (_wide("create", f"cluster{_BINDINGS}"), _wide("bind", _CLUSTER_ROLES, "{run}")),
             _bind_everywhere, ("bind",), _cluster_role, ("", "")),
    Scenario("bind-by-apply",
             (_p("create", _BINDINGS, "{run}"), _p("patch", _BINDINGS, "{run}"),
              _p("bind", _ROLES, "mighty")),
             _apply_binding, ("bind",), _role, ("", "")),
    Scenario("join-a-binding", (_p("patch", _BINDINGS), _p("bind", _ROLES)), _join_binding,
             ("bind",), _bound_to_nobody, ("", "")),
    Scenario("bind-a-role-of-its-own",
             (_p("create", _ROLES), _p("escalate", _ROLES), _p("create", _BINDINGS),
              _p("bind", _ROLES)),
             _create_and_bind, ("bind",), None, ("", "")),
    Scenario("edit-role", (_p("patch", _ROLES), _p("escalate", _ROLES)), _edit_role,
             ("escalate",), _bound_role, ("", "")),
    Scenario("edit-role-by-name", (_p("patch", _ROLES, "weak"), _p("escalate", _ROLES, "weak")),
             _edit_role, ("escalate",), _bound_role, ("", "")),
    Scenario("create-the-missing-role", (_p("create", _ROLES), _p("escalate", _ROLES)),
             _create_missing_role, ("escalate",), _bound_missing_role, ("", "")),
    Scenario("edit-cluster-role-bound-here",
             (_wide("patch", _CLUSTER_ROLES, "{run}"), _wide("escalate", _CLUSTER_ROLES, "{run}")),
             _edit_cluster_role, ("escalate",), _cluster_role_bound_here, ("", "")),
    Scenario("edit-cluster-role-bound-everywhere",
             (_wide("patch", _CLUSTER_ROLES, "{run}"), _wide("escalate", _CLUSTER_ROLES, "{run}")),
             _edit_cluster_role, ("escalate",), _cluster_role_bound_everywhere, ("", "")),
    Scenario("edit-a-part-of-an-aggregate",
             (_wide("patch", _CLUSTER_ROLES, "{run}-part"),
              _wide("escalate", _CLUSTER_ROLES, "{run}-part")),
             _edit_part, ("escalate",), partial(_aggregate, part=True, labelled=True), ("", "")),
    Scenario("label-a-role-into-an-aggregate",
             (_wide("patch", _CLUSTER_ROLES, "{run}-part"),
              _wide("escalate", _CLUSTER_ROLES, "{run}-part")),
             _edit_part, ("escalate",), partial(_aggregate, part=True, labelled=False), ("", "")),
    Scenario("create-a-part-of-an-aggregate",
             (_wide("create", _CLUSTER_ROLES), _wide("escalate", _CLUSTER_ROLES)),
             _create_part, ("escalate",), partial(_aggregate, part=False, labelled=False),
             ("", "")),
    Scenario("impersonate-account", (_p("impersonate", "serviceaccounts", "holder"),),
             _as_account, ("impersonate",)),
    Scenario("impersonate-user", (_wide("impersonate", "users", "{run}-ann"),),
             _as_user, ("impersonate",), None, _USER),
    Scenario("impersonate-member",
             (_wide("impersonate", "groups", "{run}-people"), _wide("impersonate", "users",
              "somebody")),
             _as_member, ("impersonate",), None, _GROUP),
    Scenario("impersonate-account-in-group",
             (_wide("impersonate", "groups", "{run}-people"),
              _p("impersonate", "serviceaccounts")),
             _as_account_in_group, ("impersonate",), None, _GROUP),
    Scenario("impersonate-account-constrained",
             (_p("impersonate:serviceaccount", f"serviceaccounts.{_AS}", "holder"),
              _p("impersonate-on:serviceaccount:delete", "configmaps")),
             _as_account, ("impersonate",)),
    Scenario("impersonate-user-constrained",
             (_wide("impersonate:user-info", f"users.{_AS}", "{run}-ann"),
              _p("impersonate-on:user-info:delete", "configmaps", "precious")),
             _as_user, ("impersonate",), None, _USER),
    Scenario("impersonate-member-constrained",
             (_wide("impersonate:user-info", f"groups.{_AS}", "{run}-people"),
              _wide("impersonate:user-info", f"users.{_AS}", "somebody"),
              _p("impersonate-on:user-info:delete", "configmaps")),
             _as_member, ("impersonate",), None, _GROUP),
    Scenario("impersonate-node-constrained",
             (_wide("impersonate:arbitrary-node", f"nodes.{_AS}", "{run}"),
              _p("impersonate-on:arbitrary-node:delete", "configmaps")),
             _as_node, ("impersonate",), None, _NODE),
    Scenario("impersonate-constrained-to-request-a-token",
             (_p("impersonate:serviceaccount", f"serviceaccounts.{_AS}", "holder"),
              _p("impersonate-on:serviceaccount:create", "serviceaccounts/token")),
             _token_as_account, ("impersonate", "token"), _holder_may_request_tokens,
             ("ServiceAccount", "holder2")),
    Scenario("request-token", (_p("create", "serviceaccounts/token", "holder"),),
             _request_token, ("token",)),
    *(
        Scenario(f"token-secret-{read}", (_p("create", "secrets"), _p(read, "secrets")),
                 partial(_token_secret, read=read), ("token",))
        for read in ("get", "list", "patch", "delete", "deletecollection")
    ),
    Scenario("create-the-missing-account",
             (_p("create", "serviceaccounts"), _p("create", "serviceaccounts/token")),
             _create_account, ("token",), None, ("ServiceAccount", "absent")),
    Scenario("request-token-of-any-account", (_p("create", "serviceaccounts/token"),),
             _request_token, ("token",), None, ("Group", "system:serviceaccounts:{ns}")),
    Scenario("create-pod", (_p("create", "pods"),), _make_pod, ("workload",), reach=NO_KUBELET),
    *(
        Scenario(f"create-{kind}", (_p("create", resource),), partial(_make, kind=kind),
                 ("workload",), reach=NO_KUBELET)
        for kind, resource in _RUN_AS.items()
    ),
    *(
        Scenario(f"patch-{kind}", (_p("patch", resource),), partial(_change, kind=kind),
                 ("workload",), partial(_somebodys, kind=kind), reach=NO_KUBELET)
        for kind, resource in _RUN_AS.items() if kind != "jobs"
    ),
    Scenario("change-image", (_p("patch", "pods"),), _change_image, ("workload",), _running,
             reach=NO_KUBELET),
    Scenario("mutating-policy",
             (_wide("create", f"mutatingadmissionpolicies.{_ADMISSION}"),
              _wide("create", f"mutatingadmissionpolicybindings.{_ADMISSION}")),
             _policy, ("workload",), reach=NO_KUBELET),
    Scenario("exec", (_p("create", "pods/exec"),), partial(_exec, how="exec"), ("exec",),
             _running, reach=NO_KUBELET),
    Scenario("attach", (_p("create", "pods/attach"),), partial(_exec, how="attach"), ("exec",),
             _running, reach=NO_KUBELET),
    Scenario("debug", (_p("patch", "pods/ephemeralcontainers"),), _debug, ("exec",), _running,
             reach=NO_KUBELET),
    Scenario("node-proxy", (_wide("create", "nodes/proxy"),), _node_proxy, ("node",), _running,
             reach=NO_KUBELET),
    Scenario("certificate-of-account",
             (*_APPROVAL, _wide("approve", _SIGNERS, "kubernetes.io/kube-apiserver-client")),
             _certificate_of_account, ("node",)),
    Scenario("certificate-of-member",
             (*_APPROVAL, _wide("approve", _SIGNERS, "kubernetes.io/*")),
             _certificate_of_member, ("node",), None, _GROUP),
    Scenario("node-approved-by-itself",
             (*_APPROVAL,
              _wide("approve", _SIGNERS, "kubernetes.io/kube-apiserver-client-kubelet")),
             partial(_as_the_node, approve=True), ("node",), _running),
    Scenario("node-approved-by-the-controller",
             (_wide("create", _CSR), _wide("get", _CSR), _wide("create", f"{_CSR}/nodeclient")),
             partial(_as_the_node, approve=False), ("node",), _running),
    Scenario("token-then-bind", (_p("create", "serviceaccounts/token", "holder"),),
             _token_then_bind, ("token", "bind"), _account_that_may_bind, ("", "")),
    Scenario("bind-to-bind", (_p("create", _BINDINGS), _p("bind", _ROLES, "binder")),
             _bind_to_bind, ("bind", "bind"), _role_of_a_role, ("", "")),
    Scenario("bind-to-request-a-token", (_p("create", _BINDINGS), _p("bind", _ROLES, "mighty")),
             _bind_to_request, ("bind", "token"), _token_role),
)  # fmt: skip
