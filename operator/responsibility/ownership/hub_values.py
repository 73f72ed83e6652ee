"""KnownSettings of a hub, held against what people have agreed on.

What was agreed stands in the record (``items[].agreed``), what is set in the Secret with all values
of the hub's chart. The two drift apart at a migration, or by a change that nobody thought of: the
2 GB that were 1 GB afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from responsibility.hub.sessions.aspects import (
    ACCOUNT,
    ASPECTS,
    IDENTITY,
    IMAGE,
    OF_CLAIMS,
    OF_SESSIONS,
)
from responsibility.hub.values.agreed import (
    AgreedValue,
    HubValues,
    Setting,
    UnreadValues,
    deviations,
    seen,
)
from responsibility.ownership.results.facts import Facts, OutOfBounds, ValuesUnread
from responsibility.ownership.results.findings import (
    VALUE_OUT_OF_BOUNDS,
    VALUES_UNKNOWN,
    Finding,
)
from responsibility.ownership.terms.agreement import Agreement, Item


@dataclass(frozen=True, slots=True)
class KnownSettings:
    """What is known of a hub's settings, by where each is looked at; None where nobody looks."""

    values: HubValues | None = None
    sessions: HubValues | None = None
    identities: HubValues | None = None

    def of(self, path: str) -> HubValues | None:
        """Return what is known of where a path is looked at."""
        if path == IDENTITY:
            return self.identities
        return self.sessions if path in OF_SESSIONS else self.values

    def unread(self, path: str) -> UnreadValues | None:
        """Return that not all is known of where a path is looked at; None where it is."""
        source = self.of(path)
        if isinstance(source, UnreadValues):
            return None if path in source.whole else source
        # Identities are looked for at the accounts that sessions are seen to run as.
        by = self.sessions if path == IDENTITY else None
        if isinstance(by, UnreadValues) and by.seen and ACCOUNT not in by.whole:
            return by
        return None

    @property
    def identity(self) -> tuple[Setting, ...] | None:
        """The cloud identities of the hub's sessions; None where they are not known."""
        known = self.identities
        return None if known is None or isinstance(known, UnreadValues) else known[IDENTITY]

    @property
    def images(self) -> tuple[Setting, ...] | None:
        """The images that the hub's sessions are seen to run; None where that is not known."""
        known = self.sessions
        if known is None or (isinstance(known, UnreadValues) and IMAGE not in known.seen):
            return None
        return seen(known).get(IMAGE, ())

    def know(self, item: Item) -> bool:
        """Return whether all that is agreed of an item was looked at."""
        return bool(item.agreed) and all(self._knows(agreed.path) for agreed in item.agreed)

    def _knows(self, path: str) -> bool:
        # What is agreed since the last look is not looked at yet.
        source = self.of(path)
        return source is not None and path in seen(source) and self.unread(path) is None


def items_agreed(agreement: Agreement) -> tuple[Item, ...]:
    """Return the items of which the record says what some settings are to be."""
    return tuple(i for i in agreement.items if i.agreed and i.name not in agreement.unresolved)


def paths_agreed(agreement: Agreement) -> tuple[str, ...]:
    """Return the paths of those settings that are looked at among the hub's values."""
    paths = (agreed.path for item in items_agreed(agreement) for agreed in item.agreed)
    return tuple(path for path in dict.fromkeys(paths) if path not in ASPECTS)


def identities_of(
    agreement: Agreement,
    known: Mapping[tuple[str, str], tuple[Setting, ...]],
    sessions: HubValues | None,
) -> tuple[tuple[Setting, ...], ...]:
    """Return the cloud identities of sessions' ServiceAccounts.

    These are those that the model has for them, and those that sessions were seen to run as.
    """
    names = [n for item in agreement.terms.items for n in item.identity_accounts]
    names = [agreement.names.fill(name) for name in names]
    if sessions is not None:
        names += [each.text for each in seen(sessions).get(ACCOUNT, ())]
    keys = [(agreement.hub.namespace, name) for name in dict.fromkeys(names)]
    return tuple(known.get(key, ()) for key in keys)


def agrees_on_sessions(agreement: Agreement) -> bool:
    """Return whether the record says anything that only the sessions' pods can show."""
    return any(a.path in OF_SESSIONS for item in items_agreed(agreement) for a in item.agreed)


def agrees_on_claims(agreement: Agreement) -> bool:
    """Return whether the record says anything that only the claims of sessions can show."""
    return any(a.path in OF_CLAIMS for item in items_agreed(agreement) for a in item.agreed)


def hub_value_findings(agreement: Agreement, known: KnownSettings) -> Iterator[Finding]:
    """Yield what is not as agreed; nothing where nobody looks."""
    items = items_agreed(agreement)
    for source, account in ((known.values, ""), (known.sessions, "setting sessions")):
        if isinstance(source, UnreadValues):
            about = [i for i in items if any(known.unread(a.path) is source for a in i.agreed)]
            facts = ValuesUnread(source.why, sessions=bool(account))
            if about:
                yield _finding(agreement, about, VALUES_UNKNOWN, facts, account=account)
    for item in items:
        for agreed in item.agreed:
            source = known.of(agreed.path)
            settings = {} if source is None else seen(source)
            # What is agreed since the last look is told at the next.
            if agreed.path not in settings:
                continue
            # Where no session runs, none runs anything else.
            if agreed.path in OF_SESSIONS and not settings[agreed.path]:
                continue
            if (found := _facts(agreed, settings)) is not None:
                yield _finding(
                    agreement, [item], VALUE_OUT_OF_BOUNDS, found, account=f"setting {agreed.path}"
                )


def _facts(agreed: AgreedValue, known: Mapping[str, tuple[Setting, ...]]) -> OutOfBounds | None:
    found = known[agreed.path]
    if not found:
        return OutOfBounds(agreed, None)
    wrong = list(deviations(found, agreed))
    return OutOfBounds(agreed, wrong[0], len(wrong) - 1) if wrong else None


def _finding(
    agreement: Agreement, items: Sequence[Item], kind: str, facts: Facts, *, account: str = ""
) -> Finding:
    first, *others = items
    return Finding(
        kind=kind,
        item=first.name,
        number=first.terms.number,
        hub=agreement.hub,
        title=first.terms.title,
        owners=(agreement.parties[first.owner].label,),
        items=tuple(item.name for item in others),
        account=account,
        facts=facts,
    )
