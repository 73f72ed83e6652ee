"""Refusals on one hub: who passes, who holds what, and what somebody may ask for at all, by RBAC.

What somebody's rules come to against refusals is the same wherever it passes for the same items,
so it is worked out once for all hubs, and who has the same rules; see ``Moves``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, reduce
from operator import or_

from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.access.refusals import (
    MOST_MOVERS,
    REMAKE,
    TECHNIQUES,
    Moves,
    Reach,
    RefusalTable,
    RefusalTables,
    Remake,
    on_object,
    request_key,
    single_verb,
)
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.ownership.terms.entitlement import (
    ExemptionBook,
    is_break_glass,
    with_implied_groups,
)
from responsibility.rbac.control_planes import is_control_plane_subject
from responsibility.rbac.escalation.permissions import Permissions, named
from responsibility.rbac.escalation.technique import Requirement, Technique
from responsibility.rbac.index import RuleSet, remember
from responsibility.rbac.objects import Source, Subject


@lru_cache(maxsize=4_096)
def _named_in(rules: RuleSet) -> frozenset[str]:
    return frozenset(name for rule in rules.rules for name in rule.resource_names)


@dataclass(slots=True, eq=False)
class HubRefusals:
    """One hub: who passes by what was agreed, who holds what, and what each can do."""

    agreement: Agreement
    book: ExemptionBook
    rights: Permissions
    layers: Sequence[Mapping[Subject, Holding]]
    now: datetime
    tables: RefusalTables
    subjects: list[Subject] = field(default_factory=list)
    table: RefusalTable = field(init=False)
    # As the model writes a name, by what it is called here.
    _texts: dict[str, str] = field(init=False)
    _passes: dict[Subject, int] = field(default_factory=dict)
    _held: dict[Subject, int] = field(default_factory=dict)
    _rules: dict[Subject, tuple[frozenset[RuleSet], ...]] = field(default_factory=dict)
    _reach: dict[Subject, Reach] = field(default_factory=dict)
    _moves: dict[Subject, Moves] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the table of the hub's model."""
        agreement = self.agreement
        self.table = self.tables.of(agreement.terms, agreement.names)
        self._texts = {
            agreement.names.fill(text): text for text in dict.fromkeys(self.table.same.values())
        }

    @property
    def namespace(self) -> str:
        """The hub's namespace."""
        return self.agreement.hub.namespace

    def _rules_of(self, subject: Subject) -> tuple[frozenset[RuleSet], ...]:
        """Return the rules of a subject and its groups by nature: of each, here and everywhere."""
        known = self._rules.get(subject)
        if known is None:
            graph = self.rights.graph
            here = graph.scope(self.namespace).by_subject
            known = self._rules[subject] = tuple(
                rules
                for who in with_implied_groups(subject)
                for rules in (
                    frozenset(grant.rules for grant in here.get(who, ())),
                    self.tables.wide(graph, who),
                )
            )
        return known

    def _mentioned_to(self, subject: Subject) -> tuple[tuple[str, str], ...]:
        """Return which objects of the hub are named in somebody's rules."""
        mentioned = frozenset[str]().union(
            *(_named_in(one) for each in self._rules_of(subject) for one in each)
        )
        return tuple(called for called in self._texts.items() if called[0] in mentioned)

    def reach(self, subject: Subject) -> Reach:
        """Return what somebody's rules give of all that can open a way."""
        known = self._reach.get(subject)
        if known is None:
            found = [self.table.reach(rules) for rules in self._rules_of(subject) if rules]
            known = self._reach[subject] = Reach(
                reduce(or_, (f.mask for f in found), 0), any(f.by_name for f in found)
            )
        return known

    def like(self, subject: Subject) -> Hashable:
        """Return what makes one subject like another here; None if it opens no way."""
        reach = self.reach(subject)
        if not reach.mask and not reach.by_name:
            return None
        rules = self._rules_of(subject) if reach.by_name else ()
        stranger = self.is_stranger(subject)
        return (self.passes(subject), stranger, reach.mask, self.held(subject), rules)

    def is_stranger(self, actor: Subject) -> bool:
        """Return whether somebody is to be kept from anything; who is exempt is told otherwise."""
        exempt = any(self.book.of_subject(who) for who in with_implied_groups(actor))
        return not (
            exempt
            or actor in self.rights.unrestricted
            or is_control_plane_subject(actor)
            or is_break_glass(self.agreement.terms, actor)
        )

    def passes(self, subject: Subject) -> int:
        """Return the items for which policies let somebody through."""
        known = self._passes.get(subject)
        if known is None:
            terms = self.agreement.terms
            if is_break_glass(terms, subject) or is_control_plane_subject(subject):
                known = (1 << len(self.agreement.items)) - 1
            else:
                known = reduce(
                    or_,
                    (
                        1 << number
                        for known_as in (self._known_as(subject),)
                        for number, item in enumerate(self.agreement.items if known_as else ())
                        if self._may(known_as, item)
                    ),
                    0,
                )
            self._passes[subject] = known
        return known

    def _known_as(self, subject: Subject) -> tuple[Subject, ...]:
        """Return of somebody, and its groups by nature, whom the agreement speaks of."""
        return tuple(
            who
            for who in with_implied_groups(subject)
            if who in self.agreement.members or self.book.of_subject(who)
        )

    def _may(self, known_as: Sequence[Subject], item: Item) -> bool:
        parties = set(item.parties(self.now))
        permissions, names = self.agreement.terms.permissions, self.agreement.names
        return any(
            parties.intersection(self.agreement.members.get(who, ()))
            or any(
                e.coverage(permissions, names).touches(item.terms.reserved)
                for e in self.book.for_item(who, item.name)
            )
            for who in known_as
        )

    def held(self, subject: Subject) -> int:
        """Return what somebody can do here by RBAC."""
        known = self._held.get(subject)
        if known is None:
            permissions, names = self.agreement.terms.permissions, self.agreement.names
            known = self._held[subject] = reduce(
                or_,
                (
                    layer[who].mask(permissions, names)
                    for who in with_implied_groups(subject)
                    for layer in self.layers
                    if who in layer
                ),
                0,
            )
        return known

    def sources(
        self, actor: Subject, requirement: Requirement, name: str = ""
    ) -> tuple[Source, ...]:
        """Return by what an actor holds a requirement of one verb, for a name if it has one."""
        found = self.rights.sources(actor, requirement, self.namespace)
        return named(found, name) if name else found

    def sources_of(
        self, actor: Subject, requirements: Sequence[Requirement], name: str
    ) -> tuple[Source, ...]:
        """Return by what an actor holds all of some requirements, each by its best verb."""
        return tuple(
            dict.fromkeys(
                source
                for requirement in requirements
                for own in (name if requirement.named else "",)
                for best in (self.ask(actor, requirement, own),)
                if best is not None
                for source in self.sources(actor, single_verb(requirement, best[1]), own)
            )
        )

    def ask(
        self, actor: Subject, requirement: Requirement, name: str = ""
    ) -> tuple[int, str] | None:
        """Return the least that refuses a requirement, and by which verb; None if not held.

        The requirement is one of the namespace's, and unless it is ``named`` the name is empty.
        """
        moves = self._moves_of(actor)
        text = self._texts.get(name, "")
        asked = (requirement, self._counting(actor, name), text)
        if asked not in moves.asked:
            moves.asked[asked] = self._ask(actor, requirement, name, text)
        return moves.asked[asked]

    def _counting(self, actor: Subject, name: str) -> str:
        """Return a name as far as it counts for somebody: not at all to rules without names.

        So what such rules come to is known of the accounts of all hubs by one of them.
        """
        return name if self.reach(actor).by_name else ""

    def _ask(
        self, actor: Subject, requirement: Requirement, name: str, text: str
    ) -> tuple[int, str] | None:
        best: tuple[int, str] | None = None
        for verb in requirement.verbs:
            if not self._holds(actor, requirement, verb, name):
                continue
            key = request_key(
                verb, requirement.group, requirement.resource, requirement.subresource
            )
            closed_by = self.table.refusing(self.passes(actor), key, text) if key else 0
            if best is None or closed_by.bit_count() < best[0].bit_count():
                best = (closed_by, verb)
        return best

    def _holds(self, actor: Subject, requirement: Requirement, verb: str, name: str) -> bool:
        reach = self.reach(actor)
        if reach.mask & self.table.bit(requirement, verb):
            return True
        return reach.by_name and bool(self.sources(actor, single_verb(requirement, verb), name))

    def ways_into(self, actor: Subject, target: Subject) -> tuple[tuple[int, Technique], ...]:
        """Return how an actor gets into an account, without what is closed sooner."""
        known = self._moves_of(actor).into
        key = (self._counting(actor, target.name), self._texts.get(target.name, ""))
        if key not in known:
            known[key] = tuple(self._into(actor, target))
        return known[key]

    def _into(self, actor: Subject, target: Subject) -> Iterator[tuple[int, Technique]]:
        found: list[int] = []
        for technique in TECHNIQUES:
            closed_by = 0
            for requirement in technique.requirements:
                held = self.ask(actor, requirement, target.name if requirement.named else "")
                if held is None:
                    break
                closed_by |= held[0]
            else:
                if not any(closed_by & other == other for other in found):
                    found.append(closed_by)
                    yield closed_by, technique

    def remakes(self, actor: Subject, line: int) -> tuple[tuple[int, Remake], ...]:
        """Return how somebody changes objects that an item guards, by making them anew."""
        known = self._moves_of(actor).remakes
        if line not in known:
            known[line] = tuple(self._remakes(actor, line))
        return known[line]

    def _remakes(self, actor: Subject, line: int) -> Iterator[tuple[int, Remake]]:
        passes, table = self.passes(actor), self.table
        found: set[int] = set()
        seen: set[Remake] = set()
        for effect in table.refused(line, passes):
            operation, group, full = effect.key
            each = Remake(group, full.partition("/")[0], effect.name)
            if operation != "update" or each in seen:
                continue
            seen.add(each)
            if not all(self._holds(actor, *needed) for needed in self._remaking(each)):
                continue
            closed_by = 0
            for verb in REMAKE:
                closed_by |= table.refusing(passes, (verb, group, each.resource), each.name)
            if closed_by >> line & 1 or closed_by in found:
                # Its own policy refuses it, or it is known by now.
                continue
            found.add(closed_by)
            yield closed_by, each

    def _remaking(self, each: Remake) -> Iterator[tuple[Requirement, str, str]]:
        """Yield what it takes to make an object anew: the requirement, its verb, and the name."""
        # To create, names are no matter: one has any that one likes.
        for verb, name in zip(REMAKE, (self.agreement.names.fill(each.name), ""), strict=True):
            yield on_object(verb, each.group, each.resource), verb, name

    def remake_sources(self, actor: Subject, each: Remake) -> tuple[Source, ...]:
        """Return by what somebody may make an object anew."""
        return tuple(
            dict.fromkeys(
                source
                for requirement, _, name in self._remaking(each)
                for source in self.sources(actor, requirement, name)
            )
        )

    def _moves_of(self, actor: Subject) -> Moves:
        """Return what is known of somebody's rules, of whoever has the same and passes alike."""
        known = self._moves.get(actor)
        if known is None:
            reach = self.reach(actor)
            key: Hashable = (self.passes(actor), reach.mask)
            if reach.by_name:
                key = (self.passes(actor), self._rules_of(actor), self._mentioned_to(actor))
            known = self.table.movers.get(key)
            if known is None:
                known = Moves()
                remember(self.table.movers, key, known, most=MOST_MOVERS)
            self._moves[actor] = known
        return known
