"""Kubernetes' own roles are those of the version that is asked about."""

import json
import re
from pathlib import Path

import pytest

from responsibility.cli.sources import default_roles
from responsibility.rbac.objects import RoleKey
from tests.e2e.lab.binaries import pinned_version
from tests.unit.cli.conftest import Run
from tests.unit.cli.sources.given import RBAC, bound, may, role
from tools import bootstrap_roles

EVENTS = ("create", "events.events.k8s.io")
CLAIMS = ("create", "resourceclaims.resource.k8s.io")
TOKENS = ("create", "tokenreviews.authentication.k8s.io")
KNOWN = default_roles.versions()


# What `edit` lets people do, in the words of the versions' release notes: claims came with 1.34,
# events by their new group with 1.35.
@pytest.mark.parametrize(
    ("version", "claims", "events"),
    [
        ("1.33", "unknown", "unknown"),
        ("1.34", "yes", "unknown"),
        ("1.35", "yes", "yes"),
        ("1.37", "yes", "yes"),
        ("v1.33.5-gke.1080000", "unknown", "unknown"),
        ("", "yes", "yes"),
    ],
)
def test_a_role_is_that_of_the_version(
    version: str, claims: str, events: str, run: Run, files: Path
) -> None:
    assert files.is_dir()
    Path("given.yaml").write_text(bound("edit", "ann"), encoding="utf-8")
    options = ("--kubernetes-version", version) if version else ()
    assert may(run, "ann", *CLAIMS, options=options) == claims
    assert may(run, "ann", *EVENTS, options=options) == events
    assert may(run, "ann", "create", "configmaps", options=options) == "yes"


def test_a_role_of_the_control_plane_that_somebody_is_bound_to_is_known(
    run: Run, files: Path
) -> None:
    assert files.is_dir()
    text = bound("system:auth-delegator", "ann").replace("RoleBinding", "ClusterRoleBinding")
    Path("given.yaml").write_text(text.replace(", namespace: reef", ""), encoding="utf-8")
    assert may(run, "ann", *TOKENS) == "yes"
    # Nothing extends it.
    assert may(run, "ann", "get", "secrets") == "no"
    assert may(run, "ann", *TOKENS, options=("--no-default-roles",)) == "unknown"


def test_a_role_of_a_namespace_is_known_too(run: Run, files: Path) -> None:
    assert files.is_dir()
    name = "extension-apiserver-authentication-reader"
    text = bound(name, "ann", namespace="kube-system").replace("kind: ClusterRole", "kind: Role")
    Path("given.yaml").write_text(text, encoding="utf-8")
    who = ("--as", "ann", "--as-group", "system:authenticated", "-n", "kube-system")
    asked = ("get", "configmaps/extension-apiserver-authentication")
    done = run("can-i", *asked, *who, "-v", "1", "-f", "given.yaml")
    assert done.code == 0
    assert f"makes them: Role kube-system/{name} (" in done.err


def test_what_the_files_have_counts_before_it(run: Run, files: Path) -> None:
    assert files.is_dir()
    rule = '[{apiGroups: [""], resources: [secrets], verbs: [get]}]'
    label = '{rbac.authorization.k8s.io/aggregate-to-edit: "true"}'
    part = role("system:aggregate-to-edit", labels=label, rules=rule)
    for text in (part, role("edit", rules=rule)):
        Path("given.yaml").write_text(bound("edit", "ann") + text, encoding="utf-8")
        assert may(run, "ann", "get", "secrets") == "yes"
        # Of an older cluster, say, which the export is of.
        assert may(run, "ann", "create", "configmaps") != "yes"


@pytest.mark.parametrize(
    ("who", "asked", "answer"),
    [
        ("system:kube-scheduler", ("delete", "pods"), "yes"),
        ("system:kube-scheduler", ("delete", "secrets"), "no"),
        ("system:serviceaccount:kube-system:job-controller", ("create", "pods"), "yes"),
        ("system:serviceaccount:reef:job-controller", ("create", "pods"), "no"),
    ],
)
def test_the_control_plane_may_do_what_kubernetes_gives_it(
    who: str, asked: tuple[str, ...], answer: str, run: Run, files: Path
) -> None:
    assert files.is_dir()
    Path("given.yaml").write_text(bound("edit", "ann"), encoding="utf-8")
    assert may(run, who, *asked) == answer
    assert who not in run("who-can", *asked, "-n", "reef", "-f", "given.yaml").out


def test_the_control_planes_bindings_are_the_files_where_they_have_them(
    run: Run, files: Path
) -> None:
    assert files.is_dir()
    taken = (
        f"{RBAC}\nkind: ClusterRoleBinding\nmetadata: {{name: 'system:kube-scheduler'}}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, "
        "name: 'system:kube-scheduler'}\nsubjects: [{kind: User, name: someone}]\n"
    )
    Path("given.yaml").write_text(taken, encoding="utf-8")
    assert may(run, "system:kube-scheduler", "delete", "pods") == "no"
    assert may(run, "someone", "delete", "pods") == "yes"


def test_it_is_said_only_where_it_matters(run: Run, files: Path) -> None:
    assert files.is_dir()
    asked = ("can-i", "get", "pods", "--as", "ann", "-n", "reef", "-f", "given.yaml")

    def told(which: str, *options: str) -> str:
        Path("given.yaml").write_text(bound(which, "ann"), encoding="utf-8")
        return run(*asked, "-v", "1", *options).err

    newest = default_roles.newest()
    assert f"as Kubernetes {newest} makes them: ClusterRole view (--kubernetes-v" in told("view")
    # All versions agree on it, or one was chosen, or it isn't Kubernetes' own at all.
    assert "--kubernetes-version" not in told("cluster-admin")
    assert "Kubernetes 1.33 makes" in (said := told("view", "--kubernetes-version", "1.33"))
    assert "--kubernetes-version" not in said
    assert not told("mine")
    # It is a note: not told where nobody asked for notes.
    Path("given.yaml").write_text(bound("view", "ann"), encoding="utf-8")
    assert not run(*asked).err


@pytest.mark.parametrize("version", ["1.12", "2", "latest", "", "1.99.3"])
def test_an_unknown_version_is_told_with_those_that_are_known(
    version: str, run: Run, files: Path
) -> None:
    assert files.is_dir()
    Path("given.yaml").write_text(bound("edit", "ann"), encoding="utf-8")
    done = run("check", "-f", "given.yaml", "--kubernetes-version", version)
    assert done.code == 2
    assert "--kubernetes-version" in done.err
    assert f"{KNOWN[0]} to {KNOWN[-1]}" in done.err


def test_it_is_about_files(run: Run) -> None:
    done = run("drift", "--kubernetes-version", "1.35")
    assert done.code == 2
    assert "needs -f" in done.err


def test_a_base_is_completed_by_the_same_version(run: Run, files: Path) -> None:
    assert files.is_dir()
    text = bound("edit", "ann")
    for folder in ("before", "after"):
        Path(folder).mkdir()
        (Path(folder) / "given.yaml").write_text(text, encoding="utf-8")
    options = ("--allow-empty", "--kubernetes-version", "1.33")
    done = run("check", "-f", "after", "--base", "before", *options)
    assert done.code == 0
    assert "nothing new" in done.out


def test_versions_follow_each_other() -> None:
    minors = [int(version.removeprefix("1.")) for version in KNOWN]
    assert minors == list(range(minors[0], minors[-1] + 1))
    releases = [re.sub(r"\.\d+$", "", each) for each in bootstrap_roles.RELEASES]
    assert [*KNOWN] == releases, "make bootstrap-roles"
    # A new Kubernetes in the lab is a new version here.
    assert f"v{bootstrap_roles.RELEASES[-1]}" == pinned_version("kubernetes", "k8s.io/kubernetes")


@pytest.mark.parametrize("version", KNOWN)
def test_every_binding_of_a_version_has_its_role(version: str) -> None:
    own = default_roles.of(version)
    keys = {each.key for each in own.roles}
    assert {"admin", "edit", "view", "cluster-admin"} <= {key.name for key in keys}
    assert {each.role for each in (*own.bindings, *own.control_plane)} <= keys
    for each in own.roles:
        assert bool(each.rules) != bool(each.aggregation) or "bootstrapper" in each.key.name


def test_what_varies_is_told_from_what_does_not() -> None:
    varying = {
        name for name in ("view", "edit", "admin") if default_roles.varies(RoleKey("", name))
    }
    assert varying == {"view", "edit", "admin"}
    assert default_roles.varies(RoleKey("", "system:node"))
    for name in ("cluster-admin", "system:auth-delegator", "nobody's"):
        assert not default_roles.varies(RoleKey("", name))


def test_the_table_says_how_it_was_made() -> None:
    table = json.loads(bootstrap_roles.TABLE.read_text(encoding="utf-8"))
    assert list(table["releases"].values()) == list(bootstrap_roles.RELEASES)
