"""Questions that an authorizer can be asked, from the words on the command line.

Word for word what ``kubectl auth can-i`` makes of them (``pkg/cmd/auth/cani.go`` in kubectl), down
to its warnings: TYPE/NAME is never TYPE/SUBRESOURCE, an unknown type is asked as it was written,
and a type without namespaces keeps the namespace, since a RoleBinding to ``*`` may still allow it.
A verb that is like a known one is told with that one, which kubectl does not do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from responsibility import api_groups
from responsibility.cli.sources.builtin_resource_types import RESOURCE_VERBS, URL_VERBS, WITHOUT_API
from responsibility.cli.sources.resource_types import ResourceType, ResourceTypes
from responsibility.cli.terminal.errors import CliError
from responsibility.phrases import did_you_mean
from responsibility.rbac.identity import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    implied_groups,
    user_subject,
)
from responsibility.rbac.objects import SERVICE_ACCOUNT, Attributes

_BOUND = ("bind", api_groups.RBAC, "clusterroles")


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """A question, the kind of object it is about (None: unknown), and what is odd about it."""

    attributes: Attributes
    type: ResourceType | None = None
    warnings: tuple[str, ...] = ()

    @property
    def at_cluster(self) -> ParsedQuestion:
        """The same, asked where the API server asks it: a kind without namespaces has none.

        But a request about the Namespace ``x`` itself is made in namespace ``x``.
        """
        asked = self.attributes
        if self.type is None or self.type.namespaced or asked.path:
            return self
        named_namespace = asked.name if (asked.group, asked.resource) == ("", "namespaces") else ""
        return replace(self, attributes=replace(asked, namespace=named_namespace), warnings=())

    def of_binding(self, namespace: str) -> ParsedQuestion:
        """Return the same as ``at_cluster``; but ``bind`` for a RoleBinding in its namespace.

        Whoever binds a ClusterRole in a RoleBinding is asked for ``bind`` in the namespace of the
        RoleBinding, though ClusterRoles have none (``BindingAuthorized`` in Kubernetes'
        ``pkg/registry/rbac/escalation_check.go``). Not so ``escalate``, which is asked of the
        request that changes the ClusterRole, and so of the cluster.
        """
        asked = self.attributes
        found = self.at_cluster
        if (asked.verb, asked.group, asked.resource) != _BOUND:
            return found
        return replace(found, attributes=replace(asked, namespace=namespace))


def question(
    verb: str, what: str, types: ResourceTypes, *, subresource: str = "", namespace: str = ""
) -> ParsedQuestion:
    """Return the question; an empty namespace asks about all of them. Raises CliError."""
    if what.startswith("/"):
        if subresource:
            raise CliError(f"--subresource can't be used with the URL {what}")
        odd = () if verb in URL_VERBS else (_no_verb(verb, URL_VERBS),)
        return ParsedQuestion(Attributes(verb, path=what), None, odd)
    text, _, name = what.partition("/")
    known = None if text == "*" else types.find(text)
    warnings = []
    if known is not None:
        group, resource = known.group, known.resource
        if namespace and not known.namespaced:
            within = f" in group '{group}'" if group else ""
            warnings.append(f"resource '{resource}' is not namespace scoped{within}")
    else:
        # As it was written, in the core group: kubectl asks that, too.
        group, resource = "", text
        base, _, rest = text.lower().partition(".")
        if text != "*" and text.lower() not in WITHOUT_API:
            within = f" in group '{rest}'" if rest else ""
            warnings.append(f"there is no resource type '{base}'{within}")
    if verb not in RESOURCE_VERBS:
        warnings.append(_no_verb(verb, RESOURCE_VERBS))
    attributes = Attributes(verb, group, resource, subresource, name, namespace)
    return ParsedQuestion(attributes, known, tuple(warnings))


def _no_verb(verb: str, known: Iterable[str]) -> str:
    return f"verb '{verb}' is not a known verb{did_you_mean(verb, sorted(known))}"


@dataclass(frozen=True, slots=True)
class AskedUser:
    """As whom a question is asked. ``complete`` if there can be no further groups."""

    user: str
    groups: tuple[str, ...]
    complete: bool


def who(user: str, groups: tuple[str, ...]) -> AskedUser:
    """Return what the API server makes of ``--as`` and ``--as-group``.

    See ``WithImpersonation`` in k8s.io/apiserver: named groups take the place of a
    ServiceAccount's own, and who isn't anonymous is authenticated. Without any ``--as-group``,
    people may be in groups that only their identity provider knows.
    """
    known = groups
    subject = user_subject(user)
    if not groups and subject.kind == SERVICE_ACCOUNT:
        known = implied_groups(subject)
    elif not {AUTHENTICATED, UNAUTHENTICATED} & set(groups):
        known = (*groups, UNAUTHENTICATED if user == ANONYMOUS else AUTHENTICATED)
    complete = bool(groups) or subject.kind == SERVICE_ACCOUNT or user == ANONYMOUS
    return AskedUser(user, known, complete)


def describe(asked: Attributes) -> str:
    """Return the question as ``can-i`` takes it."""
    if asked.path:
        return f"{asked.verb} {asked.path}"
    group = f".{asked.group}" if asked.group else ""
    name = f"/{asked.name}" if asked.name else ""
    flag = f" --subresource={asked.subresource}" if asked.subresource else ""
    where = f" -n {asked.namespace}" if asked.namespace else ""
    return f"{asked.verb} {asked.resource}{group}{name}{flag}{where}"
