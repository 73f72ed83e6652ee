"""Objects for a store, and their way into it."""

from typing import Any

from hypothesis import strategies as st

from responsibility.kube.reflector import Reflector

Json = dict[str, Any]


def feed(reflector: Reflector[Any, Any], *events: tuple[str, Json]) -> None:
    """Let a reflector take in events, as its watch would."""
    reflector._take([{"type": kind, "object": thing} for kind, thing in events])


def meta(name: str, namespace: str = "", **more: Any) -> Json:
    """Return the metadata of an object as a list has it."""
    return {"name": name, "resourceVersion": "1", "namespace": namespace, **more}


def binding(name: str, namespace: str, of: str, *users: str) -> Json:
    """Return a binding of users to a role: in a namespace, or cluster-wide where there is none."""
    return {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": meta(name, namespace),
        "roleRef": {"kind": "Role" if namespace else "ClusterRole", "name": of},
        "subjects": [{"kind": "User", "name": user} for user in users],
    }


users = st.sampled_from(["ann", "bea", "system:masters"])
