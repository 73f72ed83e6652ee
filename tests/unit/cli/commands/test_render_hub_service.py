"""The values that register the operator in a hub, and what the hub makes of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from traitlets.config import Config

from responsibility.hub.admins.registration import SCOPES
from tests.unit.cli.conftest import Run


def _values(run: Run) -> dict[str, Any]:
    hub: dict[str, Any] = yaml.safe_load(run("render", "hub-service").out)["hub"]
    return hub


def test_it_is_a_service_with_a_role_that_only_reads(run: Run) -> None:
    hub = _values(run)
    assert hub["services"] == {"responsibility": {"display": False}}
    [role] = hub["loadRoles"].values()
    assert (role["services"], tuple(role["scopes"])) == (["responsibility"], SCOPES)


def test_the_way_of_the_token_is_told_and_shows_none(run: Run) -> None:
    told = run("render", "hub-service", "-n", "elsewhere").err
    assert "kubectl patch secret responsibility-hub-tokens -n elsewhere" in told
    assert "hub.services.responsibility.apiToken" in told


def test_a_model_has_nothing_to_do_with_it(run: Run) -> None:
    answer = run("render", "hub-service", "--model", "ours.yaml")
    assert answer.code == 2
    assert "--model" in answer.err


def _told(run: Run, configured: Config) -> dict[str, Any]:
    """Return what a hub tells our service when its configuration is this."""
    [(name, text)] = _values(run)["extraConfig"].items()
    # The chart runs them in the order of their names: after all others.
    assert name.startswith("zz-")
    exec(compile(text, name, "exec"), {"c": configured})  # noqa: S102 - as the hub does
    services: list[dict[str, Any]] = configured.JupyterHub.services
    others = [s for s in services if s["name"] != "responsibility"]
    assert all("info" not in service for service in others)
    [own] = [s for s in services if s["name"] == "responsibility"]
    info: dict[str, Any] = own["info"]
    return info


class Named:
    """Stands for an authenticator that the configuration gives as a class."""


@pytest.mark.parametrize(("given", "name"), [("github", "github"), (Named, "Named")])
def test_what_the_configuration_says_is_told(run: Run, given: object, name: str) -> None:
    c = Config()
    c.JupyterHub.services = [{"name": "culler"}, {"name": "responsibility"}]
    c.JupyterHub.load_roles = [
        {"name": "boss", "scopes": ["admin:users"], "users": ["bo"]},
        {"name": "admin", "users": ["cy"]},
    ]
    c.JupyterHub.authenticator_class = given
    c.Authenticator.admin_users = {"ann"}
    c.GitHubOAuthenticator.admin_users = ["dee"]
    assert _told(run, c) == {
        "roles": {"boss": ["admin:users"]},
        "authenticator": name,
        "admins": ["ann", "cy", "dee"],
    }


def test_admins_that_are_added_to_are_told(run: Run) -> None:
    """As a provider's own configuration adds its staff to whoever is there."""
    c = Config()
    c.JupyterHub.services = [{"name": "responsibility"}]
    c.Authenticator.admin_users.update({"staff"})
    assert _told(run, c) == {"roles": {}, "authenticator": "", "admins": ["staff"]}


def test_a_hub_without_the_service_starts_as_ever(run: Run) -> None:
    c = Config()
    [(name, text)] = _values(run)["extraConfig"].items()
    exec(compile(text, name, "exec"), {"c": c})  # noqa: S102 - as the hub does
