"""What the documents say is so: their links, their commands, their records, their tables."""

import re
from pathlib import Path

import pytest
import yaml

from responsibility.api.parse import load_shipped_model, parse_record
from responsibility.controller.reporting.metrics_table import METRICS, PREFIX
from responsibility.ownership.results.findings import KINDS

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [
        link
        for link in links
        if not link.startswith("https://") and not (page.parent / link).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", _text("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_records_are_valid_and_name_items_that_there_are(page: str) -> None:
    items = {item.name for item in load_shipped_model().spec.items}
    flags = re.MULTILINE | re.DOTALL
    blocks = re.findall(r"^```yaml\n(.*?)^```", _text(page), flags)
    applied = re.findall(r"<<'END'\n(.*?)^END$", _text(page), flags)
    blocks += [text for text in applied if "kind: Responsibility\n" in text]
    assert blocks
    for block in blocks:
        record = parse_record(yaml.safe_load(block), strict=True)
        assert {item.name for item in record.spec.items} <= items


def test_the_runbook_ends_every_kind_of_finding() -> None:
    headings = re.findall(r"^## (\S+)\n\n\*(.+?)\*", _text("docs/runbook.md"), re.MULTILINE)
    assert dict(headings).keys() == KINDS.keys()
    for name, title in headings:
        assert title.startswith(KINDS[name].title.split(",")[0][:40]), name


def test_the_architecture_lists_every_kind_of_finding() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (high|medium|low) \| (yes|no) \|",
        _text("docs/architecture.md"),
        re.MULTILINE,
    )
    assert rows == [
        (kind.name, kind.severity.name.lower(), "yes" if kind.drift else "no")
        for kind in KINDS.values()
    ]


@pytest.mark.parametrize("page", ["docs/runbook.md", "docs/first-week.md", "docs/architecture.md"])
def test_metrics_that_are_named_exist(page: str) -> None:
    named = set(re.findall(rf"{PREFIX}(\w+)", _text(page)))
    assert named <= {metric.name for metric in METRICS}


def test_every_package_has_its_place_in_the_architecture() -> None:
    layers = _text("docs/architecture.md")
    packages = (ROOT / "operator" / "responsibility").glob("*/__init__.py")
    assert [p.parent.name for p in packages if f"  {p.parent.name}/" not in layers] == []
