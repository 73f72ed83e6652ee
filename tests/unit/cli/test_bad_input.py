"""What is wrong is said in one line: which file, document and line, and what to do."""

import io
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

RBAC = "apiVersion: rbac.authorization.k8s.io/v1"
BINDING = f"""\
{RBAC}
kind: RoleBinding
metadata: {{name: b, namespace: reef}}
roleRef: {{kind: Role, name: gone, apiGroup: rbac.authorization.k8s.io}}
subjects: [{{kind: User, name: ann}}]
"""
ROLE = f"{RBAC}\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: []\n"
RECORD = "apiVersion: responsibility.2i2c.org/v1alpha1\nkind: Responsibility\nmetadata: {name: r}\n"
RECORD += "spec: {hub: {namespace: reef}}\n"
ASK = ("can-i", "get", "pods", "--as", "ann")

# The text of `bad.yaml`, and what must be said of it; long texts.
# ruff: noqa: ISC004 - one text in several literals, each a line of YAML
FILES = {
    "a list that isn't closed": (
        "kind: X\napiVersion: v1\n---\nb:\n  c: [\n",
        "bad.yaml, document 2, line 6: this is not YAML",
    ),
    "a template": (
        "kind: X\napiVersion: v1\n{{ if .x }}\na: b\n{{ end }}\n",
        "render it first, with `helm template`",
    ),
    "a list of objects": ("- 1\n- 2\n", "bad.yaml, document 1, line 1: this is a list, not"),
    "no kind": ("metadata: {name: x}\n", "bad.yaml, document 1, line 1: this object has no kind"),
    "no name": (f"{RBAC}\nkind: Role\nmetadata: {{}}\n", "this Role has no metadata.name"),
    "no namespace": (
        f"---\n{RBAC}\nkind: Role\nmetadata: {{name: x}}\n",
        "bad.yaml, document 1, line 2: Role x has no metadata.namespace: write it there, or say "
        "with -n",
    ),
    "a role reference that changes": (
        f"{BINDING}---\n{BINDING.replace('name: gone', 'name: other')}",
        "RoleBinding reef/b is there twice, for Role reef/gone and for Role reef/other, and the "
        "API server refuses to change a roleRef: bad.yaml, document 1, line 1; and bad.yaml, "
        "document 2, line 7",
    ),
    "a record twice": (
        f"{RECORD}---\n{RECORD}",
        "Responsibility r is there twice: bad.yaml, document 1, line 1; and bad.yaml, document 2, "
        "line 6",
    ),
    "something merged that is no mapping": (
        "a: &a [1]\nb:\n  <<: *a\n",
        "bad.yaml, document 1, line 3: only mappings can be merged with <<",
    ),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "bad.yaml, document 1, line 3: a is written twice"),
    "a wrong field": (
        f"{RBAC}\nkind: ClusterRole\nmetadata: {{name: x}}\nrules: no rules\n",
        "ClusterRole x: rules is 'no rules', not a list",
    ),
    "a bad item of a list": (
        f"apiVersion: v1\nkind: List\nitems:\n- {RBAC}\n  kind: Role\n",
        "bad.yaml, document 1, item 1, line 4: this Role has no metadata.name",
    ),
    "half a merge": (
        "a: b\n<<<<<<< HEAD\nc: d\n",
        "bad.yaml, document 1, line 2: a merge that is not finished: resolve the conflict",
    ),
    "nothing": ("", "there is no object in it"),
    "an endless alias": ("a: &a [*a]\n", "nested without end"),
    "not what its tag says": ("a: !!int x\n", "this is not YAML: this is no int"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_named_with_document_and_line(name: str, run: Run, files: Path) -> None:
    assert files.is_dir()
    text, message = FILES[name]
    Path("bad.yaml").write_text(text, encoding="utf-8")
    done = run(*ASK, "-f", "bad.yaml")
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err


LINES = {
    "no such file": ((*ASK, "-f", "nowhere"), "nowhere: there is no such file or folder"),
    "an empty folder": ((*ASK, "-f", "empty"), "empty: no .yaml, .yml or .json file in this"),
    "no kubeconfig": (ASK, "there is no kubeconfig at"),
    "one argument": (("can-i", "get"), "two arguments are needed"),
    "a group without a user": (("can-i", "get", "pods", "--as-group", "x"), "--as-group needs"),
    "nobody": (("can-i", "get", "pods", "-f", "reef"), "say whom you mean with --as"),
    "a URL's subresource": (
        (*("can-i", "get", "/x", "--subresource", "y", "--as", "a"), "-f", "reef"),
        "--subresource can't be used with the URL",
    ),
    "files and a context": ((*ASK, "-f", "reef", "--context", "x"), "have no use"),
    "an unknown hub": (("matrix", "reff", "-f", "reef"), "did you mean reef?"),
    "an unknown finding": (("explain", "zzz", "-f", "reef"), "there is no finding zzz"),
    "an unknown kind of subject": (("subject", "robot", "x", "-f", "reef"), "robot is no kind of"),
    "an account without namespace": (("subject", "sa", "x", "-f", "reef"), "NAMESPACE/NAME"),
    "a moment that is none": (("drift", "-f", "reef", "--at", "soon"), "--at soon: write a"),
    "check without a record": (
        ("check", "-f", "reef/rbac"),
        "there is no record in these files, so there is nothing to hold them against",
    ),
    "check without files": (("check",), "say which manifests to check"),
    "nothing asked": (("who-owns", "-f", "reef"), "VERB TYPE[/NAME] or --path"),
    "a hub with a record": (("init", "reef", "-f", "reef"), "has a record already: reef"),
    "an unknown command": (("matricks",), "No such command"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_command_line_says_what_to_write(name: str, run: Run, files: Path) -> None:
    Path("empty").mkdir()
    assert files.is_dir()
    arguments, message = LINES[name]
    done = run(*arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_unknown_kinds_are_counted_and_passed_over(run: Run, files: Path) -> None:
    (files / "more.yaml").write_text(
        "apiVersion: v1\nkind: Secret\n---\napiVersion: v1\nkind: Secret\n---\n"
        "apiVersion: example.org/v1\nkind: Role\n",
        encoding="utf-8",
    )
    assert "passed over" not in run(*ASK, "-n", "reef", "-f", "reef").err
    done = run(*ASK, "-n", "reef", "-f", "reef", "-v", "1")
    assert "passed over 3 objects of kinds that have no part in this: Secret (2), Role (1)" in (
        done.err
    )


def test_a_binding_to_a_role_that_is_not_there_is_unknown(run: Run, files: Path) -> None:
    Path("binding.yaml").write_text(BINDING, encoding="utf-8")
    assert files.is_dir()
    done = run(*ASK, "-n", "reef", "-f", "binding.yaml")
    assert done.code == 3
    assert done.out == (
        "unknown: RoleBinding reef/b binds Role reef/gone, which is not in the files\n"
    )
    assert run(*ASK, "-n", "elsewhere", "-f", "binding.yaml").code == 1


def test_a_namespace_on_the_command_line_is_that_of_manifests_without(
    run: Run, files: Path
) -> None:
    Path("binding.yaml").write_text(BINDING.replace(", namespace: reef", ""), encoding="utf-8")
    assert files.is_dir()
    assert run(*ASK, "-n", "reef", "-f", "binding.yaml").code == 3


def test_standard_input_is_read(run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.is_dir()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BINDING.encode())))
    assert run(*ASK, "-n", "reef", "-f", "-").code == 3


def test_an_error_in_the_program_is_one_line(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("first line\nsecond line")

    assert files.is_dir()
    monkeypatch.setattr("responsibility.cli.sources.offline.load", fail)
    done = run(*ASK, "-f", "reef")
    assert done.code == 70
    assert done.err.startswith("error: RuntimeError: first line. This is an error in this program")
    assert done.err.count("\n") == 1
    with pytest.raises(RuntimeError):
        run("--debug", *ASK, "-f", "reef")


def test_a_bad_record_is_named_with_its_field(run: Run, files: Path) -> None:
    record = files / "record.yaml"
    record.write_text(
        record.read_text(encoding="utf-8").replace("displayName: Reef}", "displayname: Reef}"),
        encoding="utf-8",
    )
    done = run("check", "-f", "reef")
    assert done.code == 2
    assert "reef/record.yaml, document 1, line 1: Responsibility reef: spec.hub.displayname" in (
        done.err
    )
    assert "did you mean displayName?" in done.err


def test_aliases_of_aliases_take_no_time(run: Run, files: Path) -> None:
    assert files.is_dir()
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    head = "apiVersion: v1\nkind: ConfigMap\n"
    Path("laughs.yaml").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    done = run(*ASK, "-f", "laughs.yaml")
    assert done.code == 2
    assert "laughs.yaml, document 1, line 24: aliases of aliases" in done.err


def test_what_once_meant_the_whole_cluster_is_told_by_its_new_name(run: Run) -> None:
    done = run("apply-plan", "--cluster", "0123456789ab")
    assert done.code == 2
    assert "--cluster-wide DIGEST" in done.err
    assert "--cluster-wide" not in run("apply-plan", "--cluster", "prod").err
