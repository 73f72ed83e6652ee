"""Help, completion, formats for machines, and that nothing is imported before its time."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import yaml
from click.testing import CliRunner

from responsibility.api.parse import parse_record
from responsibility.cli.main import COMMANDS, cli
from responsibility.cli.terminal.errors import Exit
from tests.unit.cli import small
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name: str, run: Run) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert "Examples:\n" in done.out
    assert f"responsibility {name}" in done.out or f"{name} " in done.out


# What reaches a cluster, as kubectl spells it.
REACHING = ("--context", "--cluster", "--user", "--request-timeout", "-v", "--as", "-n")
OTHERWISE = {
    # It reads trees of files, and the cluster's records for them.
    *(("review", flag) for flag in REACHING),
}


def _flags(name: str) -> set[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    found = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
    kinds = {flag: p for p in command.params for flag in p.opts}
    if "--cluster" in found and isinstance(kinds["--cluster"], click.Option):
        assert not kinds["--cluster"].is_flag, name
    return found


def test_whatever_asks_a_cluster_takes_what_kubectl_takes() -> None:
    asking = [name for name in COMMANDS if "--kubeconfig" in _flags(name)]
    assert len(asking) > 15
    missing = {
        (name, flag)
        for name in asking
        for flag in REACHING
        if flag not in _flags(name) and (name, flag) not in OTHERWISE
    }
    assert missing == set()


def test_whatever_is_a_table_can_be_one_without_headings_and_a_template() -> None:
    tables = 0
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        output = next((p for p in command.params if "--output" in p.opts), None)
        if output is None or not isinstance(output.type, click.Choice):
            continue
        if not {"table", "text"}.isdisjoint(output.type.choices):
            template = "custom-columns=ID:.id"
            assert output.type.convert(template, output, None) == template, name
            with pytest.raises(click.BadParameter):
                output.type.convert("jsonpath={.id", output, None)
        if "table" in output.type.choices:
            tables += 1
            assert "--no-headers" in _flags(name), name
        # What is a table unless something else is asked for is a list, too.
        if isinstance(output, click.Option) and output.default == "table":
            assert "name" in output.type.choices, name
    assert tables > 10


def test_templates_say_what_json_says(run: Run, files: Path) -> None:
    told = json.loads(run("drift", "-f", files.name, "-o", "json").out)
    ids = run("drift", "-f", files.name, "-o", "jsonpath={[*].id}").out.split()
    assert ids == [each["id"] for each in told]
    columns = "custom-columns=ID:.id,WHO:.subject.name,NO:.nothing"
    heading, *rows = run("drift", "-f", files.name, "-o", columns).out.splitlines()
    assert heading.split() == ["ID", "WHO", "NO"]
    assert [row.split()[0] for row in rows] == ids
    assert all(row.endswith("<none>") for row in rows)
    bare = run("drift", "-f", files.name, f"-o={columns}", "--no-headers").out.splitlines()
    assert [row.split() for row in bare] == [row.split() for row in rows]


def test_a_template_that_leads_nowhere_is_a_wrong_question(run: Run, files: Path) -> None:
    done = run("drift", "-f", files.name, "-o", "jsonpath={[999].id}")
    assert (done.code, done.out) == (Exit.UNUSABLE, "")
    assert "there is no [999]" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_a_script(shell: str, run: Run) -> None:
    done = run("completion", shell)
    assert done.code == 0
    assert "_KUBECTL_RESPONSIBILITY_COMPLETE" in done.out


IN_A_SHELL = {
    "bash": "source <({completion}); COMP_WORDS=(kubectl-responsibility wh); COMP_CWORD=1; "
    '_kubectl_responsibility_completion kubectl-responsibility; echo "${COMPREPLY[@]}"',
    "fish": '{completion} | source; complete -C "kubectl-responsibility wh"',
}


@pytest.mark.parametrize("shell", IN_A_SHELL)
def test_shells_complete_by_the_script(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    line = IN_A_SHELL[shell].replace("{completion}", f"kubectl-responsibility completion {shell}")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", line],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(word for word in done.stdout.split() if word.startswith("who-")) == [
        "who-can",
        "who-owns",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("wh", "who-owns"), ("can-i --as", "--as-group"), ("check -o s", "sarif"), ("ma", "matrix")],
)
def test_words_are_completed(words: str, expected: str) -> None:
    line = f"kubectl-responsibility {words}"
    environment = {
        "_KUBECTL_RESPONSIBILITY_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    done = CliRunner().invoke(
        cli,
        [],
        env=environment,
        prog_name="kubectl-responsibility",
        complete_var="_KUBECTL_RESPONSIBILITY_COMPLETE",
    )
    assert expected in done.output


# What may not be imported for a question about files: it would take longer than the answer.
HEAVY = ("pydantic", "kubernetes", "aiohttp", "asyncio", "rich", "kopf", "yaml.constructor_")


def test_a_question_about_files_imports_little(files: Path) -> None:
    assert files.is_dir()
    code = (
        "import sys; from responsibility.cli.main import main; "
        "main(['who-can', 'get', 'pods', '-f', 'reef']); "
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# What a question to a cluster has no use for: most of the processor's time would go into it.
FOR_OTHERS = (
    *("pydantic", "kubernetes", "aiohttp", "rich", "kopf", "difflib"),
    "responsibility.cli.sources.yaml.documents",
    "responsibility.cli.sources.manifests",
    "responsibility.ownership.results.wording",
)


def test_a_question_to_a_cluster_imports_nothing_that_files_and_findings_take() -> None:
    code = (
        "import sys; import responsibility.cli.main, responsibility.cli.sources.live; "
        "from responsibility.cli.commands import who_can as asked; "
        "rows = asked._rows(asked.Subject('User', 'ann'), (asked.Source(None, None),)); "
        f"print(list(rows)[0][:2], [m for m in {FOR_OTHERS} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['User', 'ann'] []"


def test_junit_is_xml_with_a_case_an_item(run: Run, files: Path) -> None:
    assert files.is_dir()
    done = run("check", "-f", "reef", "--at", small.AT, "-o", "junit")
    root = ET.fromstring(done.out)  # noqa: S314 - our own
    cases = root.findall("testsuite[@name='reef']/testcase")
    assert [case.get("name") for case in cases] == ["record", "settings", "secrets", "support"]


def test_sarif_names_its_rules_and_lines(run: Run, files: Path) -> None:
    assert files.is_dir()
    log = json.loads(run("check", "-f", "reef", "--at", small.AT, "-o", "sarif").out)
    (ran,) = log["runs"]
    rules = {rule["id"] for rule in ran["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in ran["results"]} <= rules
    regions = [
        result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in ran["results"]
    ]
    assert all(line > 0 for line in regions)


@pytest.mark.parametrize("into_files", [False, True])
def test_drafts_are_the_same_in_json(run: Run, files: Path, *, into_files: bool) -> None:
    (files / "record.yaml").unlink()
    draft = yaml.safe_load(run("init", "-f", "reef").out)
    if into_files:
        assert run("init", "-f", "reef", "-d", "out", "-o", "json").out == "out/reef.json\n"
        assert json.loads(Path("out/reef.json").read_text(encoding="utf-8")) == draft
    else:
        listed = json.loads(run("init", "-f", "reef", "-o", "json").out)
        assert listed == {"apiVersion": "v1", "kind": "List", "items": [draft]}


def test_drafts_are_valid_records_and_never_overwrite(run: Run, files: Path) -> None:
    (files / "record.yaml").unlink()
    done = run("init", "-f", "reef", "-d", "out")
    assert done.out == "out/reef.yaml\n"
    text = Path("out/reef.yaml").read_text(encoding="utf-8")
    record = parse_record(yaml.safe_load(text), strict=True)
    assert (record.spec.hub.namespace, record.spec.hub.release) == ("reef", "reef")
    Path("out/reef.yaml").write_text("mine", encoding="utf-8")
    done = run("init", "-f", "reef", "-d", "out")
    assert "is there already and stays as it is" in done.err
    assert Path("out/reef.yaml").read_text(encoding="utf-8") == "mine"


def test_leavers_are_found_in_bindings_and_records(run: Run, files: Path) -> None:
    assert files.is_dir()
    Path("leavers").write_text("leaver\nlead # on the hub\nnobody\n", encoding="utf-8")
    done = run("subject", "--retired", "leavers", "-f", "reef", "--at", small.AT)
    assert "RoleBinding reef/engineers" in done.out
    assert "Responsibility reef" in done.out
    assert "3 subjects, of which 1 hold nothing and are named nowhere" in done.out


def test_clean_manifests_pass_the_check(run: Run, files: Path) -> None:
    people = files / "rbac" / "people.yaml"
    text = people.read_text(encoding="utf-8").replace(
        "- {kind: User, name: leaver, apiGroup: rbac.authorization.k8s.io}\n", ""
    )
    text = text.replace(
        '- {verbs: [get], apiGroups: [""], resources: [secrets], resourceNames: [hub]}\n', ""
    )
    operators = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: engineers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: records}
subjects: [{kind: Group, name: engineers, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: records}
rules: [{verbs: ["*"], apiGroups: [responsibility.2i2c.org], resources: ["*"]}]
"""
    people.write_text(text + operators, encoding="utf-8")
    done = run("check", "-f", "reef", "--at", "2026-01-15")
    assert (done.code, done.out) == (
        0,
        "nothing differs from what is agreed\n0 causes, 0 findings in 1 record\n",
    )


def test_an_addition_to_a_model_is_merged_into_it(run: Run, files: Path) -> None:
    (files / "more.yaml").write_text(
        "apiVersion: responsibility.2i2c.org/v1alpha1\nkind: ResponsibilityModel\n"
        "metadata: {name: small}\nspec:\n  parties:\n"
        "  - {name: provider, contact: {email: new@provider.example}}\n",
        encoding="utf-8",
    )
    done = run("who-owns", "patch", "deploy", "-f", "reef", "-o", "json")
    assert json.loads(done.out)["owners"][0]["contact"] == "new@provider.example"


def test_who_stops_reading_is_not_told_that_there_is_drift(files: Path) -> None:
    """The code 1 of a broken pipe would be that of `check` which has found something."""
    assert files.is_dir()
    # More than a pipe holds, so that the command is still writing when nobody reads any more.
    many = "\n---\n".join(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
        f"metadata: {{name: b{number}}}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n"
        f"subjects: [{{kind: User, name: {'long' * 20}-{number}}}]"
        for number in range(1_500)
    )
    Path("many.yaml").write_text(many, encoding="utf-8")
    program = "from responsibility.cli.main import script; script()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "who-can", "get", "pods", "-f", "many.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("KIND")
        process.stdout.close()
        told = [line for line in process.stderr if not line.startswith("note: ")]
        assert process.wait() == Exit.UNREAD
    assert told == []


def test_what_is_no_table_takes_the_same_formats(run: Run, files: Path) -> None:
    assert files.is_dir()
    asked = ("can-i", "get", "pods", "--as", "ann", "-f", "reef", "-o")
    assert run(*asked, "table") == run(*asked, "wide") == run(*asked, "text")
    ids = json.loads(run("drift", "-f", "reef", "--at", small.AT, "-o", "json").out)
    told = ("explain", ids[0]["id"], "-f", "reef", "--at", small.AT, "-o")
    assert run(*told, "table") == run(*told, "wide") == run(*told, "text")


def test_a_folder_of_thousands_of_files_is_read_whole(run: Run, files: Path) -> None:
    folder = files.parent / "many"
    for number in range(3_000):
        inside = folder / f"team-{number % 50}"
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{number}.yaml").write_text(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
            f"metadata:\n  name: b{number}\nroleRef:\n  kind: ClusterRole\n"
            f"  name: cluster-admin\nsubjects:\n- kind: User\n  name: user-{number}\n",
            encoding="utf-8",
        )
    (folder / ".git").mkdir()
    (folder / ".git" / "not.yaml").write_text("{{", encoding="utf-8")
    (folder / "README.md").write_text("{{", encoding="utf-8")
    done = run("who-can", "get", "pods", "-f", "many", "-o", "json")
    assert len(json.loads(done.out)["subjects"]) == 3_001  # and system:masters


def test_names_in_any_script_are_told_as_they_are(run: Run, files: Path) -> None:
    people = files / "rbac" / "people.yaml"
    name = "ügür-山田太郎-" + "x" * 200
    text = people.read_text(encoding="utf-8").replace("name: leaver", f"name: {name}")
    people.write_text(text, encoding="utf-8")
    done = run("can-i", "patch", "deploy", "-n", "reef", "--as", name, "-f", "reef")
    assert done.code == 0
    assert name in run("who-can", "patch", "deploy", "-n", "reef", "-f", "reef").out
    assert name in run("subject", "user", name, "-f", "reef", "--at", small.AT).out


def test_names_with_spaces_are_leavers_too_and_a_bad_line_costs_itself(
    run: Run, files: Path
) -> None:
    assert files.is_dir()
    lines = {
        "# a comment": None,
        "mallory": ("User", "mallory"),
        "Jane Doe": ("User", "Jane Doe"),
        "User Jo Do # left in May": ("User", "Jo Do"),
        "Group Domain Users": ("Group", "Domain Users"),
        "group CN=Hub Admins,DC=example": ("Group", "CN=Hub Admins,DC=example"),
        "Group team #1: leads": ("Group", "team #1: leads"),
        "- arn:aws:iam::111122223333:user/bob": ("User", "arn:aws:iam::111122223333:user/bob"),
        "sa deployer": None,
        "ServiceAccount ci/deployer": ("ServiceAccount", "deployer"),
        "Group": ("User", "Group"),
    }
    Path("leavers").write_text("\n".join(lines), encoding="utf-8")
    done = run("subject", "--retired", "leavers", "-f", "reef", "-o", "json")
    found = [(e["subject"]["kind"], e["subject"]["name"]) for e in json.loads(done.out)]
    assert found == [subject for subject in lines.values() if subject]
    assert done.code == 3
    assert "leavers, line 9 is left out: deployer: write a ServiceAccount as" in done.err
    Path("leavers").write_text("mallory\n", encoding="utf-8")
    assert run("subject", "--retired", "leavers", "-f", "reef").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("drfit",), "No such command 'drfit'. Did you mean drift?"),
        (("who-own",), "No such command 'who-own'. Did you mean who-owns?"),
        (("xyzzy",), "No such command 'xyzzy'.\n"),
        (("drift", "--severty", "high"), "--severity"),
    ],
)
def test_what_is_misspelt_is_told_with_what_is_meant(
    words: tuple[str, ...], told: str, run: Run
) -> None:
    done = run(*words)
    assert done.code == 2
    assert told in done.err


def test_the_version_is_told(run: Run) -> None:
    known = json.loads(run("version", "-o", "json").out)
    assert known["apiVersion"] == "responsibility.2i2c.org/v1alpha1"
    assert known["clientVersion"] in run("version").out
    assert run("--version").out == f"{known['clientVersion']}\n"


@pytest.mark.usefixtures("files")
def test_the_cluster_as_a_whole_is_planned_for_by_a_name_of_its_own(run: Run) -> None:
    wide = run("plan", "--cluster-wide", "-f", "reef", "-o", "json")
    assert (wide.code, "deprecated" in wide.err) == (0, False)
    for words in (("plan", "--cluster", "-f", "reef", "-o", "json"), ("plan", "-f", "reef", "-o")):
        old = run(*words, *(() if words[-1] == "json" else ("json", "--cluster")))
        assert old.out == wide.out
        assert "Warning: --cluster without a name is deprecated here" in old.err
        assert "--cluster-wide" in old.err
    # With a name it is kubectl's, and so of no use to files.
    named = run("plan", "--all", "-f", "reef", "--cluster", "west")
    assert named.code == 2
    assert "-f reads files" in named.err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("drift", "--sort-by", "sevrity"), "Did you mean severity?"),
        (("drift", "-o", "jsn"), "Did you mean json?"),
        (("plan", "--subject", "usr/ann"), "did you mean user?"),
        (("subject", "gruop", "engineers"), "did you mean group?"),
        (("who-can", "delte", "pods"), "did you mean delete?"),
        (("can-i", "lst", "pods", "--as", "ann"), "did you mean list?"),
        (("who-can", "frobnicate", "pods"), ""),
    ],
)
def test_of_a_word_that_is_none_it_is_said_which_may_be_meant(
    words: tuple[str, ...], meant: str, run: Run
) -> None:
    done = run(*words, "-f", "reef")
    assert meant in done.err
    assert ("did you mean" in done.err.lower()) == bool(meant)


@pytest.mark.usefixtures("files")
def test_what_completes_files_is_told_who_asks(run: Run) -> None:
    plain, more = run("matrix", "-f", "reef"), run("matrix", "-f", "reef", "-v", "1")
    assert plain.out == more.out
    assert plain.err == ""
    assert "note: not in the files, so taken as Kubernetes" in more.err
