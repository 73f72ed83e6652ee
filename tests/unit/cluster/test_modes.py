"""What no mode holds, as docs/security.md promises, and how far each goes beyond looking."""

import pytest

from responsibility.api.names import REVOKE_VERB
from responsibility.cluster.modes import MODES, Mode, wanted
from responsibility.cluster.rights import (
    CLUSTER_ENFORCEMENT_RIGHTS,
    ENFORCEMENT_RIGHTS,
    GRANT_RIGHTS,
    REVOKE_RIGHTS,
    RIGHTS,
)
from tools.generate.rights_reference import render

EVERYTHING = wanted(enforcement=True, grants=True, grants_cluster=True, revocation=True)
READS = {"get", "list", "watch"}
BEYOND = {
    "audit": set[str](),
    "warn": {"namespaces", "validatingadmissionpolicies", "jobs", "rolebindings"},
    "deny": {"namespaces", "validatingadmissionpolicies", "jobs", "rolebindings"},
    "grant": {"rolebindings"},
    "revoke": {"rolebindings", "configmaps"},
}


def test_nothing_secret_is_read_in_any_mode() -> None:
    secret = {"secrets", "pods", "pods/log", "pods/exec", "serviceaccounts/token"}
    assert not {right.resource for right in EVERYTHING} & secret
    # Its own undo documents, where nobody else has any business.
    (documents,) = (right for right in EVERYTHING if right.resource == "configmaps")
    assert documents.namespaced
    assert documents in REVOKE_RIGHTS


def test_nobody_is_impersonated_and_nothing_escalated() -> None:
    verbs = {verb for right in EVERYTHING for verb in right.verbs}
    assert not verbs & {"*", "impersonate", "escalate", "deletecollection"}
    assert all(right.names for right in EVERYTHING if "bind" in right.verbs)


def test_what_is_deleted_are_bindings_and_its_own_markers() -> None:
    deleted = {
        (right.resource, right.namespaced) for right in EVERYTHING if "delete" in right.verbs
    }
    assert deleted == {
        ("rolebindings", False),
        ("clusterrolebindings", False),
        ("jobs", True),
        ("configmaps", True),
    }


def test_revoking_writes_no_rights_and_ends_none_of_the_whole_cluster() -> None:
    verbs = {(right.resource, verb) for right in REVOKE_RIGHTS for verb in right.verbs}
    rbac = {(resource, verb) for resource, verb in verbs if "role" in resource}
    assert rbac == {("rolebindings", "get"), ("rolebindings", "delete")}


def test_deployments_and_policies_are_patched_by_name_only() -> None:
    for right in EVERYTHING:
        if right.resource in ("deployments", "validatingadmissionpolicies"):
            assert right.names or set(right.verbs) <= READS


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_mode_writes_beyond_looking_what_is_said_of_it(mode: Mode) -> None:
    more = [right for right in mode.rights if right not in RIGHTS]
    written = {r.resource for r in more if set(r.verbs) - READS - {"bind", REVOKE_VERB}}
    assert written - {"events"} == BEYOND[mode.name]


def test_switches_add_rights_and_take_none_away() -> None:
    assert set(wanted()) == set(RIGHTS)
    hubs = {*RIGHTS, *ENFORCEMENT_RIGHTS}
    assert set(wanted(enforcement=True, enforcement_cluster=False)) == hubs
    assert set(wanted(enforcement=True)) == {*hubs, *CLUSTER_ENFORCEMENT_RIGHTS}
    assert set(wanted(grants=True)) == {*RIGHTS, *GRANT_RIGHTS}
    assert set(wanted(revocation=True)) == {*RIGHTS, *REVOKE_RIGHTS}
    assert wanted(grants_cluster=True) == wanted(), "nothing for the cluster without grants"


def test_the_reference_has_every_right() -> None:
    page = render()
    for right in EVERYTHING:
        assert right.why in page
