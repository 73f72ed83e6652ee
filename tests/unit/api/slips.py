"""The ways in which people get records and models wrong.

Each slip is told once. The unit tests hold the file reader to it, the end-to-end tests the API
server: both must refuse it, and both must say what to change.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.api.samples import Manifest

Change = Callable[[Manifest], object]


@dataclass(frozen=True)
class Slip:
    """One mistake, and what each reader says: the same text, unless the form is at fault."""

    name: str
    change: Change
    file: str
    server: str = ""

    @property
    def server_says(self) -> str:
        """What the API server's message contains."""
        return self.server or self.file

    def of(self, manifest: Manifest) -> Manifest:
        """``manifest`` with the mistake in it."""
        wrong = copy.deepcopy(manifest)
        self.change(wrong["spec"])
        return wrong


def _party(spec: Manifest) -> Manifest:
    party: Manifest = spec["parties"][0]
    return party


def _item(spec: Manifest) -> Manifest:
    item: Manifest = spec["items"][0]
    return item


def _delegate(spec: Manifest) -> Manifest:
    delegate: Manifest = _item(spec)["delegates"][0]
    return delegate


def _subject(spec: Manifest, **subject: str) -> None:
    _party(spec)["subjects"] = [subject]


def _exempt(spec: Manifest, **subject: str) -> None:
    spec["exemptions"][0]["subject"] = subject


def _permission(spec: Manifest, **changes: object) -> None:
    _item(spec)["reserved"][0] |= changes


RECORD_SLIPS = (
    Slip("no-hub", lambda s: s.pop("hub"), "spec.hub: missing: add hub", "spec.hub: Required"),
    Slip(
        "no-namespace",
        lambda s: s["hub"].pop("namespace"),
        "spec.hub.namespace: missing: add namespace",
        "spec.hub.namespace: Required",
    ),
    Slip(
        "namespace-in-capitals",
        lambda s: s["hub"].update(namespace="Prod"),
        "spec.hub.namespace: not in the right form: use lower-case letters",
        "spec.hub.namespace in body should match",
    ),
    Slip(
        "name-that-turns-around",
        lambda s: s["hub"].update(displayName="safe\u202eevil"),
        "spec.hub.displayName: not in the right form: use characters that can be seen, on one line",
        "spec.hub.displayName in body should match",
    ),
    Slip(
        "user-of-two-lines",
        lambda s: _subject(s, kind="User", name="ann\nroot"),
        "name: not in the right form: use characters that can be seen, on one line",
        "name in body should match",
    ),
    Slip(
        "contact-that-a-terminal-obeys",
        lambda s: _party(s).update(contact={"url": "https://a.example/\u009b2J"}),
        "contact.url: not in the right form: write an address that begins",
        "contact.url in body should match",
    ),
    Slip(
        "note-without-width",
        lambda s: _item(s).update(note="one\ntwo\u200b"),
        "note: not in the right form: use characters that can be seen",
        "note in body should match",
    ),
    Slip(
        "model-in-capitals",
        lambda s: s.update(model="Our Model"),
        "spec.model: not in the right form: use lower-case letters",
        "spec.model in body should match",
    ),
    Slip(
        "party-twice",
        lambda s: s["parties"].append({"name": "community"}),
        "spec.parties: community is listed twice: keep one of them",
        'Duplicate value: {"name":"community"}',
    ),
    Slip(
        "item-twice",
        lambda s: s["items"].append({"name": _item(s)["name"]}),
        "spec.items: kubernetes-configuration is listed twice: keep one of them",
        'Duplicate value: {"name":"kubernetes-configuration"}',
    ),
    Slip(
        "delegate-twice",
        lambda s: _item(s)["delegates"].append({"party": "community"}),
        "delegates: community is listed twice: keep one of them",
        'Duplicate value: {"party":"community"}',
    ),
    Slip(
        "hub-user-twice",
        lambda s: _party(s).update(hubUsers=["bo", "bo"]),
        "hubUsers: bo is listed twice: keep one of them",
        'Duplicate value: "bo"',
    ),
    Slip(
        "subject-of-no-kind",
        lambda s: _subject(s, kind="Team", name="leap"),
        "kind: unknown value: use 'User', 'Group' or 'ServiceAccount'",
        'supported values: "User", "Group", "ServiceAccount"',
    ),
    Slip(
        "account-without-namespace",
        lambda s: _subject(s, kind="ServiceAccount", name="deployer"),
        "a ServiceAccount needs its namespace: add namespace",
    ),
    Slip(
        "group-with-namespace",
        lambda s: _subject(s, kind="Group", name="leap", namespace="prod"),
        "only a ServiceAccount has a namespace: remove namespace",
    ),
    Slip(
        "account-as-user",
        lambda s: _subject(s, kind="User", name="system:serviceaccount:prod:deployer"),
        "write a ServiceAccount as kind ServiceAccount with its namespace and name",
    ),
    Slip(
        "account-with-path",
        lambda s: _subject(s, kind="ServiceAccount", name="prod/deployer", namespace="prod"),
        "a ServiceAccount's name is just its own name",
    ),
    Slip(
        "party-of-anybody",
        lambda s: _subject(s, kind="User", name="leap-*"),
        "write one exact name: '*' and $(…) are for exemptions only",
    ),
    Slip(
        "no-address",
        lambda s: _party(s)["contact"].update(email="ask Jo"),
        "contact.email: not in the right form: write an address such as",
        "contact.email in body should match",
    ),
    Slip(
        "until-without-time",
        lambda s: _delegate(s).update(until="2036-12-31"),
        "until: no time zone: write UTC, such as 2026-12-31T00:00:00Z",
        "delegates[0].until in body must be of type date-time",
    ),
    Slip(
        "review-is-no-day",
        lambda s: _item(s).update(reviewAfter="next spring"),
        "reviewAfter: not a day: write a day such as 2027-03-01",
        "reviewAfter in body must be of type date",
    ),
    Slip(
        "bound-without-ends",
        lambda s: _delegate(s).update(bounds=[{"path": "singleuser.memory.limit"}]),
        "a bound needs min, max or both: add one",
    ),
    Slip(
        "bound-is-no-quantity",
        lambda s: _delegate(s)["bounds"][0].update(max="lots"),
        "max: not in the right form: write a quantity such as 500m, 2 or 8Gi",
        "bounds[0].max in body should match",
    ),
    Slip(
        "exemption-without-items",
        lambda s: s["exemptions"][0].pop("items"),
        "items: missing: add items",
        "spec.exemptions[0].items: Required",
    ),
    Slip(
        "exemption-of-nothing",
        lambda s: s["exemptions"][0].update(items=[]),
        "at least 1 item",
        "should have at least 1 items",
    ),
    Slip(
        "exemption-without-reason",
        lambda s: s["exemptions"][0].pop("reason"),
        "reason: missing: add reason",
        "spec.exemptions[0].reason: Required",
    ),
    Slip(
        "star-inside",
        lambda s: _exempt(s, kind="User", name="system:*:x"),
        "'*' may stand at the end only",
        "subject.name in body should match",
    ),
    Slip(
        "placeholder-unknown",
        lambda s: _exempt(s, kind="User", name="$(cluster)-bot"),
        "the placeholders are $(namespace), $(release) and $(prefix)",
        "(namespace|release|prefix)",
    ),
    Slip(
        "admission-unknown",
        lambda s: s["enforcement"].update(admission="block"),
        "enforcement.admission: unknown value: use 'observe', 'warn' or 'deny'",
        'supported values: "observe", "warn", "deny"',
    ),
    Slip(
        "plan-digest-cut",
        lambda s: s["enforcement"].update(rbac="revoke", approvedPlan="0123456789ab"),
        "enforcement.approvedPlan: not in the right form: write all 32 characters of the digest",
        "approvedPlan in body should match",
    ),
    Slip(
        "plan-approved-where-nothing-is-revoked",
        lambda s: s["enforcement"].update(rbac="grant", approvedPlan="0" * 32),
        "nothing is revoked without rbac: revoke",
    ),
    Slip(
        "no-holders",
        lambda s: _item(s).update(minimumHolders=0),
        "minimumHolders: Input should be greater than or equal to 1",
        "minimumHolders in body should be greater than or equal to 1",
    ),
)

MODEL_SLIPS = (
    Slip(
        "owner-is-nobody",
        lambda s: _item(s).update(owner="dean"),
        "spec.items: an item's owner is not in spec.parties: add the party or correct owner",
        "an item's owner is not in spec.parties: add the party or correct owner",
    ),
    Slip(
        "delegate-is-nobody",
        lambda s: _delegate(s).update(party="dean"),
        "a delegate is not in spec.parties: add the party or correct delegates",
    ),
    Slip(
        "number-twice",
        lambda s: _item(s).update(number=40),
        "two items have the same number: give each its own",
    ),
    Slip(
        "number-of-the-record",
        lambda s: _item(s).update(number=0),
        "number 0 and the name record belong to the record itself",
    ),
    Slip(
        "name-of-the-record",
        lambda s: _item(s).update(name="record"),
        "number 0 and the name record belong to the record itself",
    ),
    Slip(
        "records-owned-by-nobody",
        lambda s: s.pop("record"),
        "name a known party in spec.record.owner",
    ),
    Slip(
        "exempt-from-no-item",
        lambda s: s["exemptions"][0].update(items=["opening-times"]),
        "an exemption names an item that the model doesn't have: correct its items",
    ),
    Slip(
        "no-items",
        lambda s: s.update(items=[]),
        "at least 1 item",
        "should have at least 1 items",
    ),
    Slip(
        "no-kind",
        lambda s: _item(s).update(kinds=[]),
        "at least 1 item",
        "should have at least 1 items",
    ),
    Slip(
        "list-by-name",
        lambda s: _permission(s, verbs=["list", "update"]),
        "RBAC can't tie list, watch or deletecollection to a name",
    ),
    Slip(
        "create-by-name",
        lambda s: _permission(s, verbs=["create", "update"]),
        "a new object has no name that RBAC could see",
    ),
    Slip(
        "cluster-with-namespace",
        lambda s: _permission(s, scope="Cluster", namespace="gatehouse"),
        "a permission with scope Cluster has no namespace: remove one of the two",
    ),
    Slip(
        "all-subresources",
        lambda s: _permission(s, resources=["pods/*"]),
        "RBAC gives pods/* no meaning",
        "resources[0] in body should match",
    ),
    Slip(
        "name-placeholder-unknown",
        lambda s: _permission(s, resourceNames=["$(hub)-x"]),
        "the placeholders are $(namespace), $(release) and $(prefix)",
        "(namespace|release|prefix)",
    ),
    Slip(
        "name-placeholder-for-the-cluster",
        lambda s: _permission(s, scope="Cluster", resourceNames=["$(release)-x"]),
        "placeholders stand for one hub",
        "placeholders stand for one hub",
    ),
    Slip(
        "placeholder-in-namespace",
        lambda s: _permission(s, namespace="support-$(release)"),
        "use lower-case letters, digits and '-', such as support",
        "namespace in body should match",
    ),
    Slip(
        "break-glass-for-anybody",
        lambda s: s["breakGlass"][0].update(subject={"kind": "Group", "name": "*"}),
        "write one exact name",
    ),
    Slip(
        "break-glass-without-reason",
        lambda s: s["breakGlass"][0].update(reason=""),
        "reason: String should have at least 1 character",
        "reason in body should be at least 1 chars long",
    ),
)
