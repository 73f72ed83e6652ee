"""Manifests of RBAC in few words, and the question whether somebody may do something by them."""

import json

from tests.unit.cli.conftest import Run

RBAC = "apiVersion: rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
RULE = '{apiGroups: [""], resources: [secrets], verbs: [get]}'


def bound(role: str, user: str, *, name: str = "b", namespace: str = "reef") -> str:
    """Return a RoleBinding of a ClusterRole."""
    return (
        f"---\n{RBAC}\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"roleRef: {{apiGroup: {GROUP}, kind: ClusterRole, name: {role}}}\n"
        f"subjects: [{{kind: User, name: {user}}}]\n"
    )


def role(name: str, *, labels: str = "{}", rules: str = "[]", selectors: str = "") -> str:
    """Return a ClusterRole, an aggregate if it has selectors."""
    whole = f"aggregationRule: {{clusterRoleSelectors: {selectors}}}\n" if selectors else ""
    return (
        f"---\n{RBAC}\nkind: ClusterRole\nmetadata: {{name: {name}, labels: {labels}}}\n"
        f"{whole}rules: {rules}\n"
    )


def may(run: Run, user: str, *asked: str, options: tuple[str, ...] = ()) -> str:
    """Return the answer that `can-i` gives for a user in no further group."""
    who = ("--as", user, "--as-group", "system:authenticated", "-n", "reef")
    done = run("can-i", *asked, *who, "-f", "given.yaml", "-o", "json", *options)
    answer: str = json.loads(done.out)["answer"]
    return answer
