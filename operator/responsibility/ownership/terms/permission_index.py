"""A model's permissions as numbered atomic questions, and sets of them as bit masks.

One *atom* is one (verb, API group, resource, name) that an item requires or reserves. A model
has a few hundred of them, the same for every hub but for the names that hold a placeholder.
So what a role grants of a model is worked out once per distinct list of rules, as an integer
with one bit an atom, and everything after that (what a party is entitled to, what a subject
holds beyond it) is arithmetic on integers.

The masks say exactly what ``rbac.rules.rule_allows`` says of each atom; a property test holds
the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from responsibility.api.subjects import expand
from responsibility.rbac.index import RuleSet, remember
from responsibility.rbac.objects import Attributes, Rule

# A request with this verb never carries a name, so a rule with names never allows it. All others
# may carry one, see `rbac.rules`: even `create`, in an apply that turns out to create the object.
_NAMELESS = "deletecollection"

# Rule lists remembered at a time, so that a cluster whose roles keep changing costs no memory.
_MOST_REACHES = 50_000

HUB = "$(namespace)"


@dataclass(frozen=True, slots=True, order=True)
class Atom:
    """One question of a model, before it is put to a hub.

    ``namespace`` is ``$(namespace)`` for a question about the hub's namespace, empty for
    cluster scope, else a fixed namespace. ``name`` empty means any name; it may hold
    placeholders.
    """

    verb: str
    group: str
    resource: str
    subresource: str = ""
    name: str = ""
    namespace: str = HUB

    @property
    def full_resource(self) -> str:
        """Return ``pods/exec`` for a subresource, else the resource."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def is_hub(self) -> bool:
        """Whether it is asked in the hub's own namespace (else once for the cluster)."""
        return self.namespace == HUB

    @property
    def symbolic(self) -> bool:
        """Whether its name is known only when the hub is."""
        return "$(" in self.name

    def text(self, names: Names) -> str:
        """Return it as ``kubectl auth can-i`` takes it: ``patch deployments.apps/hub``."""
        group = f".{self.group}" if self.group and self.group != "*" else ""
        name = f"/{names.fill(self.name)}" if self.name else ""
        flag = f" --subresource={self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.resource}{group}{name}{flag}"

    def attributes(self, names: Names) -> Attributes:
        """Return the question as the API server is asked it, for one hub."""
        return Attributes(
            verb=self.verb,
            group=self.group,
            resource=self.resource,
            subresource=self.subresource,
            name=names.fill(self.name),
            namespace=names.fill(self.namespace),
        )


EVERYTHING = Atom("*", "*", "*", namespace="")


@dataclass(frozen=True, slots=True)
class Names:
    """What the placeholders of a model stand for on one hub."""

    namespace: str = ""
    release: str = ""
    prefix: str = ""
    # A hub's few texts are asked for again and again.
    _filled: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def fill(self, text: str) -> str:
        """Return ``text`` with ``$(namespace)``, ``$(release)`` and ``$(prefix)`` replaced."""
        if "$(" not in text:
            return text
        known = self._filled.get(text)
        if known is None:
            values = {"namespace": self.namespace, "release": self.release, "prefix": self.prefix}
            known = expand(text, values)
            remember(self._filled, text, known)
        return known


@dataclass(frozen=True, slots=True)
class Partial:
    """A rule that grants atom ``bit`` for some names only."""

    bit: int
    rule: int
    names: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Return whether the rule names an object; a name that is not known yet is empty."""
        return bool(name) and name in self.names


@dataclass(frozen=True, slots=True)
class Reach:
    """What a list of rules grants of the atoms.

    ``full``: bits granted as asked (any name where the atom says any). ``by_rule``: the same
    for each rule, with the rule's names, for sources. ``symbolic``: granted if the hub's resolved
    name is among the rule's. ``some``: atoms that say any name, granted for some.
    """

    full: int
    by_rule: tuple[tuple[int, tuple[str, ...], int], ...] = ()
    symbolic: tuple[Partial, ...] = ()
    some: tuple[Partial, ...] = ()

    def within(self, scope: int) -> Reach:
        """Return what is granted of the questions in ``scope``."""
        return Reach(
            full=self.full & scope,
            by_rule=tuple((n, o, mask & scope) for n, o, mask in self.by_rule if mask & scope),
            symbolic=tuple(p for p in self.symbolic if 1 << p.bit & scope),
            some=tuple(p for p in self.some if 1 << p.bit & scope),
        )

    def __bool__(self) -> bool:
        """Return whether anything at all is granted."""
        return bool(self.full or self.symbolic or self.some)


def bits(mask: int) -> Iterator[int]:
    """Yield the positions of the set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(positions: Iterable[int]) -> int:
    """Return the mask with these bits set."""
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


@dataclass(slots=True, eq=False)
class QuestionSet:
    """The atoms of one model, with the masks that make rules quick to hold against them.

    The last of them may be in no item: it asks for everything there is, so that whoever holds
    that is known under any model. Immutable but for its memory of what was worked out already.
    """

    atoms: tuple[Atom, ...]
    index: Mapping[Atom, int] = field(init=False)
    hub_mask: int = field(init=False)
    cluster_mask: int = field(init=False)
    everything: int = field(init=False)
    covers: tuple[int, ...] = field(init=False)
    _verbs: dict[str, int] = field(init=False, default_factory=dict)
    _groups: dict[str, int] = field(init=False, default_factory=dict)
    _resources: dict[str, int] = field(init=False, default_factory=dict)
    all: int = field(init=False)
    _reaches: dict[RuleSet, Reach] = field(init=False, default_factory=dict)
    _narrower: dict[int, int] = field(init=False, default_factory=dict)
    _texts: tuple[str, ...] = field(init=False)
    _texts_for: Names | None = field(init=False, default=None)
    _texts_here: tuple[str, ...] = field(init=False, default=())
    _positions: dict[int, tuple[int, ...]] = field(init=False, default_factory=dict)
    _known_texts: dict[int, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Work out the masks."""
        self.atoms = tuple(dict.fromkeys((*self.atoms, EVERYTHING)))
        self.index = {atom: bit for bit, atom in enumerate(self.atoms)}
        self.all = (1 << len(self.atoms)) - 1
        self._verbs["*"] = self._groups["*"] = self._resources["*"] = self.all
        for bit, atom in enumerate(self.atoms):
            flag = 1 << bit
            for table, key in (
                (self._verbs, atom.verb),
                (self._groups, atom.group),
                (self._resources, atom.full_resource),
            ):
                table[key] = table.get(key, 0) | flag
            if atom.subresource:
                glob = f"*/{atom.subresource}"
                self._resources[glob] = self._resources.get(glob, 0) | flag
        self.hub_mask = mask_of(b for b, a in enumerate(self.atoms) if a.is_hub)
        self.cluster_mask = self.in_namespace("")
        self.everything = 1 << self.index[EVERYTHING]
        self.covers = tuple(self._cover(atom) for atom in self.atoms)
        self._texts = tuple("" if a.symbolic else a.text(Names()) for a in self.atoms)

    def texts(self, mask: int, names: Names) -> tuple[str, ...]:
        """Return questions as ``kubectl auth can-i`` takes them."""
        if names != self._texts_for:
            # A hub's texts are asked for one after the other.
            self._texts_for, self._known_texts = names, {}
            self._texts_here = tuple(
                text or atom.text(names) for text, atom in zip(self._texts, self.atoms, strict=True)
            )
        known = self._known_texts.get(mask)
        if known is None:
            positions = self._positions.get(mask)
            if positions is None:
                positions = tuple(bits(mask))
                remember(self._positions, mask, positions)
            known = tuple(map(self._texts_here.__getitem__, positions))
            self._known_texts[mask] = known
        return known

    def in_namespace(self, namespace: str) -> int:
        """Return the atoms asked in one fixed namespace (empty: at cluster scope)."""
        return mask_of(b for b, a in enumerate(self.atoms) if a.namespace == namespace)

    def fixed_namespaces(self) -> tuple[str, ...]:
        """Return the namespaces, other than the hub's, that the model asks about."""
        return tuple(sorted({a.namespace for a in self.atoms} - {HUB, ""}))

    def narrower(self, bit: int) -> int:
        """Return the named atoms that would include atom ``bit`` if they were not named."""
        known = self._narrower.get(bit)
        if known is None:
            known = self._narrower[bit] = mask_of(
                other
                for other, atom in enumerate(self.atoms)
                if atom.name and self._cover(replace(atom, name="")) >> bit & 1
            )
        return known

    def wide(self, mask: int) -> int:
        """Return what comes, in all namespaces, with those of ``mask`` at cluster scope."""
        covered = 0
        for bit in bits(mask & self.cluster_mask):
            covered |= self.covers[bit]
        return covered

    def reach(self, rules: RuleSet) -> Reach:
        """Return what a role with these rules grants; equal rules are worked out once."""
        known = self._reaches.get(rules)
        if known is None:
            if len(self._reaches) >= _MOST_REACHES:
                self._reaches.clear()
            known = self._reaches[rules] = self.reach_of(rules.rules)
        return known

    def _candidates(self, rule: Rule) -> int:
        """Return the atoms that a rule grants as far as verb, group and resource go."""
        verbs = groups = resources = 0
        for verb in rule.verbs:
            verbs |= self._verbs.get(verb, 0)
        for group in rule.api_groups:
            groups |= self._groups.get(group, 0)
        for resource in rule.resources:
            resources |= self._resources.get(resource, 0)
        return verbs & groups & resources

    def reach_of(self, rules: tuple[Rule, ...]) -> Reach:
        """Return what these rules grant."""
        full = 0
        by_rule: list[tuple[int, tuple[str, ...], int]] = []
        symbolic: list[Partial] = []
        some: list[Partial] = []
        for number, rule in enumerate(rules):
            candidates = self._candidates(rule)
            if not candidates:
                continue
            granted = candidates
            if rule.resource_names:
                granted = 0
                for bit in bits(candidates):
                    atom = self.atoms[bit]
                    if not atom.name and "" in rule.resource_names:
                        # The empty name is one that can be written, and requests without one have.
                        granted |= 1 << bit
                    elif not atom.name:
                        if atom.verb != _NAMELESS:
                            some.append(Partial(bit, number, rule.resource_names))
                    elif atom.symbolic:
                        symbolic.append(Partial(bit, number, rule.resource_names))
                    elif atom.name in rule.resource_names:
                        granted |= 1 << bit
            if granted:
                full |= granted
                by_rule.append((number, rule.resource_names, granted))
        return Reach(full, tuple(by_rule), tuple(symbolic), tuple(some))

    def _cover(self, atom: Atom) -> int:
        """Return the atoms that whoever may do ``atom`` may do as well (itself among them)."""
        rule = Rule((atom.verb,), (atom.group,), (atom.full_resource,))
        mask = self._candidates(rule)
        if atom.name:
            mask &= mask_of(b for b in bits(mask) if self.atoms[b].name == atom.name)
        if atom.namespace:
            mask &= self.in_namespace(atom.namespace)
        return mask
