"""The policy about dates can refuse a new record and do nothing else."""

from pathlib import Path

import pytest
import yaml

from responsibility.api import admission


def test_it_looks_at_new_objects_only() -> None:
    (rule,) = admission.policy()["spec"]["matchConstraints"]["resourceRules"]
    assert rule["operations"] == ["CREATE"]


def test_an_error_in_an_expression_refuses_nothing() -> None:
    assert admission.policy()["spec"]["failurePolicy"] == "Ignore"


def test_the_binding_is_the_policys() -> None:
    policy, binding = admission.manifests()
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]


def test_it_prints_manifests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert admission.main([]) == 0
    printed = tmp_path / "policy.yaml"
    printed.write_text(capsys.readouterr().out, encoding="utf-8")
    assert list(yaml.safe_load_all(printed.read_text(encoding="utf-8"))) == admission.manifests()
