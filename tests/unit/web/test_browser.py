"""The page in a real browser: for a phone, in the dark, by keyboard, and for who can't see it."""

from contextlib import chdir
from datetime import UTC, datetime

import pytest

from demo import trial
from responsibility.cli.main import main
from tests.unit.web.browser import AXE, browser, look

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(browser() is None, reason="there is no chromium here: apt install chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core here: make axe"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Write the demo's site and, as ``all``, the page with all hubs."""
    folder = tmp_path_factory.mktemp("site")
    at = datetime(2027, 3, 1, tzinfo=UTC)
    with chdir(folder):
        trial.prepare(folder, at)
        words = ["page", "--findings", "--at", at.isoformat(), "-f", trial.FILES]
        assert main([*words, "-o", "site"]) == 0
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / "site").iterdir()}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [420, 1200])
def test_axe_finds_no_violation(site: dict[str, str], width: int, *, dark: bool) -> None:
    pages = ("index.html", next(name for name in sorted(site) if name != "index.html"))
    for name in pages:
        seen = look(site[name], width=width, dark=dark)
        assert seen.violations == [], name
        assert seen.passes > 20, "it has looked at something"
        assert (seen.width, seen.dark) == (width, dark)
        assert seen.wide <= width, "nothing but the table of all hubs is scrolled sideways"


def test_the_address_of_a_filter_leaves_its_hubs(site: dict[str, str]) -> None:
    index = site["index.html"]
    hubs = look(index).rows
    assert hubs == len(site) - 1
    assert 0 < look(index, fragment="#only-overdue").rows < hubs
    assert look(index, fragment="#all-hubs").rows == hubs
