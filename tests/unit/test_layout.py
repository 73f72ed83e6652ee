"""The repository keeps its shape."""

import ast
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "operator"
TOP = {
    *(".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
    *("bench", "crds", "demo", "docs", "helm", "operator", "tests"),
    # What others check their pull requests with.
    *("action.yml", ".pre-commit-hooks.yaml"),
    # What contributors and their editors look for.
    *("CONTRIBUTING.md", "SECURITY.md", ".editorconfig", ".pre-commit-config.yaml", ".github"),
    # The image: its recipe, and what it is built from, pinned.
    *("Containerfile", ".dockerignore", "image"),
    # What generates pages about things that are not part of the operator.
    "tools",
}
LARGEST = 900 * 1024
PACKAGE = SOURCES / "responsibility"
# Modules in one folder, beside its __init__.py. A command is a module, so that each loads alone.
MOST_MODULES = 15
LARGER = {"cli/commands": 25}
# A module is introduced by a noun: a clause has to be read twice.
CLAUSE = re.compile(
    r"(What|Who|Whom|Whose|Which|That|Where|When|How|Whether|Why|Since when|From|Returns?)\b"
)


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_the_source_root_is_no_package() -> None:
    # With an __init__.py it would be importable as `operator`, and hide the standard library's.
    assert not (SOURCES / "__init__.py").exists()
    assert {path.name for path in SOURCES.glob("*/__init__.py")} == {"__init__.py"}


def test_nothing_unexpected_lies_at_the_top() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in _tracked()}
    assert found <= TOP, f"describe it here, or move it: {sorted(found - TOP)}"


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((SOURCES / "responsibility").rglob("*.py"))
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_every_package_is_one() -> None:
    folders = {path.parent for path in (SOURCES / "responsibility").rglob("*.py")}
    assert not [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()]


def test_no_file_is_too_big_to_review() -> None:
    big = [str(path) for path in _tracked() if path.is_file() and path.stat().st_size > LARGEST]
    assert not big


def test_the_continuous_integration_can_be_started() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").splitlines()[0] == "#!/usr/bin/env bash"


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_exception_to_a_rule_has_its_reason() -> None:
    bare = re.compile(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _tracked()
        if path.suffix == ".py" and path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert not found, "say on the same line why it doesn't hold there"


def test_every_module_is_introduced_by_a_noun() -> None:
    clauses = [
        f"{path.relative_to(PACKAGE)}: {said.splitlines()[0]}"
        for path in _modules()
        if CLAUSE.match(said := ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    ]
    assert not clauses, "name the thing first:\n" + "\n".join(clauses)


@pytest.mark.parametrize(
    "package",
    [path.parent for path in _modules() if path.name == "__init__.py"],
    ids=lambda package: str(package.relative_to(SOURCES)),
)
def test_every_package_gives_a_reading_order(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    _, _, order = (ast.get_docstring(tree) or "").partition("In reading order:\n\n")
    # A line is "* ``name``, ``name``: what it is", which may go on below.
    lines = re.findall(r"^\* (``[^:]+``): (.*)", order, re.MULTILINE)
    named = [name for names, _ in lines for name in re.findall(r"``(\w+)``", names)]
    modules = [path.stem for path in package.glob("*.py") if path.name != "__init__.py"]
    rooms = [path.parent.name for path in package.glob("*/__init__.py")]
    assert sorted(named) == sorted(modules + rooms), "each once, and nothing else"
    assert not [said for _, said in lines if CLAUSE.match(said.capitalize())], "name the thing"


def test_no_folder_is_a_corridor() -> None:
    counts: dict[str, int] = defaultdict(int)
    for path in _modules():
        if path.name != "__init__.py":
            counts[str(path.parent.relative_to(PACKAGE))] += 1
    found = {name: n for name, n in counts.items() if n > LARGER.get(name, MOST_MODULES)}
    assert not found, "give a capability a room of its own"
    assert not [n for n in LARGER if counts[n] <= MOST_MODULES], "it is small enough: drop it here"


def test_a_public_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in _modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(PACKAGE)))
    several = {name: found for name, found in homes.items() if len(found) > 1}
    assert not several, "call one otherwise"


def test_hooks_call_targets_that_there_are() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for repository in config["repos"]:
        assert repository["repo"] == "local", "nothing is fetched"
        for hook in repository["hooks"]:
            assert hook["entry"].removeprefix("make ") in targets


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "README.md"])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / target).exists(), target


def test_no_test_module_is_another_s_helper() -> None:
    """What two share stands in a module that is no test: else a test moves when the other does."""
    imported = re.compile(
        r"^(from|import) [\w.]*\btest_|^from tests[\w.]* import test_", re.MULTILINE
    )
    found = [
        str(path.relative_to(ROOT))
        for path in _tracked()
        if path.suffix == ".py" and imported.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
