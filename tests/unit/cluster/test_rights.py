"""The table of the operator's own rights, and how a missing one is told."""

from dataclasses import replace

import pytest
import yaml

from responsibility.api.names import DELEGATION_ROLE
from responsibility.cluster import rights
from responsibility.cluster.rights import (
    CLUSTER_ENFORCEMENT_RIGHTS,
    ENFORCEMENT_RIGHTS,
    REVOKE_RIGHTS,
    RIGHTS,
    Right,
)
from responsibility.kube import errors
from responsibility.kube.client import Api
from responsibility.rbac.objects import Attributes
from tests.apiserver.over_http import HttpApiServer
from tests.apiserver.requests import Request

SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ENFORCING = (*ENFORCEMENT_RIGHTS, *CLUSTER_ENFORCEMENT_RIGHTS)
EVERY = (*RIGHTS, *ENFORCING, *REVOKE_RIGHTS)
DANGEROUS = {"*", "escalate", "bind", "impersonate", "delete", "deletecollection"}


def allow_all_but(server: HttpApiServer, *refused: tuple[str, str, str]) -> None:
    def answer(request: Request) -> dict[str, object]:
        asked = request.body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked["subresource"])))
        allowed = (asked["verb"], resource, asked["name"]) not in refused
        return {"status": {"allowed": allowed}}

    server.answers[SELF] = answer


async def test_nothing_is_missing_where_everything_is_allowed(
    api: Api, server: HttpApiServer
) -> None:
    allow_all_but(server)
    assert await rights.missing(api, namespace="ours") == []


async def test_a_missing_right_comes_down_to_what_is_missing(
    api: Api, server: HttpApiServer
) -> None:
    allow_all_but(server, ("watch", "roles", ""), ("patch", "deployments", "proxy"))
    missing = await rights.missing(api)
    assert [(right.verbs, right.resource, right.names) for right in missing] == [
        (("watch",), "roles", ()),
        (("patch",), "deployments", ("proxy",)),
    ]
    assert [right.optional for right in missing] == [False, True]


async def test_leases_are_asked_for_in_our_own_namespace(api: Api, server: HttpApiServer) -> None:
    allow_all_but(server)
    await rights.missing(api, namespace="ours")
    asked = [request.body["spec"]["resourceAttributes"] for request in server.requests]
    assert {a["namespace"] for a in asked if a["resource"] == "leases"} == {"ours"}
    assert {a["namespace"] for a in asked if a["resource"] == "events"} == {"default"}
    others = [a for a in asked if a["resource"] not in ("leases", "events")]
    assert {a["namespace"] for a in others} == {""}


@pytest.mark.parametrize("right", EVERY, ids=lambda right: f"{right.verbs}-{right.resource}")
def test_the_message_holds_the_rule_to_add(right: Right) -> None:
    message = str(right)
    assert right.why in message
    assert right.feature in message
    in_role = right.namespaced or right.namespace
    [rule] = yaml.safe_load(message.partition("): " if in_role else "ClusterRole: ")[2])
    assert rule["verbs"] == list(right.verbs)
    assert rule["apiGroups"] == [right.group]
    assert rule["resources"] == [right.resource]
    assert rule.get("resourceNames", []) == list(right.names)


def test_the_message_reads_well() -> None:
    right = Right(("list", "watch"), "apps", "deployments", "find the hubs", "no hub is found")
    assert str(right) == (
        "the operator may not list/watch deployments.apps: it needs that to find the hubs; "
        "without it, no hub is found. Add to its ClusterRole: "
        '- {apiGroups: ["apps"], resources: ["deployments"], verbs: ["list", "watch"]}'
    )


def test_the_operator_asks_for_nothing_that_could_hand_out_rights() -> None:
    for right in RIGHTS:
        assert not DANGEROUS & set(right.verbs)
        if right.group == "rbac.authorization.k8s.io":
            assert set(right.verbs) == {"list", "watch"}


def test_what_enforcing_takes_hands_out_one_right_that_is_not_real() -> None:
    for right in ENFORCING:
        if DANGEROUS & set(right.verbs) or right.group == "rbac.authorization.k8s.io":
            assert right.namespaced, "in the operator's own namespace, and nowhere else"
        if "bind" in right.verbs:
            assert right.names == (DELEGATION_ROLE,)


@pytest.mark.parametrize("right", EVERY, ids=lambda right: f"{right.verbs}-{right.resource}")
def test_no_right_is_for_what_the_operator_has_no_business_with(right: Right) -> None:
    assert "*" not in (right.group, right.resource)
    assert not right.resource.startswith(("secrets", "pods", "nodes"))


def test_names_never_limit_what_they_cannot_limit() -> None:
    for right in EVERY:
        assert not right.names or not {"create", "list", "watch"} & set(right.verbs)


_WHO = 'User "system:serviceaccount:a:o" cannot'


@pytest.mark.parametrize(
    ("path", "message", "asked"),
    [
        (
            "/apis/apps/v1/namespaces/prod/deployments/hub",
            (
                f'deployments.apps "hub" is forbidden: {_WHO} patch resource "deployments" in API '
                'group "apps" in the namespace "prod"'
            ),
            Attributes("patch", "apps", "deployments", name="hub"),
        ),
        (
            "/apis/g/v1/responsibilities/prod/status",
            (
                f'responsibilities.g "prod" is forbidden: {_WHO} patch resource '
                '"responsibilities/status" in API group "g" at the cluster scope: not today'
            ),
            Attributes("patch", "g", "responsibilities", "status", "prod"),
        ),
        (
            "/api/v1/namespaces/default/events",
            (
                f'events is forbidden: {_WHO} create resource "events" in API group "" in the '
                'namespace "default"'
            ),
            Attributes("create", "", "events"),
        ),
        (
            "/api/v1/namespaces/prod",
            (
                f'admission webhook "x" denied the request: {_WHO} patch resource "namespaces" in '
                'API group "" in the namespace "prod"'
            ),
            None,
        ),
        ("/api/v1/namespaces/prod", 'pods "x" is forbidden: exceeded quota', None),
        ("/api/v1/namespaces/prod", "", None),
    ],
)
def test_what_an_authorizer_refused_is_told_from_what_others_refused(
    path: str, message: str, asked: Attributes | None
) -> None:
    error = errors.ForbiddenError(403, "Forbidden", message, "PATCH", path)
    assert rights.refused_request(error) == asked


def test_every_line_covers_its_own_questions_and_nothing_under_another_verb() -> None:
    for right in EVERY:
        for asked in right.questions("ours"):
            assert right.covers(asked)
            assert not right.covers(replace(asked, verb="escalate"))
            assert not right.covers(replace(asked, group="elsewhere.example.org"))
