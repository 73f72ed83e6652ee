"""Filters: each leaves hubs to which something applies, by a link and the style sheet alone."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from responsibility.ownership.results.assessment import HubAssessment
from responsibility.web import filters
from tests.unit.cli.conftest import Run
from tests.unit.web.reading import Page, read


@pytest.fixture
def page(run: Run, files: Path) -> Page:
    """Return the page of two hubs, of which one has no findings of its own about an item."""
    (record,) = [p for p in files.rglob("*.yaml") if "kind: Responsibility\n" in p.read_text()]
    text = record.read_text(encoding="utf-8")
    other = text.replace("name: reef}", "name: coral}").replace(
        "namespace: reef, release: reef, displayName: Reef",
        "namespace: coral, release: coral, displayName: Coral",
    )
    assert other != text
    (files / "coral.yaml").write_text(other, encoding="utf-8")
    done = run("page", "-f", "reef", "--at", datetime(2026, 2, 10, tzinfo=UTC).isoformat())
    assert done.code == 0, done.err
    return read(done.out)


def shown(page: Page, name: str) -> list[str]:
    """Return the classes of the sections that a filter's rule leaves."""
    (sheet,) = ["".join(page.text("style"))]
    rule = f"main:has(#{name}:target) .hub:not(.{name}) {{ display: none; }}"
    assert sheet.count(rule) == 1
    return [c for each in page.all("section") if name in (c := str(each["class"])).split()]


def test_each_filter_leaves_as_many_hubs_as_it_says(page: Page) -> None:
    links = [each for each in page.all("a") if str(each.get("id", "")).startswith("only-")]
    assert len(links) > 3
    text = " ".join(page.shown.split())
    for each in links:
        assert each["href"] == f"#{each['id']}", "it leads to itself"
        assert len(shown(page, str(each["id"]))) > 0
    assert "All 2 hubs" in text
    for state, word in (("drift", "differs"), ("overdue", "look at it again")):
        assert f"{word} ({len(shown(page, f'only-{state}'))})" in text


def test_no_address_is_of_two_things(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_rows_and_sections_are_left_alike(page: Page) -> None:
    rows = [each for each in page.all("tr") if "hub" in str(each.get("class", "")).split()]
    assert sorted(str(each["class"]) for each in rows) == sorted(
        str(each["class"]) for each in page.all("section")
    )


def test_nothing_that_others_wrote_is_in_the_style_sheet(page: Page) -> None:
    (sheet,) = ["".join(page.text("style"))]
    names = re.findall(r"#([^ :]+):target", sheet)
    assert names
    assert all(re.fullmatch("[a-z0-9-]+", name) for name in names)


def test_what_all_hubs_call_a_party_is_looked_up_once(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each hub, it would be most of the time that a page of thousands takes."""
    (record,) = [p for p in files.rglob("*.yaml") if "kind: Responsibility\n" in p.read_text()]
    text = record.read_text(encoding="utf-8")
    for number in range(20):
        other = text.replace("name: reef}", f"name: hub-{number}}}")
        other = other.replace("namespace: reef, release: reef", f"namespace: hub-{number}")
        (files / f"hub-{number}.yaml").write_text(other, encoding="utf-8")
    known_as, asked = filters._known_as, []

    def counted(hubs: Sequence[HubAssessment], name: str) -> str:
        asked.append(name)
        return known_as(hubs, name)

    monkeypatch.setattr(filters, "_known_as", counted)
    assert run("page", "-f", "reef", "--at", "2026-02-10").code == 0
    assert asked
    for name in set(asked):
        # For the links, and for the rules of the style sheet.
        assert asked.count(name) == 2
