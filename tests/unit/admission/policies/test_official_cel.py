"""Every expression that is rendered is read and type-checked by the official CEL."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from responsibility.admission.policies.manifests import POLICY, Manifest, Validation, policy
from responsibility.admission.policies.rendered import static, templates
from responsibility.admission.webhooks.break_glass import webhook_configuration
from responsibility.api.admission import policy as record_dates
from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import load_shipped_model
from tests.unit.admission.policies.official_cel import (
    problems,
    problems_of_definition,
    problems_of_webhook,
)

ROOT = Path(__file__).resolve().parents[4]
LIBRARY = ROOT / "tests/unit/api/data/library.yaml"


def library() -> ResponsibilityModel:
    return ResponsibilityModel.model_validate(yaml.safe_load(LIBRARY.read_text()))


@pytest.mark.parametrize("model", [load_shipped_model(), library()], ids=lambda m: m.name)
def test_all_policies_of_a_model(model: ResponsibilityModel) -> None:
    rendered = [*templates(model), *static(model, namespace="operator", account="operator")]
    policies = [manifest for manifest in rendered if manifest["kind"] == POLICY]
    assert policies
    found = {p["metadata"]["name"]: list(problems(p)) for p in policies}
    assert {name: said for name, said in found.items() if said} == {}


def test_the_policy_of_dates() -> None:
    assert list(problems(record_dates())) == []


@pytest.mark.parametrize("file", sorted((ROOT / "crds").glob("*.yaml")), ids=lambda f: f.stem)
def test_the_rules_of_a_definition(file: Path) -> None:
    definition = yaml.safe_load(file.read_text())
    assert "x-kubernetes-validations" in file.read_text()
    assert list(problems_of_definition(definition)) == []


def test_the_conditions_of_the_webhooks() -> None:
    where = {"service": {"namespace": "operator", "name": "operator"}, "caBundle": ""}
    configuration = webhook_configuration(load_shipped_model(), where)
    assert configuration["webhooks"]
    assert list(problems_of_webhook(configuration)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "1 + 'a' == 2",
        "variables.list.exists(l, l == 1)",
        "authorizer.resource('pods').allowed()",
        "quantity(1).isLessThan(quantity('2'))",
        "'a'.unheardOf()",
        "variables.later",
        "object.spec.orValue()",
        "size(variables.list)",
    ],
)
def test_what_is_wrong_is_told(expression: str) -> None:
    wrong: Manifest = policy("p", (), [Validation(expression, "no")], variables=[("list", "['a']")])
    wrong["spec"].setdefault("variables", [{"name": "list", "expression": "['a']"}])
    assert len(list(problems(wrong))) == 1
