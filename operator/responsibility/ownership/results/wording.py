"""Sentences about findings, and the lists in them: all words are made here, at the edge.

Statuses, Events, the command line, the page and alerts say the same of a finding, because they ask
here; nothing of what is said is ever read back. Names are told as they are: each way out makes
foreign text harmless for where it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from shlex import quote
from typing import TYPE_CHECKING, assert_never

from responsibility.api.foreign_text import plain_name
from responsibility.ownership.results import (
    admin_wording,
    release_wording,
    value_wording,
    version_wording,
)
from responsibility.ownership.results.facts import (
    Absent,
    AdminFacts,
    Disagreement,
    Expired,
    Expiring,
    Facts,
    NobodyDeclared,
    NoContact,
    Overdue,
    PublishedByOperator,
    ReleaseFacts,
    Shortfall,
    SideDoor,
    StillGranted,
    Vacancy,
    ValueFacts,
    VersionFacts,
)
from responsibility.ownership.results.findings import KINDS, Finding
from responsibility.ownership.results.severity import danger_of
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.phrases import counted, some
from responsibility.rbac.objects import BindingKey, Source
from responsibility.shell import arguments

if TYPE_CHECKING:
    from responsibility.ownership.results.causes import Cause

    # Questions about rights alone don't wait for the models that agreements are read by.
    from responsibility.ownership.terms.agreement import Party

# Bindings that a remedy names, and records of one owner; more in a sentence help nobody.
_MOST_NAMED = 3
_MOST_PERMISSIONS = 2
# As long as a name of Kubernetes' own may be; users and groups may have any.
_LONGEST_NAME = 253


# --- parts of a sentence ------------------------------------------------------------------------


def permission_text(permission: Permission) -> str:
    """Return it as ``kubectl auth can-i`` takes it: ``patch deployments.apps/hub``."""
    group = f".{permission.group}" if permission.group and permission.group != "*" else ""
    name = f"/{permission.name}" if permission.name else ""
    flag = f" --subresource={permission.subresource}" if permission.subresource else ""
    return f"{permission.verb} {permission.resource}{group}{name}{flag}"


EVERYTHING_TEXT = permission_text(EVERYTHING)


def permission_texts(permissions: Iterable[Permission]) -> tuple[str, ...]:
    """Return permissions as ``kubectl auth can-i`` takes them."""
    return tuple(map(permission_text, permissions))


def worst_first(permissions: Iterable[Permission]) -> list[Permission]:
    """Return permissions by what can be done by them, the worst first."""
    return sorted(permissions, key=lambda permission: danger_of(permission).rank)


def permission_lines(permissions: Sequence[Permission]) -> tuple[str, ...]:
    """Return permissions for reading, the worst first: a line for what several verbs are about."""
    verbs: dict[str, list[str]] = {}
    for permission in worst_first(permissions):
        verb, what = permission_text(permission).split(" ", 1)
        verbs.setdefault(what, []).append(verb)
    return tuple(f"{', '.join(each)} {what}" for what, each in verbs.items())


def in_words(permission: str) -> str:
    """Return the text of a permission as people say it in a list of some."""
    return "everything" if permission == EVERYTHING_TEXT else permission


def binding_arguments(key: BindingKey) -> str:
    """Return a binding as kubectl takes it: ``rolebinding edit -n prod``."""
    if not key.namespace:
        return f"clusterrolebinding {arguments([key.name])}"
    return f"rolebinding {arguments([key.name], [f'-n {quote(key.namespace)}'])}"


def source_text(source: Source) -> str:
    """Return a source as people read it: the binding, its role, and the number of the rule."""
    if source.binding is None:
        return source.binding_text
    names = f", for {', '.join(source.names)} only" if source.names else ""
    return f"{source.binding_text}, rule {source.rule + 1}{names}"


def source_texts(sources: Iterable[Source]) -> tuple[str, ...]:
    """Return sources as people read them."""
    return tuple(map(source_text, sources))


def contact_text(party: Party) -> str:
    """Return a party with all ways to reach it: ``2i2c: support@2i2c.org, https://2i2c.org``."""
    ways = ", ".join(filter(None, (party.email, party.url)))
    return f"{party.label}: {ways}" if ways else party.label


def step_texts(finding: Finding) -> tuple[str, ...]:
    """Return the steps of an indirect route, each a clause; none for a direct finding."""
    return tuple(_with_plain_names(str(step), finding) for step in finding.route)


# --- sentences ----------------------------------------------------------------------------------


def message(finding: Finding) -> str:
    """Return what is found, as a sentence without its full stop.

    A name that goes on for longer than any has is cut: statuses cut what comes last. One that is
    more than a word is quoted.
    """
    return _with_plain_names(_message(finding), finding)


def _with_plain_names(text: str, finding: Finding) -> str:
    """Return a text in which names are cut where they are long, and quoted where they are odd.

    All at once, the longest first, and whole words only: a name may begin with another's, or have
    another's in it.
    """
    whom = {step.actor for step in finding.route}
    whom |= {step.target for step in finding.route if step.target is not None}
    if finding.subject is not None:
        whom.add(finding.subject)
    odd = {
        str(subject): str(subject._replace(name=shown))
        for subject in whom
        if (shown := plain_name(subject.name, _LONGEST_NAME)) != subject.name
    }
    if not odd:
        return text
    # Names that need nothing are found, too, so that nothing in them is.
    longest_first = sorted(map(str, whom), key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", lambda found: odd.get(found[0], found[0]), text)


def _message(finding: Finding) -> str:
    if isinstance(finding.facts, SideDoor):
        return _side_door(finding, finding.facts)
    if isinstance(
        finding.facts, AdminFacts | ValueFacts | VersionFacts | ReleaseFacts | PublishedByOperator
    ):
        return _inside(finding, finding.facts)
    if finding.facts is None:
        if not finding.route:
            return _excess(finding, str(finding.subject))
        return f"{', then '.join(map(str, finding.route))}; so {_excess(finding, 'it')}"
    return _about(finding)


def remedy(finding: Finding) -> str:
    """Return what ends it, as a sentence."""
    return _with_plain_names(_remedy((finding,)), finding)


def cause_message(cause: Cause) -> str:
    """Return the worst of what one cause makes, and which items it touches beside that one."""
    others = [item for item in cause.items if item != cause.worst.item]
    also = f"; it touches {some(others, _MOST_NAMED)} as well" if others else ""
    return message(cause.worst) + also


def cause_remedy(cause: Cause) -> str:
    """Return what ends all that has one cause, as a sentence."""
    return _with_plain_names(_remedy(cause.findings), cause.worst)


def _remedy(findings: Sequence[Finding]) -> str:
    """Return what ends findings with one cause, of which the first says which kind it is."""
    finding = findings[0]
    if isinstance(finding.facts, SideDoor) and finding.facts.closed_by:
        return _closing(finding.facts)
    keys = list(dict.fromkeys(s.binding for f in findings for s in f.sources if s.binding))
    bindings = [str(key) for key in keys]
    if finding.subject is None or not bindings:
        return _ending(finding.facts) or KINDS[finding.kind].remedy
    subject, where = finding.subject, some(bindings, _MOST_NAMED)
    system = [str(key) for key in keys if _is_system(key)]
    if system:
        return (
            f"Leave {some(system, _MOST_NAMED)} as it is, for it is Kubernetes' own: "
            f"bind {subject} in a binding of your own to what it needs, or exempt it."
        )
    if any(each.declared for each in findings):
        return (
            f"Plan it, with `kubectl responsibility plan`: {subject} acts for a party, and is to "
            f"keep what it is entitled to of what {where} gives."
        )
    return f"Remove {subject} from {where}, or declare it as a subject of a party."


def _inside(
    finding: Finding,
    facts: AdminFacts | ValueFacts | VersionFacts | ReleaseFacts | PublishedByOperator,
) -> str:
    """Return what is found by looking beyond RBAC."""
    if isinstance(facts, AdminFacts):
        return admin_wording.sentence(finding, facts)
    if isinstance(facts, ValueFacts):
        return value_wording.sentence(finding, facts)
    if isinstance(facts, VersionFacts):
        return version_wording.sentence(finding, facts, owners_text(finding.owners))
    if isinstance(facts, ReleaseFacts):
        return release_wording.sentence(finding, facts, owners_text(finding.owners))
    return facts.message


def _ending(facts: Facts | None) -> str:
    """Return what ends just this, as a sentence; empty where its kind says it."""
    if isinstance(facts, PublishedByOperator):
        return facts.remedy
    if isinstance(facts, VersionFacts):
        return version_wording.remedy(facts)
    if isinstance(facts, Shortfall):
        return _reading_more(facts)
    return admin_wording.remedy(facts) if isinstance(facts, AdminFacts) else ""


def _reading_more(short: Shortfall) -> str:
    """Return what would have to be read to know; empty where reading more brings nothing."""
    if short.unnamed:
        whom = some(list(map(str, short.unnamed)), _MOST_NAMED)
        return f"Add the files that bind {whom} to what is read, with another -f."
    if short.unless is not None:
        return (
            f"Add the files that make {short.unless[0]} what it is on the cluster to what is read, "
            "with another -f; if there are none, grant the owner's subjects what is missing."
        )
    return ""


def _side_door(finding: Finding, door: SideDoor) -> str:
    """Return how somebody gets round what is refused."""
    others = f", as {counted(door.others, 'other')} can" if door.others else ""
    return (
        f"{', then '.join(map(str, finding.route))}{others}; "
        f"so {finding.title} is refused to it, and "
        "is got round all the same"
    )


def _closing(door: SideDoor) -> str:
    """Return which items close a way round another."""
    one = f"Raise {' or '.join(door.closed_by)} to deny"
    if set(door.together) <= set(door.closed_by) and len(door.together) == 1:
        return f"{one}; with {door.together[0]}, nothing that is enforced here is hollow."
    together = " and ".join(door.together)
    return f"{one}, which closes this way; to close all on this hub, {together} together."


def _is_system(binding: BindingKey) -> bool:
    """Return whether a binding is named as only Kubernetes' own are."""
    return binding.name.startswith("system:")


def _excess(finding: Finding, who: str) -> str:
    """Return that somebody holds what is others', called ``who``."""
    owners = owners_text(finding.owners)
    return (
        f"{who} can {_summary(worst_first(finding.permissions))}{_names(finding)}"
        f"{_where(finding)}, "
        f"but {finding.title} is {owners}"
    )


def owners_text(owners: Sequence[str]) -> str:
    """Return whose something is; of a fleet, where each hub has other owners, the first two."""
    if len(owners) <= _MOST_NAMED:
        return f"{' and '.join(owners) or 'nobody'}'s"
    return f"{some(owners, _MOST_NAMED - 1, rest='others')}'"


def _summary(permissions: Sequence[Permission]) -> str:
    texts = ["do everything" if p == EVERYTHING else permission_text(p) for p in permissions]
    return some(texts, _MOST_PERMISSIONS)


def _names(finding: Finding) -> str:
    """Return for which names the first permission holds, where every source is for some only."""
    sources, first = finding.sources, worst_first(finding.permissions)[:1]
    if finding.route or not sources or not all(s.names for s in sources):
        return ""
    if any(permission.name for permission in first):
        return ""
    names = sorted({name for source in sources for name in source.names})
    shown = [plain_name(name, _LONGEST_NAME) for name in names[:_MOST_NAMED]]
    return f" (only of the name {some([*shown, *names[_MOST_NAMED:]], _MOST_NAMED)})"


def _where(finding: Finding) -> str:
    if finding.hub is not None:
        return f" in namespace {finding.hub.namespace}"
    if all(permission.is_hub for permission in finding.permissions):
        return f" cluster-wide on {counted(finding.hubs, 'hub')}"
    return " cluster-wide"


def _about(finding: Finding) -> str:
    """Return what the facts of a finding say."""
    title, owner, party = finding.title, " and ".join(finding.owners), finding.party
    match finding.facts:
        case (
            None
            | SideDoor()
            | AdminFacts()
            | ValueFacts()
            | VersionFacts()
            | ReleaseFacts()
            | PublishedByOperator()
        ):
            sentence = ""
        case Shortfall() as short:
            sentence = _shortfall(finding, owner, short)
        case Vacancy(absent):
            sentence = (
                f"{owner} owns {counted(len(finding.items), 'item')}, but none of its subjects "
                f"exists: {', '.join(map(str, absent))}"
            )
        case NobodyDeclared():
            items = ", ".join(finding.items)
            sentence = f"{owner} has no subject, but {items} is to be enforced: nobody could act"
        case Absent(absent):
            sentence = f"{owner} declares {', '.join(map(str, absent))}, which does not exist"
        case NoContact():
            sentence = (
                f"{owner} owns {counted(len(finding.items), 'item')} and has neither e-mail nor url"
            )
        case Expired(until, reason, in_model):
            sentence = (
                f"The delegation of {title} to {party}{f' ({reason})' if reason else ''} ended on "
                f"{_moment(until)} and is still in the {'model' if in_model else 'record'}"
            )
        case Expiring(until):
            sentence = (
                f"The delegation of {title} to {party} ends on {_moment(until)}; "
                "then its rights are too much"
            )
        case StillGranted(until):
            bindings = ", ".join(str(source.binding) for source in finding.sources)
            sentence = (
                f"The delegation of {title} to {party} ended on {_moment(until)}, "
                f"but {bindings} still grants it"
            )
        case Overdue(review_after):
            sentence = f"{title} was to be reviewed after {review_after}"
        case Disagreement(owners):
            named = "; ".join(f"{label} in {some(names, _MOST_NAMED)}" for label, names in owners)
            sentence = (
                f"{title} is about the whole cluster, but records name {len(owners)} owners: "
                f"{named}"
            )
        case _ as never:
            assert_never(never)
    return sentence


def _shortfall(finding: Finding, owner: str, short: Shortfall) -> str:
    verb = "can only by a group membership that RBAC does not show" if short.by_group else "cannot"
    where = f"in namespace {finding.hub.namespace}" if finding.hub is not None else "in the cluster"
    few = "" if short.holders == 1 else f" (for {short.holders} holders)"
    unless = ""
    if short.unless is not None:
        role, binding = short.unless
        unless = f", unless {role}, which {binding} binds and the files don't have, grants it"
    if short.unnamed:
        names = some([str(subject) for subject in short.unnamed], _MOST_NAMED)
        unless = f", as far as these files tell: no binding in them names {names}"
    return (
        f"{owner} owns {finding.title} and {verb} {_summary(finding.permissions)} {where}{few}"
        f"{unless}"
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
