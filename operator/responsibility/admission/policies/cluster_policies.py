"""The policies of what a cluster has only one of: nodes, definitions, storage classes, ….

There is no Namespace to read owners from, so they stand in the policies as literals, and the
operator patches just these two objects, by name. They are shipped with empty tables, which
enforces nothing. What a model reserves in a fixed namespace, such as ``kube-system``, is here too.

A right at cluster scope to something that lives in namespaces (``pods/eviction``) is a right in
each of them. It is guarded where the model reserves it in a hub's namespace, not everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from responsibility import api_groups
from responsibility.admission import annotation_entries
from responsibility.admission.policies import cel, requester
from responsibility.admission.policies.guards import (
    ANY_NAME,
    CREATE,
    DELETE,
    EVERY_SUBRESOURCE,
    UPDATE,
    Items,
    Target,
    target_of,
)
from responsibility.admission.policies.manifests import (
    CLUSTER,
    DIGEST,
    NAMESPACED,
    Manifest,
    ResourceRule,
    Validation,
    binding,
    policy,
)
from responsibility.admission.policies.match_rules import distinct
from responsibility.admission.policies.matched_requests import changes_lifetime
from responsibility.admission.policies.requester import ASKED, KIND, RESOURCE, WHAT
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    NAME_PREFIX,
    probe_name,
)
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.terms.agreement import ItemTerms, Terms
from responsibility.ownership.terms.permission_index import HUB, bits
from responsibility.ownership.terms.resolve import resolve_model

# The variables that the operator writes.
VERSION = "version"
ENFORCED_ANYWHERE = "enforcedAnywhere"
TABLES = ("owners", "contacts", "enforced", ENFORCED_ANYWHERE, VERSION)

_METADATA_NAME = "kubernetes.io/metadata.name"


class ClusterEnforcement(NamedTuple):
    """Enforcement of an item of the cluster: who may act, and whom the others may call.

    ``stage`` is ``observe`` for an item whose owners count only where it
    shares something with others. ``entries`` are lines as ``api.names`` describes them for
    owners and delegates.
    """

    stage: AdmissionStage
    entries: Sequence[str]
    contact: str = ""


@dataclass(frozen=True, slots=True)
class _ClusterRequests:
    """Requests of one item on which the same items have a say."""

    item: ItemTerms
    namespace: str
    names: frozenset[str]
    allowed: Items
    targets: tuple[Target, ...]

    def condition(self) -> str:
        """Return that a request is one of these."""
        asked = [f"{t.group}/{t.resource} {t.operation}" for t in self.targets]
        deleted = [f"{t.group}/{t.resource}" for t in self.targets if t.operation == DELETE]
        is_asked = f"variables.asked in {cel.texts(asked)}"
        if deleted:
            # Who may not delete may not have it deleted either.
            is_asked += f" || variables.lifetime && variables.kind in {cel.texts(deleted)}"
        if self.namespace:
            where = f"variables.place == {cel.text(self.namespace)}"
        else:
            # A request about a Namespace has its name for a namespace.
            where = "variables.place == '' || variables.resource == 'namespaces'"
        parts = [is_asked, where]
        if ANY_NAME not in self.names:
            parts.append(f"variables.name in {cel.texts(sorted(self.names))}")
        return cel.all_of(parts)


def cluster_policies(
    model: ResponsibilityModel,
    table: Mapping[str, ClusterEnforcement | tuple[AdmissionStage, Sequence[str], str]],
) -> list[Manifest]:
    """Return the two policies, with who may do what by item, and their bindings.

    Placeholders for where the operator runs are left; see ``rendered.installed``.
    """
    terms = resolve_model(model)
    cases = list(_cluster_requests(terms))
    entries = {name: ClusterEnforcement(*entry) for name, entry in table.items()}
    found = []
    for stage, name, actions in (
        (AdmissionStage.WARN, CLUSTER_WARN_POLICY, ("Warn", "Audit")),
        (AdmissionStage.DENY, CLUSTER_DENY_POLICY, ("Deny", "Audit")),
    ):
        found.append(_policy(name, stage, terms, cases, entries))
        everywhere = [*_rules(cases, fixed=False), _probe_rule(name)]
        found.append(binding(name, name, actions, rules=everywhere))
        if fixed := _rules(cases, fixed=True):
            names = sorted({case.namespace for case in cases} - {""})
            selector = {
                "matchExpressions": [{"key": _METADATA_NAME, "operator": "In", "values": names}]
            }
            found.append(
                binding(f"{name}-namespaces", name, actions, selector=selector, rules=fixed)
            )
    return found


def guarded_at_cluster_scope(model: ResponsibilityModel) -> dict[Target, set[int]]:
    """Return the numbers of the items that guard something at cluster scope, by what it is."""
    found: dict[Target, set[int]] = {}
    for case in _cluster_requests(resolve_model(model)):
        if not case.namespace:
            for target in case.targets:
                found.setdefault(target, set()).add(case.item.number)
    return found


def clustered(model: ResponsibilityModel) -> list[str]:
    """Return the items that have something at cluster scope to enforce, by number."""
    return list(dict.fromkeys(case.item.name for case in _cluster_requests(resolve_model(model))))


def _policy(
    name: str,
    stage: AdmissionStage,
    terms: Terms,
    cases: Sequence[_ClusterRequests],
    table: Mapping[str, ClusterEnforcement],
) -> Manifest:
    items = {case.item.name: case.item for case in cases}
    sets = list(dict.fromkeys(case.allowed for case in cases))
    is_probe = f"variables.asked.endsWith('events {CREATE}')"
    trespass = " + ".join(
        f"(variables.case{number} && !variables.may{sets.index(case.allowed)} ? "
        f"[{cel.text(case.item.name)}] : [])"
        for number, case in enumerate(cases)
    )
    refused = "variables.trespass.filter(i, i in variables.enforced)"
    if stage is AdmissionStage.DENY:
        # Whoever breaks the glass is warned by the other policy.
        expression = f"variables.breakGlass || size({refused}) == 0"
    else:
        glass = (
            "variables.breakGlass && variables.trespass.exists(i, i in variables.enforcedAnywhere)"
        )
        expression = f"size({refused}) == 0 && !({glass})"
    message_expression = (
        f"(variables.breakGlass ? 'break-glass: ' : '') + {WHAT} + ' is ' + "
        "variables.touched.map(i, variables.titles[?i].orValue(i) + "
        "' of this cluster (belongs to others: ' + variables.contacts[?i]"
        ".orValue('see kubectl responsibility who-owns ' + i) + ')').join(', ') + "
        "(variables.breakGlass ? '. It was let through; tell them.' : "
        "'. Ask them to do it, or to delegate the item to you')"
    )
    probe = probe_name(name.removeprefix(NAME_PREFIX))
    broken = "variables.breakGlass && size(variables.touched) > 0"
    return policy(
        name,
        [*_rules(cases, fixed=False), *_rules(cases, fixed=True), _probe_rule(name)],
        [
            Validation(
                expression=f"!({is_probe} && variables.name == {cel.text(probe)})",
                message=f"probe {name.removeprefix(NAME_PREFIX)} {DIGEST}",
                message_expression=cel.text(f"probe {name.removeprefix(NAME_PREFIX)} {DIGEST} ")
                + f" + variables.{VERSION}",
            ),
            Validation(
                expression=expression,
                message="this belongs to others on this cluster: "
                "kubectl responsibility who-owns says to whom",
                message_expression=message_expression,
            ),
        ],
        variables=[
            *_tables(stage, table, items),
            ("resource", RESOURCE),
            ("asked", ASKED),
            ("kind", KIND),
            ("lifetime", changes_lifetime()),
            ("name", requester.NAME),
            ("place", requester.WHERE),
            *requester.WHO,
            ("breakGlass", _break_glass(terms)),
            (
                "listed",
                (
                    "variables.owners.filter(i, variables.owners[i].exists(l, l in variables.me || "
                    f"{requester.LIKE}))"
                ),
            ),
            *_entitled(sets),
            *((f"case{number}", case.condition()) for number, case in enumerate(cases)),
            ("trespass", trespass),
            ("touched", _touched(cases, sets)),
        ],
        patched=TABLES,
        conditions=[
            (
                "not-the-control-plane",
                (
                    "request.resource.resource == 'events' || "
                    f"!({requester.CONTROL_PLANE} || {requester.OPERATOR})"
                ),
            )
        ],
        audit=[("break-glass", f"{broken} ? {message_expression} : ''")]
        if stage is AdmissionStage.WARN
        else (),
    )


def empty_tables() -> dict[str, str]:
    """Return the operator's variables, by name, of a policy that enforces nothing."""
    return {name: text for name, text in _tables(AdmissionStage.DENY, {}, {}) if name in TABLES}


def _tables(
    stage: AdmissionStage, table: Mapping[str, ClusterEnforcement], items: Mapping[str, ItemTerms]
) -> Iterator[tuple[str, str]]:
    """Yield what the operator writes: the only variables that are not the same everywhere.

    The last of them tells these tables from others, so that a trial shows which are in force.
    """
    written = dict(_owners(stage, table, items))
    yield from written.items()
    yield VERSION, cel.text(sha256(repr(sorted(written.items())).encode()).hexdigest()[:10])
    yield (
        "titles",
        _literal(
            {name: cel.text(f"item {item.number} ({item.title})") for name, item in items.items()}
        ),
    )


def _owners(
    stage: AdmissionStage, table: Mapping[str, ClusterEnforcement], items: Mapping[str, ItemTerms]
) -> Iterator[tuple[str, str]]:
    known = {name: entry for name, entry in sorted(table.items()) if name in items}
    yield "owners", _literal({name: cel.texts(entry.entries) for name, entry in known.items()})
    yield (
        "contacts",
        _literal(
            {
                name: cel.text(" ".join(entry.contact.split()))
                for name, entry in known.items()
                if entry.contact.strip()
            }
        ),
    )
    yield "enforced", _names(n for n, entry in known.items() if entry.stage is stage)
    yield (
        ENFORCED_ANYWHERE,
        _names(n for n, entry in known.items() if entry.stage is not AdmissionStage.OBSERVE),
    )


def _literal(entries: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{cel.text(name)}: {value}" for name, value in entries.items())
    return f"dyn({{{pairs}}})"


def _names(names: Iterator[str]) -> str:
    return f"dyn({cel.texts(names)})"


def _break_glass(terms: Terms) -> str:
    listed = sorted({annotation_entries.entry(subject) for subject in terms.break_glass})
    return f"{requester.IS_MASTER} || {cel.texts(listed)}.exists(l, l in variables.me)"


def _entitled(sets: Sequence[Items]) -> Iterator[tuple[str, str]]:
    for number, items in enumerate(sets):
        names = cel.texts(sorted(items))
        yield f"standing{number}", f"variables.listed.exists(i, i in {names})"
        latest = (
            f"{names}.map(i, {cel.sequence('variables.owners[?i]')}"
            f".filter(l, {requester.IS_MINE_UNTIL}).map(l, {requester.MARKER_OF})).map(found, "
            "size(found) == 0 ? '' : found.max())"
        )
        yield (
            f"may{number}",
            f"variables.standing{number} || {requester.not_over(f'{latest}.max()')}",
        )


def _touched(cases: Sequence[_ClusterRequests], sets: Sequence[Items]) -> str:
    """Return the items in force that a request is about, without asking the authorizer."""
    parts = [
        f"({cel.text(case.item.name)} in variables.enforcedAnywhere && variables.case{number} && "
        f"!variables.standing{sets.index(case.allowed)} ? [{cel.text(case.item.name)}] : [])"
        for number, case in enumerate(cases)
    ]
    return " + ".join(parts)


def _cluster_requests(terms: Terms) -> Iterator[_ClusterRequests]:
    rights = {item.name: _targets(terms, item.required | item.reserved) for item in terms.items}
    for item in terms.items:
        if "kubernetes" not in item.kinds:
            continue
        named: dict[tuple[str, Target], set[str]] = {}
        for namespace, target, name in _targets(terms, item.reserved):
            named.setdefault((namespace, target), set()).add(name)
        alike: dict[tuple[str, frozenset[str], Items], list[Target]] = {}
        for (namespace, target), listed in sorted(named.items()):
            kept = frozenset({ANY_NAME}) if ANY_NAME in listed else frozenset(listed)
            allowed = frozenset(
                other
                for other, held in rights.items()
                if any(
                    t == target and where in (namespace, "") and n in (ANY_NAME, *kept)
                    for where, t, n in held
                )
            )
            alike.setdefault((namespace, kept, allowed), []).append(target)
        for (namespace, names, allowed), targets in alike.items():
            yield _ClusterRequests(item, namespace, names, allowed, tuple(targets))


def _targets(terms: Terms, mask: int) -> list[tuple[str, Target, str]]:
    by_bit = (terms.permissions.by_bit[bit] for bit in bits(mask))
    return [
        (permission.namespace, target, permission.name)
        for permission in by_bit
        if permission.namespace != HUB and (target := target_of(permission)) is not None
    ]


def _rules(cases: Sequence[_ClusterRequests], *, fixed: bool) -> list[ResourceRule]:
    operations: dict[tuple[str, str], set[str]] = {}
    for case in cases:
        if bool(case.namespace) is fixed:
            for target in case.targets:
                asked = operations.setdefault((target.group, target.resource), set())
                asked.add(target.operation)
                if target.operation == DELETE:
                    every = (target.group, target.resource + EVERY_SUBRESOURCE)
                    operations.setdefault(every, set()).add(UPDATE)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), asked in operations.items():
        alike.setdefault((group, tuple(sorted(asked))), []).append(resource)
    return [
        ResourceRule((group,), tuple(distinct(resources)), asked, NAMESPACED if fixed else CLUSTER)
        for (group, asked), resources in sorted(alike.items())
    ]


def _probe_rule(name: str) -> ResourceRule:
    probe = probe_name(name.removeprefix(NAME_PREFIX))
    return ResourceRule(
        (api_groups.CORE, api_groups.EVENTS), ("events",), (CREATE,), NAMESPACED, (probe,)
    )
