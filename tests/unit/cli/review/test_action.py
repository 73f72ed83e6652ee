"""The action's review, run as GitHub runs it, and the jobs of the guide."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.repositories import git
from tests.unit.cli.review import organisation
from tests.unit.cli.review.organisation import Files, edited

ROOT = Path(__file__).parents[4]
PROD = "config/clusters/c01/prod.values.yaml"


def _step() -> dict[str, str]:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (step,) = (step for step in action["runs"]["steps"] if step["name"] == "Review")
    given = {name.upper() for name in action["inputs"]}
    assert {name.removeprefix("INPUT_") for name in step["env"]} <= given
    assert "${{" not in step["run"]
    return {"run": step["run"], **dict.fromkeys(step["env"], "")}


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ({"INPUT_REVIEW": "report"}, 0, "needs the approval of c01 people"),
        ({"INPUT_REVIEW": "require"}, 1, "needs the approval of c01 people"),
        ({"INPUT_REVIEW": "require", "INPUT_AS": "c01-prod/community"}, 0, "nobody else's"),
        ({"INPUT_REVIEW": "report", "INPUT_AS": "--base=x $(touch evil)"}, 0, "needs the approval"),
        ({"INPUT_REVIEW": "report", "INPUT_BASE": "nowhere"}, 2, ""),
        ({"INPUT_REVIEW": "report", "INPUT_RECORDS": "nowhere\n"}, 2, ""),
    ],
)
def test_the_action_reviews(
    given: dict[str, str], code: int, told: str, few: Files, tmp_path: Path
) -> None:
    where = tmp_path / "checkout"
    organisation.write(where, few)
    git(where, "init", "-q", "-b", "main")
    git(where, "add", ".")
    git(where, "commit", "-q", "-m", "as it is")
    organisation.write(where, edited(few, PROD, "lead@c01.example", "other@c01.example"))
    program = tmp_path / "responsibility" / "bin" / "kubectl-responsibility"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).with_name("kubectl-responsibility"))
    step = _step()
    run = step.pop("run")
    summary = tmp_path / "summary"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", run],
        cwd=where,
        env={
            **os.environ,
            **step,
            "INPUT_BASE": "main",
            **given,
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert told in summary.read_text(encoding="utf-8")
    assert done.stdout.startswith("::error file=config/clusters/c01/") is (code == 1)
    assert not (where / "evil").exists()


def test_the_change_is_no_part_of_what_is_installed(tmp_path: Path) -> None:
    """The action runs in the change's checkout, where Python would look for modules first."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (step,) = (step for step in action["runs"]["steps"] if step["name"] == "Install")
    made, _, _ = step["run"].partition(" && ")
    where = tmp_path / "checkout"
    where.mkdir()
    for module in ("venv", "logging", "ensurepip", "sitecustomize"):
        evil = "import pathlib; pathlib.Path('evil').touch(); raise SystemExit"
        (where / f"{module}.py").write_text(evil, encoding="utf-8")
    subprocess.run(
        ["bash", "-e", "-c", made],
        cwd=where,
        env={**os.environ, "RUNNER_TEMP": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    assert not (where / "evil").exists()
    assert (tmp_path / "responsibility/bin/python").exists()


def test_the_jobs_of_the_guide_review() -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(b.partition("```")[0]) for b in text.split("```yaml\n")[1:]]
    (accounts, listing, github, required, gitlab, _) = blocks
    (entry,) = listing["hubs"]
    assert set(entry) == {"cluster", "namespace", "release", "values", "chart", "under"}
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    used = github["jobs"]["check"]["steps"][1]["with"]
    assert set(used) <= set(action["inputs"])
    assert used["review"] == "report"
    assert set(required) <= set(action["inputs"])
    assert required["as"].startswith("account:")
    assert set(accounts) == {"accounts"}
    assert " review --base " in gitlab["review"]["script"][-1]
