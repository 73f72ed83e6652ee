"""The trial needs Python alone, works as it stands, and is what the README and its picture show."""

import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest

from demo import picture, trial
from demo.terminal import COLUMNS, excerpt
from responsibility.cli.main import COMMANDS
from responsibility.cli.terminal.errors import Exit

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trial")


@pytest.fixture(scope="module")
def told(folder: Path) -> str:
    """Return what it tells; its folder is called as the README has it."""
    done = subprocess.run(
        [sys.executable, "-m", "demo.trial", str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ".:operator"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(str(folder), "build/try")


def test_it_tells_each_step_and_where_the_page_is(told: str, folder: Path) -> None:
    assert [line[0] for line in told.splitlines() if re.match(r"\d\. [A-Z]", line)] == list("12345")
    assert "coast     8 " in told
    assert "delete RoleBinding coast/former-engineer" in told
    assert "The page: build/try/page/index.html (open it in a browser)" in told
    assert (folder / "page/hub-coast.html").is_file()


def test_the_tables_fit(told: str) -> None:
    _, _, matrix = told.partition("matrix --all -f build/try/files\n")
    assert [line for line in matrix.split("\n2. ")[0].splitlines() if len(line) > COLUMNS] == []


def test_what_it_proposes_at_the_end_works(told: str, folder: Path) -> None:
    (command,) = re.findall(r"^ +kubectl-responsibility (who-can .*)$", told, re.MULTILINE)
    asked = command.replace("build/try", str(folder)).split()
    done = subprocess.run(
        [folder / trial.TOOL, *asked], capture_output=True, text=True, check=False
    )
    assert "former-engineer@example.org" in done.stdout, done.stderr


def _installed() -> set[str]:
    """Return the distributions that the Makefile installs, and what they require themselves."""
    (wanted,) = re.findall(r're\.match\("([a-z|]+)"', (ROOT / "Makefile").read_text("utf-8"))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {re.split(r"[^\w-]", line)[0] for line in declared["dependencies"]}
    allowed = {each for each in named if re.match(wanted, each)}
    while (
        more := {
            re.split(r"[^\w-]", line)[0]
            for each in allowed
            for line in requires(each) or ()
            if "extra ==" not in line
        }
        - allowed
    ):
        allowed |= more
    return allowed


def test_it_imports_only_what_its_libraries_bring(folder: Path) -> None:
    """Those that the Makefile installs, what they require themselves, and the standard library."""
    allowed = _installed()
    trial.prepare(folder, datetime.now(UTC))
    code = (
        "import sys; from responsibility.cli.main import main; import demo.trial;"
        "\nfor words in sys.stdin.read().splitlines(): main(words.split())"
        "\nfrom importlib.metadata import packages_distributions as of"
        "\ntops = {name.split('.')[0] for name in sys.modules}"
        "\nbrought = of()"
        "\nfound = {each for top in tops for each in brought.get(top, ())}"
        "\nprint(*found, file=sys.stderr)"
    )
    steps = [f"{s.arguments.format(folder=folder)} -f {folder / 'files'}" for s in trial.STEPS]
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="\n".join(steps),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ".:operator"},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(map(_normal, done.stderr.splitlines()[-1].split()))
    # This package is installed as editable here, by the other.
    assert imported - {"hub-responsibility", "setuptools"} <= set(map(_normal, allowed))
    assert "click" in imported


# By command: what somebody may try on the trial's files.
TRIED = {
    "matrix": "coast {files}",
    "page": "{files} -o {folder}/tried",
    "drift": "{files}",
    "explain": "9b814a51f5 {files}",
    "who-owns": "patch deployments/hub -n coast {files}",
    "who-can": "get secrets/hub -n coast {files}",
    "can-i": "get secrets/hub -n coast --as ann {files}",
    "subject": "user former-engineer@example.org {files}",
    "init": "{files} -o yaml",
    "diff": "{files}",
    "check": "{files}",
    "review": "--base HEAD",
    "render": "policies",
    "model": "diff",
    "plan": "coast {files}",
    "apply-plan": "0123456789ab",
    "close-gaps": "{files}",
    "handover": "coast --item data --to community {files}",
    "leftovers": "{files}",
    "split": "{files}",
    "replay": "{folder}/log.jsonl {files}",
    "version": "",
    "completion": "bash",
    "--version": "",
}
# A cluster that the quick client leaves to the other: it has a proxy.
UNUSUAL = """apiVersion: v1
kind: Config
current-context: it
contexts: [{name: it, context: {cluster: it, user: it}}]
clusters: [{name: it, cluster: {server: "http://127.0.0.1:9", proxy-url: "http://127.0.0.1:9"}}]
users: [{name: it, user: {}}]
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with what is installed for the trial, and nothing else."""
    site = tmp_path_factory.mktemp("site")
    for each in _installed():
        found = distribution(each)
        for top in {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))
    return site


def test_no_command_fails_for_a_library_that_is_not_there(folder: Path, alone: Path) -> None:
    assert set(TRIED) - {"--version"} == set(COMMANDS)
    trial.prepare(folder, datetime.now(UTC))
    (folder / "unusual").write_text(UNUSUAL, encoding="utf-8")
    (folder / "log.jsonl").write_text("", encoding="utf-8")
    files = f"-f {folder / trial.FILES}"
    asked = {
        command: [command, *words.format(files=files, folder=folder).split()]
        for command, words in TRIED.items()
    }
    code = (
        "import contextlib, io, json, sys; from responsibility.cli.main import main"
        "\ntold = {}"
        "\nfor command, words in json.load(sys.stdin).items():"
        "\n  with contextlib.redirect_stdout(io.StringIO()):"
        "\n    with contextlib.redirect_stderr(io.StringIO()) as said:"
        "\n      told[command] = main(words), said.getvalue()"
        "\nprint(json.dumps(told))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        input=json.dumps(asked),
        env=os.environ
        | {"PYTHONPATH": f"{alone}:{ROOT / 'operator'}", "KUBECONFIG": str(folder / "unusual")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert {command: said for command, (ended, said) in told.items() if ended == Exit.BUG} == {}
    missing = "asking this cluster takes aiohttp, which is not installed here"
    asks = {command for command, (_, said) in told.items() if missing in said}
    assert asks == {"diff", "model", "apply-plan"}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


def test_the_readme_shows_what_it_tells(told: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"^<!-- from `make try` -->\n```\n(.*?)^```", readme, re.MULTILINE | re.DOTALL
    )
    lines = [line for line in block.splitlines() if line not in ("", "…")]
    assert len(lines) > 5
    assert [line for line in lines if line not in told.splitlines()] == []


def test_the_picture_is_of_the_page_as_it_is(tmp_path: Path) -> None:
    shown = picture.page(tmp_path)
    drawn = picture.PICTURE.read_bytes()
    assert picture.noted(drawn) == picture.digest(shown), "draw it anew: make picture"
    assert len(drawn) < 150_000


def test_a_note_in_a_picture_is_found_and_its_absence_too() -> None:
    drawn = picture.PICTURE.read_bytes()
    assert picture.noted(picture.with_note(drawn, "other")) == "other"
    assert picture.noted(drawn[: drawn.index(b"tEXt") - 4]) == ""


def test_an_excerpt_says_what_is_left_out_and_what_is_gone() -> None:
    assert list(excerpt("a\nb\nc\nd\n\n", (("b", 1), ("d", 1)), of="it")) == ["…", "b", "…", "d"]
    with pytest.raises(ValueError, match="it: no line begins with 'x' any more"):
        list(excerpt("a", (("x", 1),), of="it"))
