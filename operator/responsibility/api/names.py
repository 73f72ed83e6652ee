r"""The names that programs, policies, charts and people share: one contract, each spelled once.

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
  A ServiceAccount is the user that it is; one of the namespace itself counts by a token of its own
  only, never where somebody acts as it (``admission.policies.requester``).
* ``delegates.responsibility.2i2c.org/<item>``: subjects that may act until a date, each as
  ``<marker> user:<name>`` and so on, the latest date first (``admission.annotation_entries``).
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

* a name that begins with ``responsibility-grant-`` (``GRANT_PREFIX``);
* as ``roleRef`` a ClusterRole whose name begins with ``responsibility-item-``
  (``ITEM_ROLE_PREFIX``);
* when it is created or changed, the label ``app.kubernetes.io/managed-by=responsibility-operator``
  (``MANAGED_BY_LABEL``, ``OPERATOR``) in the object as it is to be; somebody may have taken it
  away since, so the object as it was need not have it, also when it is deleted;
* as subjects, Users and Groups that do not begin with ``system:``, and ServiceAccounts;
* a namespace that does not begin with ``kube-``, and an ownerReference to a Responsibility or, for
  what the cluster has only one of, a ResponsibilityModel.

The one exception are markers, in the operator's own namespace: it creates RoleBindings there that
are named after a date, to the Role ``responsibility-delegation-in-force`` (``DELEGATION_ROLE``)
with the ServiceAccount of their own name as only subject, owned by a Job.

Where it revokes, it also deletes RoleBindings that others have made. The policy lets it if its
account has the verb ``revoke`` on ``responsibilities`` (``REVOKE_VERB``), a right that is good for
nothing else, and never in ``kube-…``, its own namespace, or what is Kubernetes' own. The ConfigMaps
that say how to take that back have names that begin with ``responsibility-undo-``
(``UNDO_PREFIX``).
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

# --- the API ------------------------------------------------------------------------------------

API_GROUP: Final = "responsibility.2i2c.org"
VERSION: Final = "v1alpha1"
ApiVersion = Literal["responsibility.2i2c.org/v1alpha1"]
API_VERSION: Final = "responsibility.2i2c.org/v1alpha1"

RECORDS: Final = "responsibilities"
MODELS: Final = "responsibilitymodels"
# What a marker lets its ServiceAccount ``act`` on, for as long as its date has not come.
DELEGATIONS: Final = "delegations"
MARKER_VERB: Final = "act"
# What it takes, beside the edit itself, to change who owns what in a record or a model.
ASSIGN_VERB: Final = "assign"
# What lets the operator's account delete bindings that it did not make.
REVOKE_VERB: Final = "revoke"

# --- those who act ------------------------------------------------------------------------------

# The operator as component of Events, field manager, logger, Lease, value of ``MANAGED_BY_LABEL``.
OPERATOR: Final = "responsibility-operator"
# The plugin of kubectl as command, field manager and client.
PLUGIN: Final = "kubectl-responsibility"
# Users of nobody's, for questions: the colon keeps them out of every identity provider's way.
UNKNOWN_USER: Final = f"{OPERATOR}:nobody-6f1d9c"
UNKNOWN_MEMBER: Final = f"{OPERATOR}:member-6f1d9c"

# What the environment variables of its settings begin with.
SETTING_PREFIX: Final = "RESPONSIBILITY_"

# --- labels and annotations ---------------------------------------------------------------------

# What each key of ours begins with, but for those of one item.
KEY_PREFIX: Final = f"{API_GROUP}/"

# Of a hub's Namespace, each followed by the name of an item.
STAGE_LABEL: Final = f"enforce.{API_GROUP}/"
OWNERS_ANNOTATION: Final = f"owners.{API_GROUP}/"
DELEGATES_ANNOTATION: Final = f"delegates.{API_GROUP}/"
BOUNDS_ANNOTATION: Final = f"bounds.{API_GROUP}/"
CONTACT_ANNOTATION: Final = f"contact.{API_GROUP}/"
# Of a Namespace in which people let the operator write. It is theirs, so its domain is another.
MANAGED_LABEL: Final = f"hub-{API_GROUP}/managed"
# Of a hub's Namespace as a whole.
BREAK_GLASS_ANNOTATION: Final = f"{API_GROUP}/break-glass"
HUB_ANNOTATION: Final = f"{API_GROUP}/hub"
PREFIX_ANNOTATION: Final = f"{API_GROUP}/prefix"
RELEASE_ANNOTATION: Final = f"{API_GROUP}/release"

# Of a binding by which the operator grants: for whom and for what. Of the first two it has one:
# the record, or for what the cluster has only one of, the model that the grant follows from.
RECORD_LABEL: Final = f"{API_GROUP}/record"
MODEL_LABEL: Final = f"{API_GROUP}/model"
ITEM_LABEL: Final = f"{API_GROUP}/item"
PARTY_LABEL: Final = f"{API_GROUP}/party"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
# Of a ClusterRole for an item, for those who read it.
DESCRIPTION_ANNOTATION: Final = f"{API_GROUP}/description"

# Of a RoleBinding and its Job that stand for a date.
MARKER_LABEL: Final = f"{API_GROUP}/marker"

# Of a model: which of the shipped ones its chart, or whoever compared the two, took it from.
SHIPPED_MODEL_ANNOTATION: Final = f"{API_GROUP}/shipped-model"

# Of what a plan creates, and of the document that says how to take a plan back: the digest.
PLAN_LABEL: Final = f"{API_GROUP}/plan"
# Of an undo document: how far the revocation is, whose record it was, and why.
REVOCATION_LABEL: Final = f"{API_GROUP}/revocation"
RECORD_UID_ANNOTATION: Final = f"{API_GROUP}/record-uid"
WHY_ANNOTATION: Final = f"{API_GROUP}/why"
REASON_ANNOTATION: Final = f"{API_GROUP}/reason"

# --- objects ------------------------------------------------------------------------------------

# What the names of all objects of ours begin with.
NAME_PREFIX: Final = "responsibility-"
# Of the bindings by which the operator grants, and of the ClusterRoles that they refer to.
GRANT_PREFIX: Final = f"{NAME_PREFIX}grant-"
ITEM_ROLE_PREFIX: Final = f"{NAME_PREFIX}item-"
# Of the roles and bindings by which a plan leaves somebody what it is entitled to.
KEPT_PREFIX: Final = f"{NAME_PREFIX}keeps-"
# The Secret, in the operator's namespace, with a token of each hub that is asked for its admins.
HUB_TOKENS_SECRET: Final = f"{NAME_PREFIX}hub-tokens"
# A hub's page in a hub: the service, and all that it is made of in the hub's namespace.
HUB_PAGE: Final = f"{NAME_PREFIX}page"
UNDO_PREFIX: Final = f"{NAME_PREFIX}undo-"
# The Role, in the operator's namespace, that grants what markers stand for.
DELEGATION_ROLE: Final = f"{NAME_PREFIX}delegation-in-force"

# Policies, each with a binding of the same name.
RECORD_OWNERS_POLICY: Final = f"{NAME_PREFIX}record-owners"
RECORD_DATES_POLICY: Final = f"{NAME_PREFIX}record-dates"
NAMESPACE_KEYS_POLICY: Final = f"{NAME_PREFIX}namespace-keys"
OPERATOR_CONFINED_POLICY: Final = f"{NAME_PREFIX}operator-confined"
POLICIES_POLICY: Final = f"{NAME_PREFIX}policies"
# About what the cluster has only one of; the only ones that the operator writes to, since who owns
# that stands in them. All others are static.
CLUSTER_WARN_POLICY: Final = f"{NAME_PREFIX}cluster-warn"
CLUSTER_DENY_POLICY: Final = f"{NAME_PREFIX}cluster-deny"
# How the name of a policy ends that the API server reads from a file: no request changes that.
STATIC_SUFFIX: Final = ".static.k8s.io"

# Webhook configurations.
BREAK_GLASS_WEBHOOK: Final = f"{NAME_PREFIX}break-glass"
VALUES_WEBHOOK: Final = f"{NAME_PREFIX}values"

# A label's value is no longer; names of records may be.
_LONGEST_LABEL = 63
_DIGITS = 10


def is_our_key(key: str) -> bool:
    """Return whether a label or annotation is one of those above."""
    domain, _, _ = key.partition("/")
    return domain == API_GROUP or domain.endswith("." + API_GROUP)


def label_value(name: str) -> str:
    """Return the name of a record or model as a label's value; long ones end in a digest."""
    if len(name) <= _LONGEST_LABEL:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST_LABEL - _DIGITS - 1].rstrip('-.')}-{digest}"


def policy_name(item: str) -> str:
    """Return the name of the policy that guards an item in the namespaces of hubs."""
    return f"{NAME_PREFIX}{item}"


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
    return f"{NAME_PREFIX}probe-{item}"
