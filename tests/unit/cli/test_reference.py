"""The page about the commands is what the commands say."""

from pathlib import Path

from tools.generate import cli_reference


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / cli_reference.DEFAULT
    assert page.read_text(encoding="utf-8") == cli_reference.render(), (
        "run python -m tools.generate.cli_reference"
    )
