"""What others have called things, at every way out of the command line.

Every command is run in each of its output forms on an organisation in which whatever may be called
anything is called what a terminal would obey, what cannot be seen, and what begins a line. The
commands and their forms are those that the program has.
"""

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

import responsibility.cli
from responsibility.api.foreign_text import harmless
from responsibility.cli.main import COMMANDS, cli
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

# One of each kind: controls of both sets, ends of lines, right to left, isolates,
# no width, a mark of byte order, tags, no character at all.
EVIL = (
    "mallory\x1b[2J\x9b1m\r\n::error::forged\nkind: Forged\u2028x\u202egnp.\u2066y\u200b\ufeff"
    "\U000e0041\uffff"
)
LONG = "long-" + "x" * 5_000
FORGED = ("::error::forged", "kind: Forged")
RBAC = "rbac.authorization.k8s.io"


def _named(kind: str, name: str, **more: object) -> dict[str, object]:
    metadata = {"name": name, "namespace": "reef", "annotations": {"note": EVIL}}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **more}


def _binding(name: str, role: str, *subjects: dict[str, str]) -> dict[str, object]:
    reference = {"apiGroup": RBAC, "kind": "Role", "name": role}
    return _named("RoleBinding", name, roleRef=reference, subjects=list(subjects))


WORLD = [
    _named(
        "Role",
        EVIL,
        rules=[
            {"verbs": ["*", EVIL], "apiGroups": ["apps", EVIL], "resources": ["*", EVIL]},
            {
                "verbs": ["get"],
                "apiGroups": [""],
                "resources": ["secrets"],
                "resourceNames": [EVIL],
            },
            {"verbs": ["bind"], "apiGroups": [RBAC], "resources": ["roles"]},
            {"verbs": ["create"], "apiGroups": [RBAC], "resources": ["rolebindings"]},
        ],
    ),
    _binding(
        EVIL,
        EVIL,
        {"kind": "User", "name": EVIL},
        {"kind": "Group", "name": EVIL},
        {"kind": "User", "name": LONG},
        {"kind": "ServiceAccount", "name": EVIL, "namespace": EVIL},
        {"kind": EVIL, "name": EVIL},
    ),
    _binding(f"{EVIL}-2", "operate", {"kind": "User", "name": EVIL}),
]
AUDIT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Request",
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/apis/apps/v1/namespaces/reef/deployments/hub",
    "verb": "patch",
    "user": {"username": EVIL, "groups": [EVIL]},
    "userAgent": EVIL,
    "objectRef": {
        "resource": "deployments",
        "namespace": "reef",
        "name": "hub",
        "apiGroup": "apps",
        "apiVersion": "v1",
    },
    "responseStatus": {"code": 200},
    "requestReceivedTimestamp": "2026-02-15T00:00:00.000000Z",
    "stageTimestamp": "2026-02-15T00:00:00.000000Z",
}
NOW = ("-f", "reef", "-f", "evil.json")
FILES = (*NOW, "--at", small.AT)

# The arguments that a command takes besides its output form; several ways where it has several.
WAYS: dict[str, list[tuple[str, ...]]] = {
    "matrix": [FILES, ("reef/reef", *FILES)],
    "page": [FILES],
    "drift": [FILES, ("--subject", EVIL, *FILES)],
    "explain": [("$finding", *FILES)],
    "who-owns": [("patch", "deployments/hub", "-n", "reef", *FILES)],
    "who-can": [
        ("get", "secrets/hub", "-n", "reef", *NOW),
        ("get", f"secrets/{EVIL}", "-n", "reef", *NOW),
    ],
    "can-i": [
        ("get", "secrets/hub", "-n", "reef", "--as", EVIL, *NOW),
        ("get", f"secrets/{EVIL}", "--as", EVIL, "--as-group", EVIL, "-n", "reef", *NOW),
    ],
    "subject": [("user", EVIL, *FILES), ("group", EVIL, *FILES), ("user", LONG, *FILES)],
    "init": [("-f", "bare", "-f", "evil.json")],
    "diff": [("--base", "reef", *FILES)],
    "check": [FILES],
    "review": [("--base", "reef", "--head", "reef-later", "--as", EVIL)],
    "render": [("policies", "--model", "reef/model.yaml"), ("roles", "--model", "reef/model.yaml")],
    "model": [("diff", "small", "-f", "reef")],
    "plan": [("reef/reef", *FILES)],
    "apply-plan": [("0" * 64, "reef/reef")],
    "close-gaps": [FILES],
    "handover": [("reef/reef", "--all", "--to", "community", *FILES)],
    "leftovers": [("-f", "reef", "-f", "evil.json")],
    "split": [FILES],
    "replay": [("audit.log", *FILES)],
    "version": [()],
    "completion": [("bash",)],
}


def _forms() -> Iterator[tuple[str, str]]:
    """Yield each command with each of its output forms; with none where it has none."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        options = [p for p in command.params if "--output" in p.opts]
        choices = [c for o in options if isinstance(o.type, click.Choice) for c in o.type.choices]
        yield from ((name, str(choice)) for choice in choices or [""])


def test_no_command_is_left_out() -> None:
    assert set(WAYS) == set(COMMANDS)


@pytest.fixture
def evil(files: Path) -> None:
    """Add what others have called things to the small organisation."""
    folder = files.parent
    everything = {"apiVersion": "v1", "kind": "List", "items": WORLD}
    (folder / "evil.json").write_text(json.dumps(everything), encoding="utf-8")
    (folder / "audit.log").write_text(json.dumps(AUDIT) + "\n", encoding="utf-8")
    shutil.copytree(files, folder / "bare")
    (folder / "bare" / "record.yaml").unlink()
    shutil.copytree(files, folder / "reef-later")
    (folder / "reef-later" / f"{EVIL.replace('/', '')}.yaml").write_text(small.HUB, "utf-8")


def _scalars(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _scalars(key)
            yield from _scalars(value)
    elif isinstance(node, list):
        for entry in node:
            yield from _scalars(entry)


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(("name", "form"), list(_forms()))
def test_no_name_is_obeyed_or_hides(run: Run, name: str, form: str) -> None:
    for way in WAYS[name]:
        arguments = list(way)
        if "$finding" in arguments:
            found = json.loads(run("drift", *FILES, "-o", "json").out)
            mine = [f["id"] for f in found if (f["subject"] or {}).get("name") == EVIL]
            arguments[arguments.index("$finding")] = mine[0]
        done = run(name, *arguments, *(("-o", form) if form else ()))
        # There is no cluster here, and some names are none of what is asked about.
        assert done.code != 2 or name == "apply-plan" or f"secrets/{EVIL}" in way, done.err
        for text in (done.out, done.err):
            assert harmless(text, lines=True) == text, text
            lines = [line.strip() for line in text.splitlines()]
            assert not [line for line in lines if line.startswith(FORGED)], text
        # What programs read has the names as they are.
        if form in ("json", "yaml") and name != "init" and "mallory" in done.out:
            read = json.loads(done.out) if form == "json" else yaml.safe_load(done.out)
            assert [text for text in _scalars(read) if EVIL in text], done.out


def test_everything_is_written_at_one_place() -> None:
    """A line that is written past it would be written as it is."""
    folder = Path(responsibility.cli.__file__).parent
    found = []
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and ast.unparse(node.func)
            if named in ("click.echo", "click.secho", "print", "sys.stdout.write"):
                found.append(path.relative_to(folder).as_posix())
    assert set(found) == {"terminal/output.py"}
