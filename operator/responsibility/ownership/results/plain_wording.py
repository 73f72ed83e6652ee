"""Sentences about causes in plain words, for those who don't know Kubernetes.

The page, Events, alerts and ``status.causes[].summary`` say them; `wording` says the same as RBAC
has it, for whoever ends it. What a permission comes to stands in the scale of `severity`, so what
is said can't differ from how bad it is held to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from responsibility.api.foreign_text import is_one_word, quoted
from responsibility.hub.release.changes import Act
from responsibility.ownership.results import wording
from responsibility.ownership.results.facts import (
    Absent,
    ApisRemoved,
    Facts,
    KubeletSkew,
    MoreOutOfBand,
    NobodyDeclared,
    NobodyInside,
    ObjectsUnread,
    OutOfBand,
    ReleaseNotRead,
    Shortfall,
    SideDoor,
    StillGranted,
    Vacancy,
    VersionsUnlisted,
)
from responsibility.ownership.results.findings import EXCESS, KINDS, Finding
from responsibility.ownership.results.severity import ability_of, danger_of, plain_words
from responsibility.ownership.terms.permission_index import Permission
from responsibility.phrases import counted, some
from responsibility.rbac.index import remember
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, Subject

if TYPE_CHECKING:
    from responsibility.ownership.results.causes import Cause

# What somebody can do, and by which names, in one sentence; more help nobody.
_MOST_ABILITIES: Final = 3
_MOST_NAMED: Final = 3

# Groups that no one keeps: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
_EVERYBODY: Final[Mapping[str, str]] = {
    "system:authenticated": "everybody who can sign in to the cluster",
    "system:unauthenticated": "anybody, without signing in,",
    "system:serviceaccounts": "every program on the cluster",
    "system:masters": "every administrator of the cluster",
    "system:nodes": "every machine of the cluster",
}
# How sentences begin that don't begin with a name.
_OURS: Final = frozenset({"the", "every", "everybody", "anybody,", "nobody", "somebody"})
_WORDS: Final = frozenset(word.strip(",") for word in _OURS)
# What can be no part of a sentence. RBAC lets users and groups be called anything, of any length.
_LONGEST_NAME: Final = 64
_PROGRAMS_OF: Final = "system:serviceaccounts:"


def summary(cause: Cause) -> str:
    """Return a cause as a sentence in plain words, without its full stop."""
    worst = cause.worst
    if worst.kind != EXCESS or worst.subject is None:
        return finding_text(worst)
    alike = [f for f in cause.findings if f.kind == EXCESS and bool(f.route) == bool(worst.route)]
    return _excess(worst, alike)


def finding_text(finding: Finding) -> str:
    """Return one finding as a sentence in plain words, without its full stop."""
    if finding.kind == EXCESS and finding.subject is not None:
        return _excess(finding, [finding])
    written = _SENTENCES.get(type(finding.facts))
    return _capital(written(finding, finding.facts) if written else wording.message(finding))


def worst_ability(finding: Finding) -> str:
    """Return the worst that somebody can do, or can't, without any name: one of few texts.

    It is for what has bounds, such as labels of metrics. Of what is about no permission, it is what
    its kind means.
    """
    if finding.kind != EXCESS and not isinstance(finding.facts, Shortfall):
        return KINDS[finding.kind].title
    worst = min(finding.permissions, key=_rank, default=None)
    # How a resource is called that has no words of its own, any model may say.
    words = ability_of(worst).words.replace("{}", "something else") if worst else "do something"
    return f"{'can' if finding.kind == EXCESS else 'cannot'} {words}"


def abilities(lists: Iterable[tuple[Permission, ...]]) -> list[str]:
    """Return what lists of permissions come to: the worst of each step of the scale first.

    Each thing is named once, and three ways to one right say less than three rights.
    """
    steps: dict[int, dict[str, None]] = {}
    for permissions in lists:
        for rank, words in _rated(permissions):
            steps.setdefault(rank, {})[words] = None
    turns = zip_longest(*(steps[rank] for rank in sorted(steps)))
    return list(dict.fromkeys(words for turn in turns for words in turn if words is not None))


# By identity: a pass makes thousands of findings about a few hundred lists of permissions.
_RATED: Final[dict[int, tuple[tuple[Permission, ...], tuple[tuple[int, str], ...]]]] = {}


def _rated(permissions: tuple[Permission, ...]) -> tuple[tuple[int, str], ...]:
    """Return what a list of permissions comes to, each thing once, with its step of the scale."""
    known = _RATED.get(id(permissions))
    if known is None or known[0] is not permissions:
        found = dict.fromkeys((_rank(each), plain_words(each)) for each in permissions)
        known = (permissions, tuple(found))
        remember(_RATED, id(permissions), known)
    return known[1]


def subject_text(subject: Subject) -> str:
    """Return who somebody is: a person by the name alone, everybody by what they are.

    A name that could be read as a sentence, or begin one, is quoted, and cut where it is long.
    """
    if subject.kind == GROUP:
        if subject.name.startswith(_PROGRAMS_OF):
            return f"every program in {_name(subject.name.removeprefix(_PROGRAMS_OF))}"
        return _EVERYBODY.get(subject.name) or f"the group {_name(subject.name)}"
    if subject.kind == SERVICE_ACCOUNT:
        return f"the program {_name(f'{subject.namespace}/{subject.name}')}"
    if subject.name.casefold().strip(",.:;!?") in _WORDS or not _is_plain(subject.name):
        return f"somebody called {quoted(subject.name, _LONGEST_NAME)}"
    return subject.name


def _name(name: str) -> str:
    """Return a name as it is where it is one word, else where it can't be taken for ours."""
    return name if _is_plain(name) else quoted(name, _LONGEST_NAME)


def _is_plain(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and is_one_word(name)


def _excess(worst: Finding, findings: Sequence[Finding]) -> str:
    assert worst.subject is not None  # noqa: S101 - of whom it is told
    can = abilities(each.permissions for each in findings)
    only = _only(findings)
    limits = {only.get(words, "") for words in can}
    if len(limits) == 1:
        what = f"{_listed(can)}{limits.pop()}"
    else:
        what = _listed([f"{words}{only.get(words, '')}" for words in can])
    detour = ", by a detour," if worst.route else ""
    owners = wording.owners_text(worst.owners)
    who = _capital(subject_text(worst.subject))
    return f"{who} can{detour} {what}{_where(worst)}, but {worst.title} is {owners}"


def _listed(able: Sequence[str]) -> str:
    """Return what somebody can do: ``a, b and c``; of more than a few, how many there are."""
    shown, left = able[:_MOST_ABILITIES], len(able) - _MOST_ABILITIES
    if left > 0:
        return f"{', '.join(shown)} and {counted(left, 'thing')} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _where(finding: Finding) -> str:
    if finding.hub is not None:
        return " in this hub"
    if finding.hubs and all(permission.is_hub for permission in finding.permissions):
        return f" on {counted(finding.hubs, 'hub')}"
    return " on the whole cluster"


def _only(findings: Sequence[Finding]) -> Mapping[str, str]:
    """Return for which names each ability holds, of those of which every source is for some only.

    Findings know the sources of all their permissions together.
    """
    names: dict[str, set[str]] = {}
    wide: set[str] = set()
    for finding in findings:
        if not _is_limited(finding):
            continue
        for permission in finding.permissions:
            words = plain_words(permission)
            if permission.name:
                wide.add(words)
            else:
                names.setdefault(words, set()).update(n for s in finding.sources for n in s.names)
    if not names:
        return {}
    for finding in findings:
        if not _is_limited(finding):
            wide.update(words for _, words in _rated(finding.permissions))
    return {
        words: f" (only what is called {some([_name(n) for n in sorted(of)], _MOST_NAMED)})"
        for words, of in names.items()
        if words not in wide
    }


def _is_limited(finding: Finding) -> bool:
    """Return whether every source of what somebody can do is for some names only."""
    return not finding.route and bool(finding.sources) and all(s.names for s in finding.sources)


def _shortfall(finding: Finding, short: Shortfall) -> str:
    cannot = abilities([finding.permissions])
    what = _listed(cannot)
    doubt = ""
    if short.by_group:
        doubt = ", unless it is in a group of which the cluster doesn't tell who is in it"
    elif short.unless is not None or short.unnamed:
        doubt = ", as far as the files that were read tell"
    enough = f": {short.holders} more of its people should" if short.holders > 1 else ""
    where = " in this hub" if finding.hub is not None else " on the whole cluster"
    return f"{_owner(finding)} owns {finding.title}, but cannot {what}{where}{enough}{doubt}"


def _vacancy(finding: Finding, _: Vacancy) -> str:
    items = counted(len(finding.items), "item")
    return f"nobody is left who could act for {_owner(finding)}, who owns {items}"


def _undeclared(finding: Finding, _: NobodyDeclared) -> str:
    items = some(finding.items, _MOST_NAMED)
    return f"nobody is named who acts for {_owner(finding)}, so nobody could do {items}"


def _absent(finding: Finding, facts: Absent) -> str:
    gone = some([subject_text(each) for each in facts.absent], _MOST_NAMED)
    return f"{gone} is to act for {_owner(finding)}, but isn't there any more"


def _still(finding: Finding, facts: StillGranted) -> str:
    return (
        f"{finding.title} was lent to {finding.party} until {facts.until:%Y-%m-%d}, and what was "
        "given for it hasn't been taken back"
    )


def _side_door(finding: Finding, door: SideDoor) -> str:
    who = subject_text(finding.subject) if finding.subject is not None else "somebody"
    others = f", as {counted(door.others, 'other')} can" if door.others else ""
    return f"{finding.title} is refused to {who}, who can get round that{others}"


def _inside(finding: Finding, _: NobodyInside) -> str:
    return f"{_owner(finding)} owns {finding.title}, but nobody is named who acts for it in the hub"


def _skew(finding: Finding, facts: KubeletSkew) -> str:
    machines = counted(facts.skew.nodes, "machine")
    verb = "runs" if facts.skew.nodes == 1 else "run"
    how = "newer than" if facts.skew.behind < 0 else "too old for"
    return (
        f"{machines} of the cluster {verb} Kubernetes {facts.skew.release}, {how} the cluster's "
        f"own, which is {facts.server}: {finding.title} is {wording.owners_text(finding.owners)}"
    )


def _removed(finding: Finding, facts: ApisRemoved) -> str:
    return (
        f"the hub was installed in a way that Kubernetes {facts.first.removed_in.release} no "
        f"longer knows, and can't be changed on it: {finding.title} is "
        f"{wording.owners_text(finding.owners)}"
    )


def _unlisted(_finding: Finding, _: VersionsUnlisted) -> str:
    return "It can't be told whether the cluster's machines run a Kubernetes that fits it"


def _by_hand(finding: Finding, facts: OutOfBand) -> str:
    change = facts.change
    what = "removed" if change.act is Act.DELETED else "changed"
    return (
        f"Something of the hub was {what} by hand, which is in no deployment ({change.object.name})"
        f": {finding.title} is {wording.owners_text(finding.owners)}"
    )


def _more_by_hand(_finding: Finding, facts: MoreOutOfBand) -> str:
    return f"Much of the hub was changed by hand: {counted(facts.changes, 'thing')} beside those"


def _by_hand_unknown(_finding: Finding, _: ReleaseNotRead | ObjectsUnread) -> str:
    return "It can't be told whether the hub was changed by hand since it was deployed"


# Those facts of which `wording` speaks as engineers do. All others are told in one way.
_SENTENCES: Final[Mapping[type[Facts] | type[None], Callable[[Finding, Any], str]]] = {
    Shortfall: _shortfall,
    Vacancy: _vacancy,
    NobodyDeclared: _undeclared,
    Absent: _absent,
    StillGranted: _still,
    SideDoor: _side_door,
    NobodyInside: _inside,
    KubeletSkew: _skew,
    VersionsUnlisted: _unlisted,
    ApisRemoved: _removed,
    OutOfBand: _by_hand,
    MoreOutOfBand: _more_by_hand,
    ReleaseNotRead: _by_hand_unknown,
    ObjectsUnread: _by_hand_unknown,
}


def _owner(finding: Finding) -> str:
    return " and ".join(finding.owners) or finding.party or "nobody"


def _rank(permission: Permission) -> int:
    return danger_of(permission).rank


def _capital(sentence: str) -> str:
    """Return a sentence with a capital, but where it begins with somebody's name."""
    first, _, _ = sentence.partition(" ")
    return sentence[:1].upper() + sentence[1:] if first in _OURS else sentence
