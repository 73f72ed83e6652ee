"""The trial needs Python alone, works as it stands, and is what the README and its picture show."""

import os
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import requires
from pathlib import Path

import pytest

from demo import picture, trial
from demo.terminal import COLUMNS, excerpt

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


def test_it_imports_only_what_its_libraries_bring(folder: Path) -> None:
    """Those that the Makefile installs, what they require themselves, and the standard library."""
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
