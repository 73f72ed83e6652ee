"""The reference page is what the models say."""

from pathlib import Path

from tools.generate import api_reference

PAGE = Path(__file__).parents[3] / api_reference.DEFAULT


def test_the_page_is_up_to_date() -> None:
    assert api_reference.main(["--check", str(PAGE)]) == 0, (
        "run python -m tools.generate.api_reference"
    )


def test_a_changed_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "api.md"
    assert api_reference.main([str(page)]) == 0
    page.write_text(page.read_text(encoding="utf-8") + "more", encoding="utf-8")
    assert api_reference.main(["--check", str(page)]) == 1


def test_it_has_every_level() -> None:
    text = api_reference.render()
    assert "| `spec.items[].delegates[].bounds[].max` | quantity |" in text
    assert "| `spec.enforcement.admission` | `observe` \\| `warn` \\| `deny` |" in text
