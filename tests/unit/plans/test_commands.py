"""The commands of plans, handover and split, on files."""

import json
from pathlib import Path

import pytest
import yaml

from responsibility.api.parse import parse_record
from responsibility.cli.commands.split import hours_a_month
from tests.unit.cli import small
from tests.unit.cli.conftest import Run, files, run

__all__ = ["files", "run"]
WORLD = ("-f", "reef", "--at", small.AT)


def test_a_plan_is_told_to_people_and_programs(run: Run, files: Path) -> None:
    told = run("plan", "reef", *WORLD)
    assert files.is_dir()
    assert told.code == 0
    assert "1. remove User leaver from RoleBinding reef/engineers" in told.out
    assert "keeps  Group engineers" in told.out
    assert "loses  User leaver in namespace reef: patch deployments.apps" in told.out
    plan = json.loads(run("plan", "reef", *WORLD, "-o", "json").out)
    assert f"digest {plan['digest']}" in told.out
    assert plan["changes"][0]["removes"] == [{"kind": "User", "name": "leaver"}]
    assert run("plan", "--all", "--subject", "user/nobody", *WORLD).out.startswith(
        "nothing is to do"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("plan", *WORLD), "say what to plan for"),
        (("plan", "reef", "--all", *WORLD), "not several of them"),
        (("plan", "--subject", "ann", *WORLD), "write KIND/NAME"),
        (("plan", "--finding", "zz", *WORLD), "there is no finding"),
        (("plan", "elsewhere", *WORLD), "there is no record of a hub elsewhere"),
        (("handover", "reef", "--to", "community", *WORLD), "--item ITEM, or --all"),
        (("handover", "reef", "--all", "--to", "them", *WORLD), "has no party them"),
        (
            ("handover", "reef", "--item", "x", "--to", "community", *WORLD),
            "--item x: there is none",
        ),
        (
            ("handover", "reef", "--item", "secret", "--to", "community", *WORLD),
            "did you mean secrets?",
        ),
        (("handover", "reef", "--item", "secrets", "--to", "community", *WORLD), "already"),
        (
            ("handover", "reef", "--all", "--to", "community", "--overlap", "soon", *WORLD),
            "write a number and h, d or w",
        ),
        (
            ("handover", "reef", "--all", "--to", "community", "--from", "2020-01-01", *WORLD),
            "has passed",
        ),
        (("apply-plan", "0123456789ab", "-f", "reef"), "has no use here"),
        (("apply-plan",), "say the DIGEST"),
        (("apply-plan", "0123"), "at least its first 12"),
    ],
)
def test_what_makes_no_sense_is_told(
    arguments: tuple[str, ...], text: str, run: Run, files: Path
) -> None:
    done = run(*arguments)
    assert files.is_dir()
    assert done.code == 2
    assert text in done.err


def test_somebody_can_act_at_every_step_of_a_handover(run: Run, files: Path) -> None:
    done = run(
        *("handover", "reef", "--item", "settings", "--to", "community"),
        *("--from", "2026-02-20", "--overlap", "14d", *WORLD, "-o", "json"),
    )
    assert done.code == 0
    told = json.loads(done.out)
    (item,) = told["items"]
    assert (item["from"], item["lacks"]) == ("provider", ["patch deployments.apps"])
    assert item["givingLoses"] == ["patch deployments.apps"]
    first, grants, owner, end, revoke = told["steps"]
    assert first["recordPatch"]["spec"]["items"][0]["delegates"][-1]["party"] == "community"
    assert [each["kind"] for each in grants["objects"]] == ["Role", "RoleBinding"]
    assert owner["when"] == "2026-02-20T00:00:00Z"
    line = owner["recordPatch"]["spec"]["items"][0]
    assert line["owner"] == "community"
    assert line["delegates"] == [
        {"party": "provider", "until": "2026-03-06T00:00:00Z", "reason": "handover"}
    ]
    assert end["recordPatch"]["spec"]["items"][0]["delegates"] == []
    assert any("Group engineers" in change for change in revoke["changes"])
    assert not any(step["nobodyCanActOn"] for step in told["steps"])
    # Each patch makes a valid record of the one in the files.
    record = yaml.safe_load((files / "record.yaml").read_text(encoding="utf-8"))
    for step in (first, owner, end):
        record["spec"]["items"] = step["recordPatch"]["spec"]["items"]
        assert parse_record(record, strict=True)


def test_a_whole_hub_is_reported_with_what_is_only_attested(run: Run, files: Path) -> None:
    done = run("handover", "reef", "--all", "--to", "community", *WORLD)
    assert files.is_dir()
    assert "3 items of reef to Reef people" in done.out
    assert "3. Support (support; attested), now community's" in done.out
    assert "kubectl patch responsibility reef --type=json" in done.out
    assert "settings: singleuser.memory" in done.out


def test_items_and_work_are_split(run: Run, files: Path) -> None:
    without = run("split", *WORLD)
    assert "nothing can be said about hours" in without.err
    assert "HOURS" not in without.out
    model = files / "model.yaml"
    text = model.read_text(encoding="utf-8")
    model.write_text(
        text.replace("    title: Settings\n", "    title: Settings\n    effort: 2 hours a week\n"),
        encoding="utf-8",
    )
    parties = json.loads(run("split", *WORLD, "-o", "json").out)["parties"]
    assert [(p["party"], p["items"], p["delegated"]) for p in parties] == [
        ("community", 2, 1),
        ("provider", 1, 0),
    ]
    assert parties[1]["hoursAMonth"] == pytest.approx(26 / 3, abs=0.01)
    assert parties[0]["withoutEffort"] == 2
    told = run("split", *WORLD, "-o", "wide")
    assert "provider" in told.out
    assert "HOURS A MONTH" in told.out
    assert "hours" not in told.err


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2 hours a month", 2.0),
        ("1.5 h per week", 6.5),
        ("3 days a quarter", 8.0),
        ("30 minutes/day", 10.5),
        ("1 week a year", 40 / 12),
        ("about 4 hours each month", 4.0),
        ("some", None),
        ("", None),
    ],
)
def test_efforts_are_read_where_they_can_be(text: str, hours: float | None) -> None:
    assert hours_a_month(text) == (hours if hours is None else pytest.approx(hours))
