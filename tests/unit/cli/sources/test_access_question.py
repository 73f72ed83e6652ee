"""Arguments mean what they mean to `kubectl auth can-i`; as seen in what kubectl 1.32 sends."""

import pytest

from responsibility.cli.sources.access_question import AskedUser, question, who
from responsibility.cli.sources.resource_types import ResourceTypes
from responsibility.hub.values.paths import covers, precision
from responsibility.rbac.objects import Attributes

TYPES = ResourceTypes.builtin()

# What was typed, and what kubectl asks the API server.
ASKED = {
    ("get", "deploy"): ("get", "apps", "deployments", ""),
    ("get", "Deployment.apps/x"): ("get", "apps", "deployments", "x"),
    ("get", "deployments.v1.apps"): ("get", "apps", "deployments", ""),
    ("get", "ingresses.networking"): ("get", "networking.k8s.io", "ingresses", ""),
    ("get", "ev"): ("get", "", "events", ""),
    ("delete", "events.events.k8s.io"): ("delete", "events.k8s.io", "events", ""),
    ("get", "Pods/Foo/bar"): ("get", "", "pods", "Foo/bar"),
    ("get", "pods/log"): ("get", "", "pods", "log"),
    ("get", "foos"): ("get", "", "foos", ""),
    ("get", "Foos.Bar.io/x"): ("get", "", "Foos.Bar.io", "x"),
    ("get", "*"): ("get", "", "*", ""),
    ("get", "*.apps"): ("get", "", "*.apps", ""),
    ("get", "*/x"): ("get", "", "*", "x"),
    ("impersonate", "users/x"): ("impersonate", "", "users", "x"),
    ("list", "nodes"): ("list", "", "nodes", ""),
}
WARNINGS = {
    ("get", "foos"): ("there is no resource type 'foos'",),
    ("get", "foos.bar.io"): ("there is no resource type 'foos' in group 'bar.io'",),
    ("get", "*.apps"): ("there is no resource type '*' in group 'apps'",),
    ("list", "nodes"): ("resource 'nodes' is not namespace scoped",),
    ("list", "sc"): (
        "resource 'storageclasses' is not namespace scoped in group 'storage.k8s.io'",
    ),
    ("frob", "pods"): ("verb 'frob' is not a known verb",),
    ("frob", "/healthz"): ("verb 'frob' is not a known verb",),
    ("impersonate", "users"): (),
    ("get", "*"): (),
}


@pytest.mark.parametrize("words", ASKED)
def test_a_question_is_the_one_that_kubectl_asks(words: tuple[str, str]) -> None:
    verb, group, resource, name = ASKED[words]
    asked = question(*words, TYPES, namespace="ns").attributes
    assert asked == Attributes(verb, group, resource, "", name, "ns")


@pytest.mark.parametrize("words", WARNINGS)
def test_what_is_odd_is_said_as_kubectl_says_it(words: tuple[str, str]) -> None:
    assert question(*words, TYPES, namespace="ns").warnings == WARNINGS[words]


def test_a_url_has_no_namespace() -> None:
    asked = question("get", "/healthz", TYPES, namespace="ns").attributes
    assert asked == Attributes("get", path="/healthz")


@pytest.mark.parametrize(
    ("what", "namespace"), [("nodes", ""), ("namespaces/x", "x"), ("pods", "ns"), ("foos", "ns")]
)
def test_the_api_server_asks_elsewhere_than_kubectl(what: str, namespace: str) -> None:
    asked = question("get", what, TYPES, namespace="ns").at_cluster
    assert asked.attributes.namespace == namespace


@pytest.mark.parametrize(
    ("verb", "what", "namespace"),
    [
        ("bind", "clusterroles/x", "ns"),
        ("bind", "roles/x", "ns"),
        ("escalate", "clusterroles/x", ""),
        ("escalate", "roles/x", "ns"),
        ("get", "clusterroles/x", ""),
    ],
)
def test_who_may_bind_a_role_is_asked_where_the_binding_is_made(
    verb: str, what: str, namespace: str
) -> None:
    asked = question(verb, what, TYPES, namespace="ns")
    assert asked.of_binding("ns").attributes.namespace == namespace
    assert asked.of_binding("ns").warnings == ()
    if what.startswith("clusterroles"):
        assert asked.of_binding("").attributes.namespace == ""


def test_a_definition_brings_its_names_along() -> None:
    types = ResourceTypes.builtin()
    types.define(
        {
            "spec": {
                "group": "example.org",
                "scope": "Cluster",
                "names": {"plural": "reefs", "kind": "Reef", "shortNames": ["rf"]},
                "versions": [{"name": "v1"}],
            }
        }
    )
    for name in ("reefs", "reef", "rf", "reefs.example.org", "reefs.v1.example.org"):
        found = types.find(name)
        assert found is not None
        assert (found.resource, found.group, found.namespaced) == ("reefs", "example.org", False)


PEOPLE = {
    ("ann", ()): (("system:authenticated",), False),
    ("ann", ("x",)): (("x", "system:authenticated"), True),
    ("ann", ("system:unauthenticated",)): (("system:unauthenticated",), True),
    ("system:anonymous", ()): (("system:unauthenticated",), True),
    ("system:serviceaccount:a:b", ()): (
        ("system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"),
        True,
    ),
    # As kubectl does it: groups that are named take the place of the account's own.
    ("system:serviceaccount:a:b", ("x",)): (("x", "system:authenticated"), True),
}


@pytest.mark.parametrize("given", PEOPLE)
def test_groups_are_those_that_impersonation_gives(given: tuple[str, tuple[str, ...]]) -> None:
    groups, complete = PEOPLE[given]
    assert who(*given) == AskedUser(given[0], groups, complete)


PATHS = {
    ("singleuser.memory", "singleuser.memory.limit"): True,
    ("singleuser.memory.limit", "singleuser.memory"): False,
    ("hub.config.*.admin_users", "hub.config.Authenticator.admin_users"): True,
    ("hub.config.*.admin_users", "hub.config.Authenticator.allowed_users"): False,
    ("a.list[*].mem_*", "a.list[3].mem_limit"): True,
    ("a.list[*].mem_*", "a.list.mem_limit"): False,
    ("a.list", "a.list[0].x"): True,
    ("a", "ab"): False,
}


@pytest.mark.parametrize("pair", PATHS)
def test_paths_cover_what_is_below_them(pair: tuple[str, str]) -> None:
    assert covers(*pair) is PATHS[pair]


def test_the_longer_path_is_more_precise() -> None:
    paths = ["a.b", "a", "a.*", "a.b.c"]
    assert sorted(paths, key=precision) == ["a", "a.*", "a.b", "a.b.c"]
