"""The requester in CEL: the lists in a hub's Namespace held against the user of a request.

See ``api.names`` for the lists. A user name or group can hold any character, also a line break: it
is compared with whole lines, so it never equals two of them, and never gets to be code.

A ServiceAccount has a uid where it asks by a token of its own (``ServiceAccountInfo.UserInfo`` in
``k8s.io/apiserver/pkg/authentication/serviceaccount``), and none where somebody acts as it:
impersonation passes on a uid only with the header ``Impersonate-Uid``, which takes a right at
cluster scope (``pkg/endpoints/filters/impersonation`` there). The built-in roles ``edit`` and
``admin`` let their holders impersonate the ServiceAccounts of the namespace, so an account of the
namespace that is asked about is on no list without a uid; nor are the operator and Kubernetes'
controllers known without one. To act as an account of *another* namespace takes a right there,
which is no more than to request its token, and tools do so (Flux, as the account of a
Kustomization).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from responsibility.admission.policies import cel
from responsibility.admission.policies.guards import Items
from responsibility.api.names import (
    API_GROUP,
    DELEGATES_ANNOTATION,
    DELEGATIONS,
    MARKER_VERB,
    OWNERS_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
)
from responsibility.rbac.identity import (
    MASTERS,
    NODES,
    SERVICE_ACCOUNT_USER,
    SERVICE_ACCOUNTS,
)

# Filled in where the policies are installed.
NAMESPACE = "$(operator-namespace)"
ACCOUNT = "$(operator-account)"

_USER = "request.userInfo.?username.orValue('')"
_GROUPS = "request.userInfo.?groups.orValue([])"
HAS_UID = "request.userInfo.?uid.orValue('') != ''"

# The control plane itself. It does what others were allowed to ask for (a Deployment's pods, the
# end of a namespace), so refusing it would break what was let through. Others of its kind (those
# of a cloud) are exemptions of the model, and come with the lists.
_CONTROL_PLANE = (
    "system:apiserver",
    # It keeps a finalizer on every Service that has a load balancer.
    "system:cloud-controller-manager",
    "system:kube-controller-manager",
    "system:kube-scheduler",
)
_CONTROLLERS = f"{SERVICE_ACCOUNT_USER}kube-system:"

CONTROL_PLANE = cel.any_of(
    [
        f"{_USER}.startsWith({cel.text(_CONTROLLERS)}) && {HAS_UID}",
        f"{_USER} in {cel.texts(_CONTROL_PLANE)}",
        f"{cel.text(NODES)} in {_GROUPS}",
    ]
)
# The operator by name, whoever acts as it: what it is held to. OPERATOR is what it is let.
CALLED_OPERATOR = f"{_USER} == {cel.text(ACCOUNT)}"
OPERATOR = f"({CALLED_OPERATOR} && {HAS_UID})"
# The operator writes annotations on hubs' Deployments; another policy keeps it to them.
MACHINE = cel.any_of([CONTROL_PLANE, OPERATOR])

# until-20261231t000000z
_MARKER = "^until-[0-9]{8}t[0-9]{6}z "
_MARKER_SIZE = len("until-20261231t000000z")

SPLIT = "split('\\n')"
_LINES = f"variables.notes[?{{key}}].orValue('').{SPLIT}"
LIKE = (
    "(l.startsWith('like:') && "
    "variables.user.matches('^(?:' + l.substring(5) + ')$')) || "
    "(l.startsWith('like-group:') && "
    "variables.groups.exists(g, g.matches('^(?:' + l.substring(11) + ')$')))"
)


def lines(key: str) -> str:
    """Return the lines of a list of the Namespace."""
    return _LINES.format(key=cel.text(key))


# Somebody acts as a ServiceAccount of the namespace that is asked about, without a token of it.
IMPERSONATES = (
    f"!({HAS_UID}) && "
    f"{_USER}.startsWith({cel.text(SERVICE_ACCOUNT_USER)} + request.?namespace.orValue('') + ':')"
)
# The user and the groups as lists know them. A line break is in no line, and fits no pattern.
_OF_ACCOUNTS = f"g.startsWith({cel.text(SERVICE_ACCOUNTS)})"
WHO = (
    ("user", f"{IMPERSONATES} ? '\\n' : {_USER}"),
    (
        "groups",
        f"variables.user != '\\n' ? {_GROUPS} : {_GROUPS}.filter(g, !{_OF_ACCOUNTS})",
    ),
    ("me", "['user:' + variables.user] + variables.groups.map(g, 'group:' + g)"),
)
IS_MASTER = f"{cel.text(MASTERS)} in {_GROUPS}"


def is_one_of(entries: Iterable[str]) -> str:
    """Return that the user is one of these, as lists have them, without any variable.

    Most requests are nobody's of these, so that comes first, and without going through a list.
    """
    users: list[str] = []
    groups: list[str] = []
    for entry in entries:
        kind, _, name = entry.partition(":")
        (users if kind == "user" else groups).append(name)
    parts = [f"{_USER} in {cel.texts(users)}"] if users else []
    parts += [f"{cel.text(group)} in {_GROUPS}" for group in groups]
    return cel.all_of([cel.any_of(parts), f"!({IMPERSONATES})"])


# What a request has not (a name, a subresource) is not even empty. It has no name where one is to
# be generated, and where a collection is deleted: admission is asked about each object then, and
# only the object says which.
_ASKED_NAME = "request.?name.orValue('')"
_OBJECT = "(object != null ? dyn(object) : oldObject != null ? dyn(oldObject) : dyn({}))"
NAME = f"{_ASKED_NAME} != '' ? {_ASKED_NAME} : {_OBJECT}.?metadata.?name.orValue('')"
SUBRESOURCE = "request.?subResource.orValue('')"
# What is asked, in the variables ``resource`` and ``asked`` and in words for people.
RESOURCE = f"request.resource.resource + ({SUBRESOURCE} == '' ? '' : '/' + {SUBRESOURCE})"
# One text for a target: "apps/deployments UPDATE", "/pods/exec CONNECT".
ASKED = "request.resource.group + '/' + variables.resource + ' ' + request.operation"
# The kind of object, whatever is asked of it: "apps/deployments" for "apps/deployments/status".
KIND = "request.resource.group + '/' + request.resource.resource"
# The same for people, with the name: "update deployments hub".
WHAT = "request.operation.lowerAscii() + ' ' + variables.resource + ' ' + variables.name"
WHERE = "request.?namespace.orValue('')"

# The annotations of the hub's Namespace, and who is asking, each group a line of its own.
VARIABLES = (
    (
        "notes",
        (
            "namespaceObject != null ? namespaceObject.?metadata.?annotations.orValue({}) : "
            "dyn(oldObject).?metadata.?annotations.orValue({})"
        ),
    ),
    ("machine", MACHINE),
    ("name", NAME),
    ("place", WHERE),
    *WHO,
    ("prefix", f"variables.notes[?{cel.text(PREFIX_ANNOTATION)}].orValue('')"),
    ("release", f"variables.notes[?{cel.text(RELEASE_ANNOTATION)}].orValue('')"),
)


# From items to the expression that says whether the user may act on one of them.
Ask = Callable[[Items], str]


@dataclass(slots=True)
class Entitled:
    """Variables that say whether the user may act on items, and on sets of them."""

    _items: dict[str, int] = field(default_factory=dict)
    _sets: dict[Items, int] = field(default_factory=dict)

    def may(self, items: Items) -> str:
        """Return that the user may act on one of these items now."""
        return f"variables.may{self._number(items)}"

    def standing(self, items: Items) -> str:
        """Return the same without delegations until a date, which messages can't ask about."""
        return f"variables.standing{self._number(items)}"

    def listed(self, item: str) -> str:
        """Return that the user, or a group, is on the item's list by name."""
        variable = f"variables.listed{self._items.setdefault(item, len(self._items))}"
        return cel.any_of([is_called(item), variable])

    def _number(self, items: Items) -> int:
        for item in sorted(items):
            self._items.setdefault(item, len(self._items))
        return self._sets.setdefault(items, len(self._sets))

    def variables(self) -> Iterator[tuple[str, str]]:
        """Yield the variables that the answers so far stand for."""
        for item, number in self._items.items():
            yield (
                f"listed{number}",
                f"{lines(OWNERS_ANNOTATION + item)}.exists(l, l in variables.me)",
            )
        for items, number in self._sets.items():
            named = sorted(items)
            # Patterns last: each is compiled anew.
            called = [is_called(item) for item in named]
            listed = [f"variables.listed{self._items[item]}" for item in named]
            owners = cel.texts(OWNERS_ANNOTATION + item for item in named)
            like = f"{owners}.exists(t, {_LINES.format(key='t')}.exists(l, {LIKE}))"
            yield f"standing{number}", cel.any_of([*called, *listed, like])
            delegates = cel.texts(DELEGATES_ANNOTATION + item for item in named)
            latest = f"{delegates}.map(t, {_LATEST}).max()"
            yield f"may{number}", f"variables.standing{number} || {not_over(latest)}"


def is_called(item: str) -> str:
    """Return that the item's list has the user's own name.

    Which is quickest to tell: it takes neither the groups nor a way through the list in CEL, where
    each step costs as much as many comparisons.
    """
    return f"('user:' + variables.user) in {lines(OWNERS_ANNOTATION + item)}"


# Of a line of delegates: that it is the user's, and its marker.
IS_MINE_UNTIL = f"l.matches({cel.text(_MARKER)}) && l.substring({_MARKER_SIZE + 1}) in variables.me"
MARKER_OF = f"l.substring(0, {_MARKER_SIZE})"


# The marker of the user's last delegation in the list of the key t, or nothing.
_LATEST = f"{_LINES.format(key='t')}.filter(l, {IS_MINE_UNTIL}).map(l, {MARKER_OF})[?0].orValue('')"


def not_over(latest: str) -> str:
    """Return that the date of a marker, which may be an empty text, has not come.

    Asking the authorizer is dear, and two questions are all that an expression can afford. One
    is enough: if the marker of the latest date is gone, so are the others.
    """
    return (
        f"[{latest}].exists(m, m != '' && "
        f"authorizer.serviceAccount({cel.text(NAMESPACE)}, m)"
        f".group({cel.text(API_GROUP)}).resource({cel.text(DELEGATIONS)})"
        f".namespace({cel.text(NAMESPACE)}).check({cel.text(MARKER_VERB)}).allowed())"
    )
