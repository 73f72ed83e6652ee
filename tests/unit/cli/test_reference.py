"""The page about the commands is what the commands say."""

from pathlib import Path

from responsibility.cli import reference


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / reference.DEFAULT
    assert page.read_text(encoding="utf-8") == reference.render(), (
        "run python -m responsibility.cli.reference"
    )
