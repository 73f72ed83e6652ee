"""Rights that the operator itself needs, as one table.

The chart's ClusterRole is tested against it, and at start every line is put to the server as a
SelfSubjectAccessReview: a missing right is named at once, with its reason and the rule to add,
instead of showing as a watch that stays silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from responsibility import api_groups
from responsibility.api.names import (
    API_GROUP,
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    DELEGATION_ROLE,
    MODELS,
    OPERATOR,
    RECORDS,
    REVOKE_VERB,
)
from responsibility.kube import access_reviews, errors
from responsibility.kube.client import Api
from responsibility.rbac.objects import Attributes

# What an API server says where its authorizers refuse: `forbiddenMessage` in
# apiserver/pkg/endpoints/handlers/responsewriters/errors.go, after what `NewForbidden` puts first.
# Whoever refuses later begins otherwise: `admission webhook "…" denied the request`.
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NOT_AUTHORIZED = re.compile(
    rf"(?:\S+(?: {_QUOTED})? is forbidden: )?User {_QUOTED} cannot (?P<verb>[a-z]+) "
    r'resource "(?P<resource>[^"/]+)/?(?P<subresource>[^"]*)" in API group "(?P<group>[^"]*)"'
)

_LIST_WATCH = ("list", "watch")

# Where Events about cluster-wide objects are kept.
EVENTS_NAMESPACE = "default"

# Deployments that a JupyterHub release consists of; the only ones the operator annotates.
# A release whose chart prefixes names needs its own names added to the ClusterRole.
HUB_DEPLOYMENTS = ("hub", "proxy", "autohttps", "user-scheduler")


@dataclass(frozen=True, slots=True)
class Right:
    """One rule's worth: verbs on one resource, why, and what stops without it.

    ``names`` limits it to objects of these names; ``namespaced`` means that it is needed in the
    operator's own namespace only (a Role), instead of everywhere (a ClusterRole); ``namespace``
    is another one, in which alone it is needed.
    """

    verbs: tuple[str, ...]
    group: str
    resource: str
    why: str
    feature: str
    names: tuple[str, ...] = ()
    namespaced: bool = False
    optional: bool = False
    namespace: str = ""

    def __str__(self) -> str:
        """Return what an administrator needs to know, the rule to add included."""
        kind = "Role (in the operator's namespace)" if self.namespaced else "ClusterRole"
        if self.namespace:
            kind = f"Role (in namespace {self.namespace})"
        return (
            f"the operator may not {'/'.join(self.verbs)} {self._what()}: it needs that to "
            f"{self.why}; without it, {self.feature}. Add to its {kind}: {self.rule()}"
        )

    def _what(self) -> str:
        group = f".{self.group}" if self.group else ""
        names = f" {', '.join(self.names)}" if self.names else ""
        plural, slash, sub = self.resource.partition("/")
        return f"{plural}{group}{slash}{sub}{names}"

    def rule(self) -> str:
        """Return the PolicyRule to add, as one line of YAML (which is JSON-like, in braces)."""
        parts = [
            f'apiGroups: ["{self.group}"]',
            f'resources: ["{self.resource}"]',
            f"verbs: [{_quoted(self.verbs)}]",
        ]
        if self.names:
            parts.append(f"resourceNames: [{_quoted(self.names)}]")
        return "- {" + ", ".join(parts) + "}"

    def questions(self, namespace: str = "") -> list[Attributes]:
        """Return what to ask the server; ``namespace`` is the operator's own."""
        resource, _, subresource = self.resource.partition("/")
        return [
            Attributes(
                verb=verb,
                group=self.group,
                resource=resource,
                subresource=subresource,
                name=name,
                namespace=namespace if self.namespaced else self.namespace,
            )
            for verb in self.verbs
            for name in self.names or ("",)
        ]

    def covers(self, asked: Attributes) -> bool:
        """Return whether this right is what a request takes."""
        resource = "/".join(filter(None, (asked.resource, asked.subresource)))
        return (
            asked.verb in self.verbs
            and (asked.group, resource) == (self.group, self.resource)
            and (not self.names or asked.name in self.names)
        )


def refused_request(error: errors.ForbiddenError) -> Attributes | None:
    """Return what an authorizer has refused; None where something else has, such as a webhook."""
    found = _NOT_AUTHORIZED.match(error.message)
    if found is None:
        return None
    parts = error.path.removesuffix(f"/{found['subresource']}").split("/")
    name = parts[-1] if parts[-1] != found["resource"] else ""
    return Attributes(**found.groupdict(), name=name)


def _seen(group: str, resource: str, why: str, feature: str) -> Right:
    return Right(_LIST_WATCH, group, resource, why, feature)


_NO_FINDINGS = "nothing can be said about who may do what, so no findings at all"
_NOTHING_IN_FORCE = "it can't be told what is in force, so nothing is put in force either"

RIGHTS: tuple[Right, ...] = (
    _seen(api_groups.RBAC, "roles", "know what RoleBindings grant", _NO_FINDINGS),
    _seen(api_groups.RBAC, "rolebindings", "know who holds what in a namespace", _NO_FINDINGS),
    _seen(api_groups.RBAC, "clusterroles", "know what bindings grant", _NO_FINDINGS),
    _seen(api_groups.RBAC, "clusterrolebindings", "know who holds what everywhere", _NO_FINDINGS),
    _seen(
        api_groups.APPS, "deployments", "find the hubs", "no hub is found and no record is matched"
    ),
    _seen("", "namespaces", "match namespaced rights to hubs", "no hub is assessed"),
    _seen(
        "",
        "serviceaccounts",
        "tell a ServiceAccount that exists from one that does not",
        "vacant owners and workload identities are not recognised",
    ),
    _seen(
        api_groups.ADMISSION_REGISTRATION,
        "validatingadmissionpolicies",
        "see which policies are there, and that they are as rendered",
        _NOTHING_IN_FORCE,
    ),
    _seen(
        api_groups.ADMISSION_REGISTRATION,
        "validatingadmissionpolicybindings",
        "see which policies are bound",
        _NOTHING_IN_FORCE,
    ),
    _seen(API_GROUP, RECORDS, "read the records", "there is nothing to check"),
    _seen(
        API_GROUP,
        MODELS,
        "read the model behind the records",
        "there is nothing to check against",
    ),
    Right(
        ("patch",),
        API_GROUP,
        f"{RECORDS}/status",
        "report findings on the record",
        "`kubectl get responsibilities` stays empty",
    ),
    Right(
        ("patch",),
        API_GROUP,
        f"{MODELS}/status",
        "report whether a model is accepted",
        "a faulty model is not reported on the model",
    ),
    Right(
        ("create",),
        api_groups.AUTHORIZATION,
        "subjectaccessreviews",
        "ask the server what its other authorizers grant, and check itself against it",
        "rights that come from outside of RBAC are not seen and RBAC's being off goes unnoticed",
    ),
    Right(
        ("create",),
        "",
        "events",
        "tell of changes where `kubectl describe` shows them",
        "changes are in status and metrics only",
        optional=True,
        namespace=EVENTS_NAMESPACE,
    ),
    Right(
        ("patch",),
        api_groups.APPS,
        "deployments",
        "annotate the hub's Deployments with its owners",
        "owners are not shown on the Deployments",
        names=HUB_DEPLOYMENTS,
        optional=True,
    ),
    Right(
        ("create",),
        api_groups.COORDINATION,
        "leases",
        "let one of several replicas lead",
        "there can be one replica only",
        namespaced=True,
        optional=True,
    ),
    Right(
        ("get", "update"),
        api_groups.COORDINATION,
        "leases",
        "keep and hand over leadership",
        "there can be one replica only",
        names=(OPERATOR,),
        namespaced=True,
        optional=True,
    ),
)

_NOT_PROVED = "no policy can be proved to be in force, so none is put in force"
_NO_DATES = "delegations with an end are not in force at all"

# What enforcing takes beside that, and what is asked for only where it is switched on.
ENFORCEMENT_RIGHTS: tuple[Right, ...] = (
    Right(
        ("patch",),
        "",
        "namespaces",
        "tell the policies who owns what in a hub's namespace",
        "no stage but observe can be reached",
    ),
    Right(
        ("create",),
        "",
        "events",
        "try what policies must refuse, without storing anything",
        _NOT_PROVED,
    ),
    Right(
        (*_LIST_WATCH, "create", "delete"),
        api_groups.BATCH,
        "jobs",
        "let a delegation end at its date by itself (a Job without pods is the clock)",
        _NO_DATES,
        namespaced=True,
    ),
    Right(
        ("create",),
        api_groups.RBAC,
        "rolebindings",
        "mark a delegation's date as not yet come",
        _NO_DATES,
        namespaced=True,
    ),
    Right(
        ("bind",),
        api_groups.RBAC,
        "roles",
        "mark a delegation's date as not yet come; the role grants nothing that is real",
        _NO_DATES,
        names=(DELEGATION_ROLE,),
        namespaced=True,
    ),
)

# What it takes to enforce what the cluster has only one of as well.
CLUSTER_ENFORCEMENT_RIGHTS: tuple[Right, ...] = (
    Right(
        ("patch",),
        api_groups.ADMISSION_REGISTRATION,
        "validatingadmissionpolicies",
        "write the owners of cluster-wide items into the policies that guard them",
        "cluster-wide items are not enforced",
        names=(CLUSTER_WARN_POLICY, CLUSTER_DENY_POLICY),
        optional=True,
    ),
)

_NO_GRANTS = "nobody is granted anything, and what was granted stays"


def _granting(resource: str) -> Right:
    return Right(
        ("create", "patch", "delete"),
        api_groups.RBAC,
        resource,
        "give owners what they need, and take it away at its end",
        _NO_GRANTS,
        optional=True,
    )


# What granting takes beside that, where it is switched on; and `bind` on the roles of items, by
# name: which these are depends on the models, so what is missing of it shows in condition Granted.
GRANT_RIGHTS: tuple[Right, ...] = (_granting("rolebindings"),)
CLUSTER_GRANT_RIGHTS: tuple[Right, ...] = (_granting("clusterrolebindings"),)

_NO_REVOCATION = "nothing is revoked: a person applies plans (kubectl responsibility apply-plan)"

# What revoking takes, where it is switched on. There is no `bind` in it: whoever may write a
# binding to a role must be able to bind that role, so the operator only deletes, and what else a
# plan may need is left to people.
REVOKE_RIGHTS: tuple[Right, ...] = (
    Right(
        ("get", "delete"),
        api_groups.RBAC,
        "rolebindings",
        "end the rights that an approved plan ends, by deleting bindings as a whole",
        _NO_REVOCATION,
        optional=True,
    ),
    Right(
        (REVOKE_VERB,),
        API_GROUP,
        RECORDS,
        "be let through by the policy that confines it; no such request exists",
        _NO_REVOCATION,
        optional=True,
    ),
    Right(
        ("list", "create", "patch", "delete"),
        "",
        "configmaps",
        "write down what it is about to delete, so that people can take it back",
        _NO_REVOCATION,
        namespaced=True,
        optional=True,
    ),
)


# What it takes to serve the page: whether a caller may read, the review above answers.
PAGE_RIGHTS: tuple[Right, ...] = (
    Right(
        ("create",),
        api_groups.AUTHENTICATION,
        "tokenreviews",
        "know whose token a caller of the page has",
        "the page shows nobody with a token what was found",
        optional=True,
    ),
)


# What it takes to look at versions of Kubernetes; the API server's own it tells anybody.
VERSION_RIGHTS: tuple[Right, ...] = (
    Right(
        ("list",),
        "",
        "nodes",
        "see whether the nodes' kubelets fit the API server",
        "it is not known which versions the nodes run",
        optional=True,
    ),
)


async def missing(
    api: Api, rights: Sequence[Right] = RIGHTS, *, namespace: str = ""
) -> list[Right]:
    """Return the rights we don't have, in the table's order. Raises ApiError.

    A right of which only some verbs or names are missing comes back reduced to those, so that
    its message asks for no more than is needed. ``namespace`` is the operator's own; where it is
    empty (outside of a cluster), namespaced rights are asked for everywhere.
    """
    questions = [(right, asked) for right in rights for asked in right.questions(namespace)]
    answers = await access_reviews.self_access_many(api, (asked for _, asked in questions))
    refused: dict[Right, list[Attributes]] = {}
    for (right, asked), allowed in zip(questions, answers, strict=True):
        if not allowed:
            refused.setdefault(right, []).append(asked)
    return [_reduced(right, asked) for right, asked in refused.items()]


def _reduced(right: Right, refused: Sequence[Attributes]) -> Right:
    return Right(
        verbs=tuple(verb for verb in right.verbs if any(a.verb == verb for a in refused)),
        group=right.group,
        resource=right.resource,
        why=right.why,
        feature=right.feature,
        names=tuple(name for name in right.names if any(a.name == name for a in refused)),
        namespaced=right.namespaced,
        optional=right.optional,
        namespace=right.namespace,
    )


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
