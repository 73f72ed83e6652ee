r"""Where the rendered policies and the operator meet: names, and the keys of a hub's Namespace.

A ValidatingAdmissionPolicy is static; what differs from hub to hub is read at request time from
the Namespace of the request (``namespaceObject``; for the Namespace itself, ``oldObject``). The
operator writes these keys, the policies read them, and nothing else connects the two, so that
policies go on working while the operator is down.

Labels choose what is in force; without the label of an item, none of its policies is evaluated:

* ``enforce.responsibility.2i2c.org/<item>``: ``warn`` or ``deny``.

Annotations say for whom. Lists are texts of one entry a line, sorted, joined by ``\n``:

* ``owners.responsibility.2i2c.org/<item>``: subjects that may act on the item for good, each as
  ``user:<name>``, ``group:<name>`` or, where an exemption has a wildcard, ``like:<regex>`` (RE2,
  anchored, held against the user name) or ``like-group:<regex>`` (held against each group, rare).
  A ServiceAccount is the user that it is.
* ``delegates.responsibility.2i2c.org/<item>``: subjects that may act until a date, each as
  ``<marker> user:<name>`` and so on, the latest date first (see ``marker``).
* ``bounds.responsibility.2i2c.org/<item>``: the ranges of those who may move a value only inside
  them, each as ``user:<name>\t<Kind>\t<path>\t<min>\t<max>``, an empty text for no end. They are
  among the owners or delegates as well: a line here only narrows what they may do. ``<Kind>`` is
  what a bound's path says before its first slash, ``<path>`` what it says after it; a path in the
  chart's values has no kind, and no policy can see it.
* ``contact.responsibility.2i2c.org/<item>``: whom to call, in words, for messages.
* ``responsibility.2i2c.org/break-glass``: subjects that pass with a warning.
* ``responsibility.2i2c.org/hub``: the hub in words, for messages, such as ``LEAP (prod/prod)``.
* ``responsibility.2i2c.org/prefix``: what the release puts before its objects' names; often empty.
* ``responsibility.2i2c.org/release``: the release, for models that name objects after it.

An item of which the annotations say nothing at all is not in force, whatever the label says: a
label that somebody put there by hand must not lock everybody out.

And how the bindings that the operator grants by are recognised, by whoever confines it to them.
Every RoleBinding that it creates, changes or deletes (and every ClusterRoleBinding, where that is
switched on) has all of:

* a name that begins with ``responsibility-grant-`` (``GRANT``);
* as ``roleRef`` a ClusterRole whose name begins with ``responsibility-item-`` (``ITEM_ROLE``);
* when it is created or changed, the label ``app.kubernetes.io/managed-by=responsibility-operator``
  (``MANAGED_BY``, ``OPERATOR``) in the object as it is to be; somebody may have taken it away
  since, so the object as it was need not have it, also when it is deleted;
* as subjects, Users and Groups that do not begin with ``system:``, and ServiceAccounts;
* a namespace that does not begin with ``kube-``, and an ownerReference to a Responsibility or, for
  what the cluster has only one of, a ResponsibilityModel.

The one exception are markers, in the operator's own namespace: it creates RoleBindings there that
are named like ``marker`` names them, to the Role ``responsibility-delegation-in-force``
(``DELEGATION_ROLE``) with the ServiceAccount of their own name as only subject, owned by a Job.

Where it revokes, it also deletes RoleBindings that others have made. The policy lets it if its
account has the verb ``revoke`` on ``responsibilities`` (``REVOKE_VERB``), a right that is good for
nothing else, and never in ``kube-…``, its own namespace, or what is Kubernetes' own. The ConfigMaps
that say how to take that back have names that begin with ``responsibility-undo-`` (``UNDO``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from responsibility.ownership.terms import grant_labels
from responsibility.rbac.identity import user_and_groups
from responsibility.rbac.objects import GROUP, Subject

DOMAIN = "responsibility.2i2c.org"
STAGE = f"enforce.{DOMAIN}/"
OWNERS = f"owners.{DOMAIN}/"
DELEGATES = f"delegates.{DOMAIN}/"
BOUNDS = f"bounds.{DOMAIN}/"
CONTACT = f"contact.{DOMAIN}/"
BREAK_GLASS = f"{DOMAIN}/break-glass"
HUB = f"{DOMAIN}/hub"
PREFIX = f"{DOMAIN}/prefix"
RELEASE = f"{DOMAIN}/release"

WARN = "warn"
DENY = "deny"

GRANT = grant_labels.GRANT
ITEM_ROLE = "responsibility-item-"
MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "responsibility-operator"

# The permission that a marker holds for as long as its date has not come.
MARKER_GROUP = DOMAIN
MARKER_RESOURCE = "delegations"
MARKER_VERB = "act"
# The Role, in the operator's namespace, that grants it.
DELEGATION_ROLE = "responsibility-delegation-in-force"
# What lets the operator's account delete bindings that it did not make.
REVOKE_VERB = "revoke"
# How the names of its undo documents begin.
UNDO = "responsibility-undo-"
_MARKER = "until-%Y%m%dt%H%M%Sz"


def is_ours(key: str) -> bool:
    """Return whether a label or annotation of a Namespace is one of those above."""
    domain, _, _ = key.partition("/")
    return domain == DOMAIN or domain.endswith("." + DOMAIN)


def speaks_of(annotations: Mapping[str, str], item: str) -> bool:
    """Return whether a Namespace says anything of an item; if not, no stage of it is in force."""
    return any(key + item in annotations for key in (OWNERS, DELEGATES, CONTACT))


def policy_name(item: str) -> str:
    """Return the name of the policy that guards an item in the namespaces of hubs."""
    return f"responsibility-{item}"


def binding_name(item: str, stage: str) -> str:
    """Return the name of the policy's binding for a stage, ``warn`` or ``deny``."""
    return f"{policy_name(item)}-{stage}"


def break_glass_name(item: str) -> str:
    """Return the name of the policy (and binding) that warns those who break the glass."""
    # A dot, which no item has in its name.
    return f"{policy_name(item)}.break-glass"


def probe_name(item: str) -> str:
    """Return the name of the Event that an item's policy refuses to everyone.

    A dry run of its creation proves that the policy is in force, and takes no right on anything
    that is real.
    """
    return f"responsibility-probe-{item}"


def entry(subject: Subject) -> str:
    """Return a subject as policies compare it with the user and groups of a request.

    Raises ValueError for a name with a line break, which no list can hold.
    """
    user, _ = user_and_groups(subject)
    text = f"group:{subject.name}" if subject.kind == GROUP else f"user:{user}"
    if text.splitlines() != [text]:
        raise ValueError(f"{subject.kind} {subject.name!r} has a line break in its name")
    return text


def marker(until: datetime) -> str:
    """Return the name of the ServiceAccount that stands for a date (UTC, whole seconds).

    CEL has no clock for deletions and connections, but it can ask the authorizer. A RoleBinding
    in the operator's namespace lets this ServiceAccount, which need not exist, ``act`` on
    ``delegations``; a Job without pods owns the RoleBinding and fails at the date
    (activeDeadlineSeconds), and Kubernetes' own controllers remove both (ttlSecondsAfterFinished,
    garbage collection). So a delegation ends on time, within a second or two, though nobody of
    ours is there to end it. It costs two small objects for each date that is in use anywhere in
    the cluster, and no pod. While kube-controller-manager is down, what ends meanwhile ends late.
    """
    return until.astimezone(UTC).strftime(_MARKER)


def marker_date(name: str) -> datetime | None:
    """Return the date that a marker's name stands for; None if it is no marker's."""
    try:
        return datetime.strptime(name, _MARKER).replace(tzinfo=UTC)
    except ValueError:
        return None
