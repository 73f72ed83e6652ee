"""The values that give a hub its page, as Zero to JupyterHub takes them."""

from __future__ import annotations

from typing import Any

import yaml

from tests.unit.cli.conftest import Run


def _values(run: Run) -> dict[str, Any]:
    hub: dict[str, Any] = yaml.safe_load(run("render", "hub-page").out)["hub"]
    return hub


def test_it_is_a_service_without_any_scope_and_all_users_may_open_it(run: Run) -> None:
    hub = _values(run)
    [(name, service)] = hub["services"].items()
    assert (name, service["url"]) == ("responsibility-page", "http://responsibility-page")
    # Those of a service are by a role of its own, or by this.
    assert not {"admin", "oauth_client_allowed_scopes", "oauth_roles"} & set(service)
    assert hub["loadRoles"] == {
        "user": {"scopes": ["self", "access:services!service=responsibility-page"]}
    }


def test_it_is_another_service_than_the_one_that_reads_admins(run: Run) -> None:
    reading = yaml.safe_load(run("render", "hub-service").out)["hub"]
    assert not set(reading["services"]) & set(_values(run)["services"])
    assert not set(reading["loadRoles"]) & set(_values(run)["loadRoles"])


def test_what_comes_after_is_told(run: Run) -> None:
    told = run("render", "hub-page").err
    assert "hubPages: [{record: RECORD, namespace: NAMESPACE}]" in told


def test_a_model_has_nothing_to_do_with_it(run: Run) -> None:
    answer = run("render", "hub-page", "--model", "ours.yaml")
    assert answer.code == 2
    assert "--model" in answer.err
