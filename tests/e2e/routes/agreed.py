"""Scenarios about what is agreed: a record that grants, and a policy that refuses.

The policies are written by hand, and named as ours are; the operator's part in granting is
played by hand as well. What is tested is that whoever we say can undo or command them really can.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from responsibility.api.names import binding_name, policy_name
from responsibility.api.parse import parse_model, parse_record
from responsibility.hub.discovery import Hub, HubKey
from responsibility.ownership.terms.resolve import resolve_model, resolve_record
from tests.e2e.routes.people import Object, Refused
from tests.e2e.routes.world import DELETE, Permit, Scenario, World

_OURS = "responsibility.2i2c.org"
_API = f"/apis/{_OURS}/v1alpha1"
_ADMISSION = "admissionregistration.k8s.io"
_ADMISSION_API = f"/apis/{_ADMISSION}/v1"
_POLICIES, _BINDINGS = "validatingadmissionpolicies", "validatingadmissionpolicybindings"


def manifests(w: World) -> tuple[Object, Object]:
    """Return the model and the record of a world; both are named like it, and so is the item.

    The ConfigMaps are the keeper's. The attacker has the shed, for which it needs them as well.
    """
    granted = w.scenario.routes[-1] == "policy" and w.scenario.stage in GRANTING
    permission = {"verbs": ["delete"], "apiGroups": [""], "resources": ["configmaps"]}
    keepers = [{"kind": "Group", "name": f"{w.run}-keepers"}]
    item: Object = {"name": w.run, "number": 1, "title": "Beds", "kinds": ["kubernetes"]}
    item |= {"owner": "keeper", "required": [permission], "reserved": [permission]}
    shed = {**item, "name": "shed", "number": 2, "title": "Shed", "owner": "guests"}
    shed["reserved"] = []
    model = w.named(
        f"{_OURS}/v1alpha1",
        "ResponsibilityModel",
        w.run,
        spec={
            "parties": [{"name": "keeper", "subjects": keepers}, {"name": "guests"}],
            "items": [item] if granted else [item, shed],
            "record": {"owner": "keeper"},
        },
    )
    guests = {"name": "guests", "subjects": [w.me]}
    record = w.named(
        f"{_OURS}/v1alpha1",
        "Responsibility",
        w.run,
        spec={
            "hub": {"namespace": w.ns},
            "model": w.run,
            "parties": [] if granted else [guests],
            "enforcement": {"rbac": "grant"} if granted else {"admission": "deny"},
        },
    )
    return model, record


async def _agreed(w: World) -> None:
    model, record = manifests(w)
    await w.admin.ask("POST", f"{_API}/responsibilitymodels", model)
    await w.admin.ask("POST", f"{_API}/responsibilities", record)


# --- granting ---------------------------------------------------------------------------------


async def _granted(w: World) -> None:
    await _agreed(w)


async def _granted_by_a_deployer(w: World) -> None:
    await _agreed(w)
    account = {"kind": "ServiceAccount", "namespace": w.ns, "name": "holder"}
    rule = _permit("patch", "responsibilities").rule(w.fill)
    await w.grant(f"{w.run}-deployer", [rule], "", account)


GRANTING = (_granted, _granted_by_a_deployer)


async def _operate(w: World) -> None:
    """Bind the owners of the item, as the operator does where it is granted."""
    live = [
        await w.admin.ask("GET", f"{_API}/{kind}/{w.run}")
        for kind in ("responsibilitymodels", "responsibilities")
    ]
    terms = resolve_model(parse_model(live[0]))
    key = HubKey(w.ns, w.ns)
    agreement = resolve_record(parse_record(live[1]), terms, Hub(key, "", "", ()))
    item = agreement.item(w.run)
    assert item.rbac == "grant"
    subjects = [
        {"kind": s.kind, "name": s.name}
        | ({"namespace": s.namespace} if s.namespace else {"apiGroup": "rbac.authorization.k8s.io"})
        for s in agreement.parties[item.owner].subjects
    ]
    await w.grant("granted", [DELETE], w.ns, *subjects)


async def _own(w: World, kind: str) -> None:
    """Name oneself the keeper, have the operator see it, and use what it gives."""
    keeper = {"name": "keeper", "subjects": [w.me]}
    await w.attacker.patch(f"{_API}/{kind}/{w.run}", {"spec": {"parties": [keeper]}})
    await _operate(w)
    await w.destroy(w.attacker, patiently=True)


async def _own_as_deployer(w: World) -> None:
    deployer = w.attacker.with_token(await w.token_of(w.attacker, w.ns, "holder"))
    keeper = {"name": "keeper", "subjects": [w.me]}
    await deployer.patch(f"{_API}/responsibilities/{w.run}", {"spec": {"parties": [keeper]}})
    await _operate(w)
    await w.destroy(w.attacker, patiently=True)


# --- refusing ---------------------------------------------------------------------------------


async def _refused(w: World) -> None:
    """Have a policy refuse to everyone what the item is about, and wait until it does."""
    await _agreed(w)
    label = f"enforce.{_OURS}/{w.run}"
    await w.admin.patch(f"/api/v1/namespaces/{w.ns}", {"metadata": {"labels": {label: "deny"}}})
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    match = {
        "namespaceSelector": {"matchLabels": {label: "deny"}},
        "resourceRules": [{**rule, "operations": ["DELETE"]}],
    }
    validation = {"expression": "false", "reason": "Forbidden", "message": "it is the keeper's"}
    one = w.named(
        f"{_ADMISSION}/v1",
        "ValidatingAdmissionPolicy",
        policy_name(w.run),
        spec={"matchConstraints": match, "validations": [validation]},
    )
    bound = w.named(
        f"{_ADMISSION}/v1",
        "ValidatingAdmissionPolicyBinding",
        binding_name(w.run, "deny"),
        spec={"policyName": policy_name(w.run), "validationActions": ["Deny"]},
    )
    await w.admin.ask("POST", f"{_ADMISSION_API}/{_POLICIES}", one)
    await w.admin.ask("POST", f"{_ADMISSION_API}/{_BINDINGS}", bound)

    async def in_force() -> bool:
        return not await _is_let(w)

    await w.admin.until(in_force, f"the policy to be in force ({w})")


async def _is_let(w: World) -> bool:
    """Return whether the policy lets a deletion through, which is only tried."""
    try:
        await w.admin.ask("DELETE", f"{w.core}/configmaps/precious?dryRun=All")
    except Refused:
        return False
    return True


async def _then_destroy(w: World) -> None:
    async def gone() -> bool:
        return await _is_let(w)

    await w.admin.until(gone, f"the policy to have ended ({w})")
    await w.destroy(w.attacker)


async def _delete(w: World, kind: str, binding: bool) -> None:
    name = binding_name(w.run, "deny") if binding else policy_name(w.run)
    await w.attacker.ask("DELETE", f"{_ADMISSION_API}/{kind}/{name}")
    await _then_destroy(w)


async def _weaken(w: World) -> None:
    validations = [{"expression": "true"}]
    path = f"{_ADMISSION_API}/{_POLICIES}/{policy_name(w.run)}"
    await w.attacker.patch(path, {"spec": {"validations": validations}})
    await _then_destroy(w)


async def _unlabel(w: World) -> None:
    labels = {f"enforce.{_OURS}/{w.run}": None}
    await w.attacker.patch(f"/api/v1/namespaces/{w.ns}", {"metadata": {"labels": labels}})
    await _then_destroy(w)


async def clean(w: World) -> None:
    """Remove what is not in a namespace."""
    for path in (
        f"{_ADMISSION_API}/{_BINDINGS}/{binding_name(w.run, 'deny')}",
        f"{_ADMISSION_API}/{_POLICIES}/{policy_name(w.run)}",
        f"{_API}/responsibilities/{w.run}",
        f"{_API}/responsibilitymodels/{w.run}",
    ):
        root, _, name = path.rpartition("/")
        listed = await w.admin.ask("GET", f"{root}?fieldSelector=metadata.name={name}")
        if listed["items"]:
            await w.admin.ask("DELETE", path)
    await w.clean()


def _permit(verb: str, resource: str, name: str = "{run}", group: str = _OURS) -> Permit:
    return Permit(verb, f"{resource}.{group}", name, "")


def _ending(verb: str, resource: str, name: str) -> Permit:
    return _permit(verb, resource, name, _ADMISSION)


_DELETE = Permit("delete", "configmaps")
_NOBODY = ("", "")
_POLICY: Any = ("policy",)

SCENARIOS = (
    Scenario("write-the-record", (_permit("patch", "responsibilities"),),
             partial(_own, kind="responsibilities"), _POLICY, _granted, _NOBODY),
    Scenario("write-the-model", (_permit("patch", "responsibilitymodels"),),
             partial(_own, kind="responsibilitymodels"), _POLICY, _granted, _NOBODY),
    Scenario("act-as-who-applies-the-record",
             (Permit("create", "serviceaccounts/token", "holder"),),
             _own_as_deployer, ("token", "policy"), _granted_by_a_deployer, _NOBODY),
    Scenario("delete-the-policy",
             (_DELETE, _ending("delete", _POLICIES, "responsibility-{run}")),
             partial(_delete, kind=_POLICIES, binding=False), _POLICY, _refused, _NOBODY),
    Scenario("delete-its-binding",
             (_DELETE, _ending("delete", _BINDINGS, "responsibility-{run}-deny")),
             partial(_delete, kind=_BINDINGS, binding=True), _POLICY, _refused, _NOBODY),
    Scenario("weaken-the-policy",
             (_DELETE, _ending("patch", _POLICIES, "responsibility-{run}")),
             _weaken, _POLICY, _refused, _NOBODY),
    Scenario("unlabel-the-namespace", (_DELETE, Permit("patch", "namespaces", "{ns}")),
             _unlabel, _POLICY, _refused, _NOBODY),
)  # fmt: skip
