"""The page about the commands has all of them."""

from responsibility.cli.main import COMMANDS
from tools.generate import cli_reference


def test_the_page_has_every_command() -> None:
    page = cli_reference.render()
    assert [name for name in COMMANDS if f"`{name}" not in page and name not in page] == []
