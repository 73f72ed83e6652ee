"""Files become what a cluster would make of them."""

import codecs
import os
import stat
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.sources.given import GROUP, RBAC, RULE, bound, may, role

SA = "kind: ServiceAccount"

# Manifests, and what ann then may do to Secrets in the namespace reef: get, delete.
WORLDS = {
    "an aggregate is filled": (
        role("whole", selectors='[{matchLabels: {part: "true"}}]')
        + role("part", labels='{part: "true"}', rules=f"[{RULE}]")
        + bound("whole", "ann"),
        ("yes", "no"),
    ),
    "by expressions as well": (
        role("whole", selectors="[{matchExpressions: [{key: part, operator: In, values: [a]}]}]")
        + role("part", labels="{part: a}", rules=f"[{RULE}]")
        + bound("whole", "ann"),
        ("yes", "no"),
    ),
    "its own rules are replaced": (
        role("whole", selectors="[{matchLabels: {part: a}}]", rules=f"[{RULE}]")
        + role("part", labels="{part: a}", rules=f"[{RULE.replace('get', 'delete')}]")
        + bound("whole", "ann"),
        ("no", "yes"),
    ),
    "but not by nothing": (
        role("whole", selectors="[{matchLabels: {part: none}}]", rules=f"[{RULE}]")
        + bound("whole", "ann"),
        ("yes", "no"),
    ),
    "an aggregate of aggregates": (
        role("a", selectors="[{matchLabels: {level: one}}]")
        + role("b", labels="{level: one}", selectors="[{matchLabels: {level: two}}]")
        + role("c", labels="{level: two}", rules=f"[{RULE}]")
        + bound("a", "ann"),
        ("yes", "no"),
    ),
    "into a role of Kubernetes": (
        role("x", labels=f'{{{GROUP}/aggregate-to-view: "true"}}', rules=f"[{RULE}]")
        + bound("view", "ann"),
        ("yes", "unknown"),
    ),
    "out of a role of Kubernetes": (
        role("mine", selectors=f'[{{matchLabels: {{{GROUP}/aggregate-to-edit: "true"}}}}]')
        + bound("mine", "ann"),
        ("yes", "yes"),
    ),
    "everything": (role("all", selectors="[{}]") + bound("all", "ann"), ("yes", "yes")),
    "a namespace where none belongs": (
        role("r", rules=f"[{RULE}]").replace("{name: r,", "{name: r, namespace: reef,")
        + bound("r", "ann"),
        ("yes", "no"),
    ),
    "a generated name": (
        role("r", rules=f"[{RULE}]")
        + bound("r", "ben").replace("{name: b,", "{generateName: b-,")
        + bound("r", "ann").replace("{name: b,", "{generateName: b-,"),
        ("yes", "no"),
    ),
    "a later binding": (
        role("r", rules=f"[{RULE}]") + bound("r", "ann") + bound("r", "ben"),
        ("no", "no"),
    ),
    "a later role": (role("r") + role("r", rules=f"[{RULE}]") + bound("r", "ann"), ("yes", "no")),
    "a hook": (
        role("r", rules=f"[{RULE}]")
        + bound("r", "ann").replace(
            "{name: b,", "{name: b, annotations: {helm.sh/hook: post-install},"
        ),
        ("yes", "no"),
    ),
    "no group of the role": (
        role("r", rules=f"[{RULE}]") + bound("r", "ann").replace(f"apiGroup: {GROUP}, ", ""),
        ("yes", "no"),
    ),
    "an equals sign": (
        role("r", rules=f"[{RULE}]").replace("labels: {}", "annotations: {sign: =}")
        + bound("r", "ann"),
        ("yes", "no"),
    ),
    "a date beside a merge key": (
        f"---\n{RBAC}\nkind: ClusterRole\nmetadata:\n  name: r\n"
        "  labels: &l {since: 2026-01-01}\n  annotations: {<<: *l, until: 2026-12-31}\n"
        f"rules: [{RULE}]\n" + bound("r", "ann"),
        ("yes", "no"),
    ),
    "merge keys": (
        f"---\n{RBAC}\nkind: ClusterRole\nmetadata: {{name: r}}\nrules:\n"
        "- &a {verbs: [delete], apiGroups: [apps], resources: [deployments]}\n"
        '- {<<: [{resources: [secrets], apiGroups: ["x"]}, *a], apiGroups: [""], verbs: [get]}\n'
        + bound("r", "ann"),
        ("yes", "no"),
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_files_mean_what_a_cluster_makes_of_them(name: str, run: Run, files: Path) -> None:
    text, expected = WORLDS[name]
    assert files.is_dir()
    Path("given.yaml").write_text(text, encoding="utf-8")
    assert tuple(may(run, "ann", verb, "secrets") for verb in ("get", "delete")) == expected


def test_everybody_may_do_what_kubernetes_lets_everybody_do(run: Run, files: Path) -> None:
    assert files.is_dir()
    Path("given.yaml").write_text(bound("gone", "ben"), encoding="utf-8")
    asked = ("create", "selfsubjectaccessreviews.authorization.k8s.io")
    assert may(run, "ann", *asked) == "yes"
    assert may(run, "ann", "get", "/version") == "yes"
    assert may(run, "ann", *asked, options=("--no-default-roles",)) == "no"
    assert may(run, "ann", "get", "pods") == "no"


# What no API server takes, and what is said of it.
REFUSED = {
    "no verbs": (
        role("r", rules="[{apiGroups: [''], resources: [pods]}]"),
        "ClusterRole r: the API server refuses this: rules[0].verbs: there is none",
    ),
    "no account's namespace": (
        bound("r", "ann").replace("RoleBinding", "ClusterRoleBinding").replace("kind: User", SA),
        "subjects[0].namespace: a ClusterRoleBinding has none",
    ),
    "a number for a text": (
        role("r", rules="[{apiGroups: [''], resources: [pods], verbs: [012]}]"),
        "rules[0].verbs is 10, not a string",
    ),
    "URLs in a namespace": (
        role("r", rules="[{nonResourceURLs: [/x], verbs: [get]}]").replace(
            "kind: ClusterRole\nmetadata: {", "kind: Role\nmetadata: {namespace: reef, "
        ),
        "Role reef/r: the API server refuses this: rules[0].nonResourceURLs",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_server_refuses_is_named_with_its_place(name: str, run: Run, files: Path) -> None:
    assert files.is_dir()
    text, message = REFUSED[name]
    Path("given.yaml").write_text(text, encoding="utf-8")
    done = run("check", "-f", "given.yaml")
    assert done.code == 2
    assert done.err.startswith("error: given.yaml, document 1, line 2: ")
    assert message in done.err


def test_hooks_of_helm_are_told_to_count(run: Run, files: Path) -> None:
    assert files.is_dir()
    Path("given.yaml").write_text(WORLDS["a hook"][0], encoding="utf-8")
    done = run("can-i", "get", "secrets", "--as", "ann", "-n", "reef", "-f", "given.yaml")
    assert "counted as applied: 1 object of RBAC that Helm makes for a while only" in done.err


def test_what_a_later_document_replaces_is_told(run: Run, files: Path) -> None:
    assert files.is_dir()
    Path("given.yaml").write_text(
        role("r", rules=f"[{RULE}]") + bound("r", "ann") + bound("r", "ben"), encoding="utf-8"
    )
    done = run("can-i", "get", "secrets", "--as", "ann", "-n", "reef", "-f", "given.yaml")
    assert (
        "note: there twice, so the later one counts, as when they are applied in this order: "
        "RoleBinding reef/b (given.yaml, document 2, line 7; then given.yaml, document 3, line 13)"
    ) in done.err


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_says_how_a_file_is_written(
    mark: bytes, encoding: str, run: Run, files: Path
) -> None:
    assert files.is_dir()
    text = role("r", rules=f"[{RULE}]") + bound("r", "ann")
    Path("given.yaml").write_bytes(mark + text.encode(encoding))
    assert may(run, "ann", "get", "secrets") == "yes"


# A GitOps folder, and what must be said of it; `kubectl` is a program that writes this.
BUILT = bound("r", "ann", namespace="built")
FOLDER = {
    "base/kustomization.yaml": "resources: [binding.yaml]\n",
    "base/binding.yaml": f"{RBAC}\nkind: RoleBinding\nmetadata: {{name: b}}\n",
    "overlay/kustomization.yaml": (
        "resources: [../base]\nnamespace: built\npatches: [{path: p.yaml}]\n"
    ),
    "overlay/p.yaml": f"{RBAC}\nkind: RoleBinding\nmetadata: {{name: b}}\n",
    "overlay/beside.yaml": role("r", rules=f"[{RULE}]"),
    "apps/flux.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n",
    "values/common.yaml": "jupyterhub: {singleuser: {memory: {limit: 1G}}}\n",
    "values/list.yaml": "- a\n- b\n",
    "charts/hub/Chart.yaml": "apiVersion: v2\nname: hub\nversion: 1.0.0\n",
    "charts/hub/templates/a.yaml": "{{ if .Values.x }}\na: b\n{{ end }}\n",
}


@pytest.fixture
def folder(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the folder, with a kubectl beside it that is the only program to be found."""
    for name, text in FOLDER.items():
        path = files.parent / "gitops" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    programs = files.parent / "bin"
    programs.mkdir()
    (programs / "built.yaml").write_text(BUILT, encoding="utf-8")
    kubectl = programs / "kubectl"
    kubectl.write_text(
        '#!/bin/sh\necho "$@" >> "${0%/*}/asked"\nwhile read -r line; do echo "$line"; done '
        '< "${0%/*}/built.yaml"\n',
        encoding="utf-8",
    )
    kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs))
    return programs


def ask(run: Run, namespace: str) -> tuple[int, str]:
    """Ask whether ann may read Secrets, by the folder."""
    done = run("can-i", "get", "secrets", "--as", "ann", "-n", namespace, "-f", "gitops", "-v", "1")
    return done.code, done.err


def test_a_gitops_folder_is_read_as_it_would_be_applied(folder: Path, run: Run) -> None:
    code, told = ask(run, "built")
    assert code == 0
    assert (folder / "asked").read_text(encoding="utf-8") == f"kustomize gitops{os.sep}overlay\n"
    assert "passed over 2 files with something else than Kubernetes objects: " in told
    assert "gitops/values/common.yaml, gitops/values/list.yaml" in told
    assert "passed over 1 chart (check what `helm template` makes of it): gitops/charts/hub" in told
    assert "passed over 1 object of kinds that have no part in this: Kustomization (1)" in told


def test_a_kustomization_file_is_its_folder(folder: Path, run: Run) -> None:
    assert folder.is_dir()
    who = ("--as", "ann", "-n", "built", "-f", "gitops/overlay/kustomization.yaml")
    assert run("can-i", "get", "secrets", *who).code == 0


def test_without_kubectl_a_kustomization_is_passed_over_and_told(folder: Path, run: Run) -> None:
    (folder / "kubectl").unlink()
    code, told = ask(run, "built")
    assert code == 1
    assert "passed over 1 kustomization that only kubectl could build, which is not here: " in told
    assert "gitops/overlay/kustomization.yaml" in told


@pytest.mark.parametrize(
    "text",
    [
        "resources: [../base, https://example.org/x.yaml]\n",
        "resources: [../base, 'git@example.org:a/b']\n",
        "resources: [../base]\nhelmCharts: [{name: x, repo: https://example.org}]\n",
    ],
)
def test_nothing_is_fetched(text: str, folder: Path, run: Run) -> None:
    Path("gitops/overlay/kustomization.yaml").write_text(text, encoding="utf-8")
    Path("gitops/overlay/p.yaml").unlink()
    _, told = ask(run, "built")
    assert "passed over 1 kustomization that needs more than these files" in told
    assert not (folder / "asked").exists()


def test_a_kustomization_that_cant_be_built_ends_with_the_reason(folder: Path, run: Run) -> None:
    kubectl = folder / "kubectl"
    kubectl.write_text("#!/bin/sh\necho 'error: no matches' >&2\nexit 1\n", encoding="utf-8")
    code, told = ask(run, "built")
    assert code == 2
    assert "gitops/overlay: this kustomization can't be built: no matches" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "kustomization.yaml: this is not a kustomization"),
        ("a: [\n", "kustomization.yaml, line 2: this is not YAML"),
        ("a: 1\n---\nb: 1\n", "kustomization.yaml: this is not one document"),
    ],
)
def test_a_bad_kustomization_is_named(text: str, message: str, folder: Path, run: Run) -> None:
    assert folder.is_dir()
    Path("gitops/base/kustomization.yaml").write_text(text, encoding="utf-8")
    code, told = ask(run, "built")
    assert code == 2
    assert message in told


def test_a_slip_in_a_folder_is_no_values_file(folder: Path, run: Run) -> None:
    assert folder.is_dir()
    Path("gitops/slip.yaml").write_text(
        "kind: RoleBinding\nmetadata: {name: x}\n", encoding="utf-8"
    )
    code, told = ask(run, "built")
    assert code == 2
    assert "gitops/slip.yaml, document 1, line 1: this object has no apiVersion" in told


def test_a_chart_that_is_named_is_rendered_for_the_namespace(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert files.is_dir()
    chart = Path("charts", "hub")
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: hub\nversion: 1.0.0\n", "utf-8")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    ask = ("can-i", "get", "secrets", "--as", "ann", "-n", "reef", "-f", str(chart))
    done = run(*ask)
    assert done.code == 2
    assert "this is a chart, and helm is not here to render it" in done.err
    helm = tmp_path / "programs" / "helm"
    helm.parent.mkdir()
    text = role("r", rules=f"[{RULE}]") + bound("r", "ann", namespace="$4")
    helm.write_text(f"#!/bin/sh\n/bin/cat <<END\n{text}END\n", encoding="utf-8")
    helm.chmod(helm.stat().st_mode | stat.S_IXUSR)
    assert run(*ask).code == 0
    helm.write_text("#!/bin/sh\necho 'Error: no value' >&2\nexit 1\n", encoding="utf-8")
    done = run(*ask)
    assert done.code == 2
    assert "charts/hub: this chart can't be built: no value" in done.err
