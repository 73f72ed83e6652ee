"""Who acts, as CEL: the lists in a hub's Namespace held against the user of a request.

See ``keys`` for the lists. A user name or group can hold any character, also a line break: it is
compared with whole lines, so it never equals two of them, and never gets to be code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from responsibility.enforcement import cel, keys
from responsibility.enforcement.guards import Items
from responsibility.rbac.identity import MASTERS, NODES

# Filled in where the policies are installed.
NAMESPACE = "$(operator-namespace)"
ACCOUNT = "$(operator-account)"

_USER = "request.userInfo.username"
_GROUPS = "(has(request.userInfo.groups) ? request.userInfo.groups : [])"

# The control plane itself. It does what others were allowed to ask for (a Deployment's pods, the
# end of a namespace), so refusing it would break what was let through. Others of its kind (those
# of a cloud) are exemptions of the model, and come with the lists.
_CONTROL_PLANE = (
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
)
_CONTROLLERS = "system:serviceaccount:kube-system:"

CONTROL_PLANE = cel.any_of(
    [
        f"{_USER}.startsWith({cel.text(_CONTROLLERS)})",
        f"{_USER} in {cel.texts(_CONTROL_PLANE)}",
        f"{cel.text(NODES)} in {_GROUPS}",
    ]
)
OPERATOR = f"{_USER} == {cel.text(ACCOUNT)}"

# until-20261231t000000z
_MARKER = "^until-[0-9]{8}t[0-9]{6}z "
_MARKER_SIZE = len("until-20261231t000000z")

_LINES = "variables.notes[?{key}].orValue('').split('\\n')"
LIKE = (
    "(l.startsWith('like:') && "
    f"{_USER}.matches('^(?:' + l.substring(5) + ')$')) || "
    "(l.startsWith('like-group:') && "
    f"{_GROUPS}.exists(g, g.matches('^(?:' + l.substring(11) + ')$')))"
)


def lines(key: str) -> str:
    """Return the lines of a list of the Namespace."""
    return _LINES.format(key=cel.text(key))


# The annotations of the hub's Namespace, and who is asking, each group a line of its own.
VARIABLES = (
    (
        "notes",
        "namespaceObject != null ? namespaceObject.?metadata.?annotations.orValue({}) : "
        "dyn(oldObject).?metadata.?annotations.orValue({})",
    ),
    ("me", f"['user:' + {_USER}] + {_GROUPS}.map(g, 'group:' + g)"),
    ("prefix", f"variables.notes[?{cel.text(keys.PREFIX)}].orValue('')"),
    ("release", f"variables.notes[?{cel.text(keys.RELEASE)}].orValue('')"),
    (
        "breakGlass",
        f"{cel.text(MASTERS)} in {_GROUPS} || "
        f"{lines(keys.BREAK_GLASS)}.exists(l, l in variables.me)",
    ),
)


def listed(items: Iterable[str]) -> str:
    """Return that the user may act on one of these items for good."""
    names = sorted(items)
    exact = [f"{lines(keys.OWNERS + item)}.exists(l, l in variables.me)" for item in names]
    # Patterns last: each is compiled anew.
    like = [f"{lines(keys.OWNERS + item)}.exists(l, {LIKE})" for item in names]
    return cel.any_of([*exact, *like])


def dated(items: Iterable[str]) -> str:
    """Return that the user may act on one of these items until a date that has not come.

    Asking the authorizer is dear, and two questions are all that an expression can afford. One
    is enough: if the marker of the latest date is gone, so are the others.
    """
    found = [
        f"{lines(keys.DELEGATES + item)}.filter(l, l.matches({cel.text(_MARKER)}) && "
        f"l.substring({_MARKER_SIZE + 1}) in variables.me)"
        f".map(l, l.substring(0, {_MARKER_SIZE}))[?0].orValue('')"
        for item in sorted(items)
    ]
    return (
        f"[[{', '.join(found)}].max()].exists(m, m != '' && "
        f"authorizer.serviceAccount({cel.text(NAMESPACE)}, m)"
        f".group({cel.text(keys.MARKER_GROUP)}).resource({cel.text(keys.MARKER_RESOURCE)})"
        f".namespace({cel.text(NAMESPACE)}).check({cel.text(keys.MARKER_VERB)}).allowed())"
    )


# From items to the expression that says whether the user may act on one of them.
Ask = Callable[[Items], str]


@dataclass(slots=True)
class Entitled:
    """Variables that say whether the user may act on sets of items, one for each set asked."""

    _known: dict[Items, str] = field(default_factory=dict)

    def may(self, items: Items) -> str:
        """Return that the user may act on one of these items now."""
        name = self._known.setdefault(items, f"may{len(self._known)}")
        return f"variables.{name}"

    def standing(self, items: Items) -> str:
        """Return the same without delegations until a date, which messages can't ask about."""
        return f"{self.may(items)}Standing"

    def variables(self) -> list[tuple[str, str]]:
        """Return the variables that the answers so far stand for."""
        found = []
        for items, name in self._known.items():
            found.append((f"{name}Standing", listed(items)))
            found.append((name, f"variables.{name}Standing || {dated(items)}"))
        return found
