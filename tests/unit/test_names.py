"""The contract is spelled once: ours in ``api/names.py``, Kubernetes' groups in ``api_groups.py``.

So are the kinds of subject, in ``subject_kinds.py``.

A second spelling is what a rename misses, and a wrong one fails in a cluster only. Tests are not
held to it: they say what is expected in words of their own.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from responsibility import api_groups, subject_kinds
from responsibility.api import names

ROOT = Path(__file__).parents[2]
SOURCES = ("operator", "tools", "bench", "demo")
HOMES = {Path(str(module.__file__)) for module in (names, api_groups, subject_kinds)}
# Tables of Kubernetes' own, as it spells them.
TABLES = {
    "operator/responsibility/admission/policies/coverage.py": api_groups,
    "operator/responsibility/cli/sources/builtin_resource_types.py": api_groups,
    # Objects: ServiceAccounts, and what an API server returns.
    "operator/responsibility/admission/policies/kinds.py": subject_kinds,
    "operator/responsibility/cli/sources/offline.py": subject_kinds,
    # The columns of a table of logs.
    "operator/responsibility/replay/log_forms.py": subject_kinds,
    "bench/reflector.py": subject_kinds,
    # Manifests, as people write them.
    "demo/installation.py": subject_kinds,
    "demo/organisation.py": subject_kinds,
    "demo/release.py": api_groups,
    "demo/rights.py": subject_kinds,
    "demo/workloads.py": api_groups,
}
# Verbs that are words of the language as well.
WORDS = {names.MARKER_VERB, names.REVOKE_VERB, names.DELEGATIONS}


def _values(module: object) -> set[str]:
    found = {v for k, v in vars(module).items() if k.isupper() and isinstance(v, str)}
    return {value for value in found - WORDS if value and not value.startswith(".")}


def _pattern(value: str) -> str:
    """Return what finds a name in a text; plain words count only as the whole of it, or a path.

    The plugin is told of in many texts, by the command that people type.
    """
    escaped = re.escape(value)
    if value == names.PLUGIN:
        return f"^{escaped}$"
    if re.fullmatch("[a-z]+", value):
        return f"^{escaped}(?=$|/)"
    return f"(?<![\\w.-]){escaped}" + ("" if value.endswith(("-", "/")) else "(?![\\w-])")


PATTERNS = {
    module: re.compile("|".join(_pattern(value) for value in sorted(_values(module))))
    for module in (names, api_groups)
}
# In prose, and in expressions of CEL, they are words among others.
PATTERNS[subject_kinds] = re.compile(f"^({'|'.join(subject_kinds.SubjectKind)})$")


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts of a module, but for its docstrings."""
    told = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr):
                told.add(id(first.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node


def _second_spellings(text: str, path: str) -> Iterator[str]:
    for node in _texts(ast.parse(text)):
        for module, pattern in PATTERNS.items():
            found = pattern.search(str(node.value))
            if found and TABLES.get(path) is not module:
                yield f"{path}:{node.lineno}: {found[0]!r} is in {module.__name__}"


@pytest.mark.parametrize("folder", SOURCES)
def test_no_name_is_spelled_twice(folder: str) -> None:
    found = [
        told
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path not in HOMES
        for told in _second_spellings(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]
    assert not found, "\n".join(("import them instead:", *found))


@pytest.mark.parametrize(
    "line",
    [
        "x = '/apis/rbac.authorization.k8s.io/v1'",
        "x = f'owners.responsibility.2i2c.org/{y}'",
        "x = 'apps'",
        "x = f'apps/{y}'",
        "x = f'responsibility-{y}'",
        "x = ('responsibilities/status', 1)",
        "x = {'kind': 'Group'}",
        "x = y.kind == 'ServiceAccount'",
    ],
)
def test_a_second_spelling_is_found(line: str) -> None:
    assert list(_second_spellings(line, "x.py"))


@pytest.mark.parametrize(
    "line",
    [
        "'''Of rbac.authorization.k8s.io.'''",
        "x = 'all apps'",
        "x = 'hub-responsibility-x'",
        "x = 'a User'",
    ],
)
def test_prose_and_other_names_are_not(line: str) -> None:
    assert not list(_second_spellings(line, "x.py"))


def test_each_name_has_one_meaning() -> None:
    for module in (names, api_groups):
        found = [v for k, v in vars(module).items() if k.isupper() and isinstance(v, str)]
        assert len(found) == len(set(found)), module
