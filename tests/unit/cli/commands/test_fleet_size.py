"""At the size of a fleet, what is shown is bounded, and what is left out is counted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from responsibility.cli.sources.options import MOST_LINES
from tests.unit.cli.conftest import Run

HUBS = 60
BINDING = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: intern-{0}, namespace: reef}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}}
subjects: [{{kind: User, name: intern-{0}, apiGroup: rbac.authorization.k8s.io}}]
"""


@pytest.fixture
def fleet(files: Path) -> Path:
    """Write as many hubs as their number, each with a community of its own."""
    (record,) = [p for p in files.rglob("*.yaml") if "kind: Responsibility\n" in p.read_text()]
    text = record.read_text(encoding="utf-8")
    for number in range(HUBS - 1):
        other = text.replace("name: reef}", f"name: hub-{number}}}")
        other = other.replace("namespace: reef, release: reef", f"namespace: hub-{number}")
        other = other.replace("Reef people", f"People {number}")
        (files / f"hub-{number}.yaml").write_text(other, encoding="utf-8")
    return files


@pytest.mark.usefixtures("fleet")
def test_hubs_with_the_same_owner_are_one_line(run: Run) -> None:
    asked = ("who-owns", "--path", "singleuser.memory.limit", "-f", "reef")
    _, line = run(*asked).out.splitlines()
    assert f"and {HUBS - 1} more hubs" in line
    assert len(run(*asked, "-o", "wide", "--full").out.splitlines()) == HUBS + 1


@pytest.mark.usefixtures("fleet")
def test_many_owners_are_told_up_to_a_bound_and_all_where_asked(run: Run) -> None:
    asked = ("who-owns", "get", "secrets/hub", "-f", "reef")
    every = json.loads(run(*asked, "-o", "json").out)["owners"]
    bounded, full = run(*asked).out.splitlines(), run(*asked, "--full").out.splitlines()
    left = len(full) - 1 - MOST_LINES
    assert left > 0
    assert bounded[-1] == f"and {left} lines more: --full shows all"
    # Columns are as wide as what is shown.
    shown = [line.split() for line in full[: MOST_LINES + 1]]
    assert [line.split() for line in bounded[:-1]] == shown
    names = run(*asked, "-o", "name").out.splitlines()
    kind = "responsibility.responsibility.2i2c.org"
    assert sorted(names) == sorted({f"{kind}/{each['record']}" for each in every})
    assert len(names) == HUBS


def test_a_long_plan_is_told_up_to_a_bound_with_the_digest_of_all(run: Run, files: Path) -> None:
    text = "".join(map(BINDING.format, range(MOST_LINES + 7)))
    (files / "interns.yaml").write_text(text, encoding="utf-8")
    asked = ("plan", "--all", "-f", "reef", "--at", "2026-02-10")
    bounded, full = run(*asked).out, run(*asked, "--full").out
    changes = len(re.findall(r"(?m)^\d+[.] ", full))
    assert changes > MOST_LINES
    assert len(re.findall(r"(?m)^\d+[.] ", bounded)) == MOST_LINES
    assert f"and {changes - MOST_LINES} changes more: --full shows all" in bounded
    (digest,) = re.findall(r"(?m)^digest .*", full)
    assert digest in bounded
    # A line for each, where the whole story of each has many.
    assert len(bounded.splitlines()) < MOST_LINES + 30 < len(full.splitlines())
    assert re.search(r"(?m)^1[.] .* ends \d+", bounded)
    assert "--full, or plan one hub" in bounded


def test_a_check_has_one_line_for_each_cause(run: Run, files: Path) -> None:
    (files / "intern.yaml").write_text(BINDING.format(1), encoding="utf-8")
    asked = ("check", "-f", "reef", "--at", "2026-02-10")
    lines = run(*asked).out.splitlines()
    assert len([line for line in lines if "User intern-1" in line]) == 1
    assert run(*asked, "-o", "wide").out.count("User intern-1 can") > 1
    causes, findings = map(int, re.findall(r"\d+", lines[-1])[:2])
    assert causes == len(lines) - 2 < findings
    assert len(run(*asked, "-o", "name").out.splitlines()) == causes


@pytest.mark.usefixtures("files")
def test_names_are_as_other_commands_take_them(run: Run) -> None:
    asked = ("get", "secrets/hub", "-n", "reef", "-f", "reef", "-o", "name")
    who = run("who-can", *asked).out.split("\n")
    assert "group/engineers" in who
    assert "user/leaver" in who
    bound = run("subject", "user", "leaver", "-f", "reef", "-o", "name").out.split()
    assert bound == ["rolebinding.rbac.authorization.k8s.io/engineers"]


def test_what_somebody_holds_everywhere_is_told_up_to_a_bound(run: Run, files: Path) -> None:
    one = BINDING.replace("name: intern-{0}, api", "name: eve, api")
    text = "".join(map(one.format, range(MOST_LINES + 9)))
    (files / "eve.yaml").write_text(text, encoding="utf-8")
    asked = ("subject", "user", "eve", "-f", "reef")
    bounded, full = run(*asked).out, run(*asked, "--full").out
    assert full.count("intern-") == MOST_LINES + 9
    assert bounded.count("intern-") == MOST_LINES
    assert "and 9 lines more: --full shows all" in bounded
    assert "--full" not in full
    # The names are for programs, which want all.
    assert len(run(*asked, "-o", "name").out.split()) == MOST_LINES + 9


def test_whom_a_list_of_leavers_names_is_told_up_to_a_bound(run: Run, files: Path) -> None:
    text = "".join(map(BINDING.format, range(MOST_LINES + 9)))
    (files / "interns.yaml").write_text(text, encoding="utf-8")
    names = "".join(f"intern-{number}\n" for number in range(MOST_LINES + 9))
    (files.parent / "gone.txt").write_text(names, encoding="utf-8")
    asked = ("subject", "--retired", "gone.txt", "-f", "reef")
    *rows, left, foot = run(*asked).out.splitlines()
    assert len(rows) == MOST_LINES + 1
    assert left == "and 9 lines more: --full shows all"
    assert foot.startswith(f"{MOST_LINES + 9} subjects, of which 0 hold nothing")


def test_what_somebody_may_do_begins_with_the_worst(run: Run, files: Path) -> None:
    (files / "intern.yaml").write_text(BINDING.format(1), encoding="utf-8")
    model = files / "model.yaml"
    text = model.read_text(encoding="utf-8")
    harmless = '- {verbs: [create], apiGroups: [""], resources: [persistentvolumeclaims]}'
    worse = '- {verbs: [get], apiGroups: [""], resources: [secrets]'
    assert worse in text
    model.write_text(text.replace(worse, f"{harmless}\n    {worse}"), encoding="utf-8")
    told = run("subject", "user", "intern-1", "-f", "reef").out
    assert "get secrets/hub, create persistentvolumeclaims" in told
