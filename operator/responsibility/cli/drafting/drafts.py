"""Drafts of records: what the model says, and who holds what today."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responsibility.api import subjects
from responsibility.api.common import PartySpec
from responsibility.api.foreign_text import harmless
from responsibility.api.names import API_VERSION
from responsibility.api.parse import load_shipped_model
from responsibility.api.record import DEFAULT_MODEL
from responsibility.cli.answers.report import Report
from responsibility.cli.drafting import settings
from responsibility.cli.drafting.hub_table import HubRow
from responsibility.cli.drafting.user_namespaces import UserNamespaces, user_namespaces
from responsibility.cli.drafting.user_namespaces import questions as namespace_questions
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import clean, to_json
from responsibility.hub.discovery import Hub, HubKey
from responsibility.hub.values.agreed import HubValues, UnreadValues
from responsibility.ownership.access.grant_masks import Holding, collect
from responsibility.ownership.results.value_wording import UNREAD
from responsibility.ownership.terms.agreement import Terms
from responsibility.ownership.terms.entitlement import ExemptionBook
from responsibility.ownership.terms.exemptions import exempt_operator
from responsibility.ownership.terms.permission_index import Names
from responsibility.ownership.terms.resolve import resolve_model
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import GROUP, Subject


def have_a_model(view: ClusterView) -> None:
    """Take the shipped model where there is none yet."""
    if not view.models:
        model = load_shipped_model()
        view.models[model.name] = model


def choose(report: Report, names: Iterable[str]) -> list[Hub]:
    """Return the hubs of these names; without any, those that have no record.

    Raises CliError where there is no hub at all, none or several of a name, or one with a record.
    """
    from responsibility.hub.discovery import discover

    hubs = discover(report.view.deployments)
    wanted = list(names)
    if not hubs:
        raise CliError(
            "there is no JupyterHub: no Deployment is labelled as the hub of a JupyterHub release"
        )
    if not wanted:
        return [hubs[key] for key in report.assessment.unrecorded]
    return [hubs[_find(name, hubs, report)] for name in wanted]


def _find(name: str, hubs: Iterable[HubKey], report: Report) -> HubKey:
    found = [key for key in hubs if name in (str(key), key.namespace)]
    if len(found) > 1:
        raise CliError(f"{name} means several hubs: say one of {', '.join(map(str, found))}")
    if not found:
        there = ", ".join(map(str, sorted(hubs)))
        raise CliError(f"there is no hub {name}; there are {there}")
    for hub in report.assessment.hubs.values():
        if hub.agreement.hub == found[0]:
            raise CliError(
                f"hub {found[0]} has a record already: {hub.agreement.record}; edit that one"
            )
    return found[0]


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """A draft as YAML, and what it leaves to be decided."""

    text: str
    questions: tuple[DraftQuestion, ...]


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    """Somebody about whom a person has to decide: who holds rights here and is nobody's.

    Or who is named and holds none; ``meant`` is then whose name is much like it, and who does.
    """

    subject: Subject
    meant: str = ""


def draft_all(
    report: Report,
    hubs: Iterable[Hub],
    table: Mapping[str, HubRow] | None = None,
    values: Mapping[HubKey, HubValues] | None = None,
    *,
    cluster: str = "",
) -> dict[str, RecordDraft]:
    """Return the drafts by the name of the record.

    ``table`` is what an organisation says of its hubs, ``values`` what is set on them today. Where
    there are several, hubs are called alike, so the name of the ``cluster`` is in the record's.
    """
    models = report.view.models
    model = models.get(DEFAULT_MODEL) or models[min(models)]
    terms = resolve_model(model)
    taken = {*report.view.records, *report.view.broken_records}
    drafts = {}
    chosen = list(hubs)
    for hub in chosen:
        key = hub.key
        both = key.namespace if key.namespace == key.release else f"{key.namespace}-{key.release}"
        # It becomes the name of an object and of a file.
        whole = f"{cluster}-{both}" if cluster else both
        name = re.sub(r"[^a-z0-9-]+", "-", whole.lower()).strip("-")[:60] or "hub"
        while name in taken:
            name = f"{name}-draft"
        taken.add(name)
        row = row_of(key, table or {})
        every = _holders(report, hub, terms)
        users = user_namespaces(report, hub)
        lines = [
            *_draft(report, hub, name, terms, row, every=every, cluster=cluster),
            *(f"  # {line}" for line in (namespace_questions(users, hub) if users else ())),
            # Of one hub they are read; a hundred times they hide what differs.
            *(_defaults(terms) if len(chosen) == 1 else ()),
            *_items((values or {}).get(key), terms),
        ]
        drafts[name] = RecordDraft("\n".join(lines) + "\n", tuple(_questions(row, every, users)))
    return drafts


def _questions(
    row: HubRow | None, every: Sequence[_Holder], users: UserNamespaces | None
) -> Iterator[DraftQuestion]:
    """Yield whom the draft names that may be misspelt, and who holds rights and is nobody's.

    That a community holds nothing is normal where it acts by pull requests, and so is it that
    somebody may look: neither is for anybody to decide.
    """
    named = row.subjects if row else ()
    held = {holder.subject for holder in every}
    for subject in named:
        if subject not in held and (meant := _meant(subject, named, held)):
            yield DraftQuestion(subject, meant)
    for holder in every:
        if holder.acts and holder.subject not in named and (named or not holder.likely):
            yield DraftQuestion(holder.subject)
    if users is not None:
        yield from (DraftQuestion(maker) for maker, _ in users.makers)


def _meant(subject: Subject, named: Sequence[Subject], held: Collection[Subject]) -> str:
    """Return whose name is much like that of somebody who holds nothing; empty for nobody."""
    there = {s.name for s in held if s.kind == subject.kind and s not in named}
    return next(iter(difflib.get_close_matches(subject.name, there, n=1, cutoff=0.75)), "")


def _defaults(terms: Terms) -> Iterator[str]:
    yield "  # What differs from the model. By default:"
    yield from (f"  #   {item.number:>2} {item.name}: {item.owner}" for item in terms.items)


def row_of(key: HubKey, table: Mapping[str, HubRow]) -> HubRow | None:
    """Return the line about a hub, by its whole name or by its namespace."""
    return table.get(str(key)) or table.get(key.namespace)


# How many subjects the API takes in one party.
_MOST = next(
    m.max_length for m in PartySpec.model_fields["subjects"].metadata if hasattr(m, "max_length")
)


@dataclass(frozen=True, slots=True)
class _Holder:
    """Somebody with rights in the hub's namespace, and the items they belong to."""

    subject: Subject
    bindings: tuple[str, ...]
    requires: tuple[str, ...]
    some: tuple[str, ...]

    @property
    def likely(self) -> bool:
        """Whether it looks like the community's own identity: a group that does more than look."""
        return self.acts and self.subject.kind == GROUP and is_joinable(self.subject.name)

    @property
    def acts(self) -> bool:
        """Whether it can do anything that an item is about."""
        return bool(self.some or self.requires)


def _holders(report: Report, hub: Hub, terms: Terms) -> list[_Holder]:
    """Return who holds something of the model by RoleBindings in the hub's namespace."""
    names = Names(hub.key.namespace, hub.key.release, hub.prefix)
    book = ExemptionBook.of(
        (*(e.fill(names) for e in terms.exemptions), *exempt_operator(report.view.operator))
    )
    known = {subject for party in terms.parties.values() for subject in party.subjects}
    held = collect(report.view.graph.scope(hub.key.namespace), terms.permissions)
    left = {
        subject: holding.beyond(book.of_subject(subject), terms.permissions, names)
        for subject, holding in held.items()
    }
    return [
        _holder(subject, holding, terms, names)
        for subject, holding in sorted(left.items(), key=lambda pair: pair[0])
        if subject not in known and holding.grants
    ]


def _holder(subject: Subject, holding: Holding, terms: Terms, names: Names) -> _Holder:
    mask = holding.mask(terms.permissions, names) & terms.permissions.hub_mask
    whole, some = [], []
    for item in terms.items:
        required = item.required & terms.permissions.hub_mask
        if required and not required & ~mask:
            whole.append(item.name)
        elif item.reserved & mask:
            some.append(item.name)
    bindings = tuple(
        dict.fromkeys(f"{binding.key} to {binding.role}" for binding, _ in holding.grants)
    )
    return _Holder(subject, bindings, tuple(whole), tuple(some))


def _draft(
    report: Report,
    hub: Hub,
    name: str,
    terms: Terms,
    row: HubRow | None,
    *,
    every: Sequence[_Holder],
    cluster: str,
) -> Iterator[str]:
    key = hub.key
    named = row.subjects if row else ()
    holders = [holder for holder in every if holder.subject not in named]
    # Where the table names whose the hub is, no other group is taken for the community's.
    groups = [holder for holder in holders if holder.likely and not named]
    refused = {holder: why for holder in groups if (why := _refused(holder.subject))}
    likely = [holder for holder in groups if holder not in refused]
    # What is beyond the bound of the list is left to whoever reviews the draft.
    refused |= dict.fromkeys(likely[_MOST:], f"a party has {_MOST} subjects at most")
    likely = likely[:_MOST]
    yield f"# A draft: who owns what on hub {key}. Review it, then apply it."
    yield f"apiVersion: {API_VERSION}"
    yield "kind: Responsibility"
    yield "metadata:"
    yield f"  name: {_text(name)}"
    yield "spec:"
    yield "  hub:"
    yield f"    namespace: {_text(key.namespace)}"
    yield f"    release: {_text(key.release)}"
    if cluster:
        yield f"    cluster: {_text(cluster)}"
    yield (
        f"    displayName: {_text(row.display_name)}"
        if row and row.display_name
        else "    # displayName: the name that people know"
    )
    yield f"  model: {_text(terms.name)}"
    community = _community(terms)
    if community:
        yield "  parties:"
        yield f"  - name: {_text(community)}"
        yield from _known(row)
        if named:
            yield from _named(named, every)
        elif likely:
            yield "    # Groups that hold rights in this namespace today. Are they the community's?"
            yield "    subjects:"
            for holder in likely:
                yield from _comments(holder, "    ")
                yield f"    - {_reference(holder.subject)}"
        else:
            yield "    # No group does more than look in this namespace. That is normal for a"
            yield "    # community that acts by pull requests and on the hub's admin page."
    if refused:
        yield "  # Groups that hold rights here and that no record can name:"
        for holder, why in refused.items():
            yield from _comments(holder, "  ")
            yield f"  #   {clean(why)}"
    others = [holder for holder in holders if holder.acts and (not holder.likely or named)]
    if others:
        yield "  # These hold rights here, too, and are nobody's so far. Remove their bindings, or"
        yield "  # add them to a party's subjects, or to exemptions with a reason:"
        for holder in others:
            yield from _comments(holder, "  ")
            yield f"  # - {_reference(holder.subject)}"
    if looking := [holder for holder in holders if not holder.acts]:
        yield "  # These may look, and do nothing that an item is about:"
        for holder in looking:
            yield from _comments(holder, "  ")
    yield from _pointless(report, hub)


def _items(values: HubValues | None, terms: Terms) -> Iterator[str]:
    """Yield the items of a draft: nothing but what is set today, where that is asked for."""
    found = {} if values is None else settings.by_item(values, terms.items)
    if isinstance(values, UnreadValues):
        yield f"  # What is set today is not here: {UNREAD[values.why]}."
    if not found:
        yield "  items: []"
        return
    yield "  items:"
    for item, agreed in found.items():
        yield f"  - name: {_text(item)}"
        yield "    # As it is set today. Take out what nobody has agreed on."
        yield "    agreed:"
        for each in agreed:
            end = f"max: {_text(each.maximum)}" if each.maximum else f"value: {_text(each.value)}"
            yield f"    - {{path: {_text(each.path)}, {end}}}"


def _known(row: HubRow | None) -> Iterator[str]:
    """Yield what the table says of the community, and what nobody has said."""
    community, email, url = (row.community, row.email, row.url) if row else ("", "", "")
    yield f"    displayName: {_text(community)}" if community else "    # displayName: …"
    ways = [f"{key}: {_text(text)}" for key, text in (("email", email), ("url", url)) if text]
    if ways:
        yield f"    contact: {{{', '.join(ways)}}}"
    else:
        yield "    # Where the community is reached: without it, nobody can be called."
        yield "    # contact: {email: …}"


def _named(named: Sequence[Subject], holders: Sequence[_Holder]) -> Iterator[str]:
    """Yield whom the table names, with a remark on who has no rights here and may be misspelt."""
    held = {holder.subject for holder in holders}
    yield "    subjects:"
    for subject in named:
        if subject not in held:
            close = _meant(subject, named, held)
            meant = f"; is {clean(close)} meant, who does?" if close else ""
            yield f"    # {clean(str(subject))} holds nothing in this namespace{meant}"
        yield f"    - {_reference(subject)}"


def _refused(subject: Subject) -> str:
    """Return why the API server would refuse a record that names it; empty if it wouldn't."""
    from pydantic import ValidationError

    fields: dict[str, Any] = {"kind": subject.kind, "name": subject.name}
    reference = subjects.SubjectSpec.model_construct(None, **fields, namespace=subject.namespace)
    broken = (r.message for r in reference.rules if r.check is not None and not r.check(reference))
    if why := next(broken, ""):
        return why
    try:
        subjects.SubjectSpec.model_validate(fields)
    except ValidationError:
        if harmless(subject.name) != subject.name:
            return "a record takes no name with characters that can't be seen"
        return "a record takes no name as long as this"
    return ""


def _pointless(report: Report, hub: Hub) -> Iterator[str]:
    """Yield the bindings that were meant to give something, and give nothing."""
    graph = report.view.graph
    keys = graph.scope(hub.key.namespace).dangling()
    if keys:
        yield "  # These bind roles that are not there. Somebody may have lost what they need:"
    for key in keys:
        binding = graph.bindings[key]
        subjects = ", ".join(map(str, binding.subjects)) or "nobody"
        yield f"  # {clean(f'{key} to {binding.role}: {subjects}')}"


def _community(terms: Terms) -> str:
    """Return the party that hubs differ in: one without subjects that owns something."""
    owners = {item.owner for item in terms.items}
    return next((p.name for p in reversed(list(terms.parties.values())) if p.name in owners), "")


def _comments(holder: _Holder, indent: str) -> Iterator[str]:
    # Cleaned: a name may hold a line break, and with it anything that YAML can say.
    yield f"{indent}# {clean(str(holder.subject))}: {clean(', '.join(holder.bindings))}"
    if holder.requires:
        yield f"{indent}#   can do all that these require: {', '.join(holder.requires)}"
    if holder.some:
        yield f"{indent}#   can do some of what these reserve: {', '.join(holder.some)}"


def _reference(subject: Subject) -> str:
    fields = {"kind": str(subject.kind), "name": subject.name}
    if subject.namespace:
        fields["namespace"] = subject.namespace
    return "{" + ", ".join(f"{key}: {_text(value)}" for key, value in fields.items()) + "}"


def _text(value: str) -> str:
    """Return a name as YAML: quoted, as JSON does it, unless it is plain letters."""
    plain = value.replace("-", "").isalnum() and value[:1].isalpha()
    risky = value.lower() in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    return value if plain and not risky else to_json(value)
