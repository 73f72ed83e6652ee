"""``render roles``: what the chart has for the shipped model, for any."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from responsibility.cli.main import cli
from tests.unit.ownership.building import GARDEN

CHART = Path(__file__).parents[4] / "helm/hub-responsibility/files/roles"


def run(*arguments: str) -> tuple[str, str]:
    done = CliRunner().invoke(cli, ["render", "roles", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout, done.stderr


def names(text: str) -> list[str]:
    return [role["metadata"]["name"] for role in yaml.safe_load_all(text)]


def test_without_options_it_is_what_the_chart_installs() -> None:
    found = {r["metadata"]["name"]: r for r in yaml.safe_load_all(run()[0])}
    shipped = {
        role["metadata"]["name"]: role
        for file in ("hub.yaml", "cluster.yaml")
        for role in yaml.safe_load_all((CHART / file).read_text(encoding="utf-8"))
    }
    assert found == shipped


def test_for_another_model_with_prefixes(tmp_path: Path) -> None:
    file = tmp_path / "garden.yaml"
    file.write_text(GARDEN, encoding="utf-8")
    text, told = run("--model", str(file), "--prefix", "leap-", "--prefix", "moor-")
    assert names(text) == [
        "responsibility-item-beds",
        "responsibility-item-fence",
        "responsibility-item-fence:prefix:leap-",
        "responsibility-item-fence:prefix:moor-",
        "responsibility-item-gate:cluster",
    ]
    assert "no role for record" in told
    assert "grants.roles: [responsibility-item-beds, " in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["roles", "--prefix", "Not A Name"], "can't begin a name"),
        (["roles", "--prefix", ""], "can't begin a name"),
        (["roles", "--static"], "--static is for policies"),
        (["policies", "--prefix", "x-"], "--prefix is for roles"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(cli, ["render", *arguments])
    assert done.exit_code != 0
    assert words in f"{done.stderr}{done.exception}"
