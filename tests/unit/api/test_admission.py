"""The policy about dates can refuse a new record and do nothing else."""

from responsibility.api import admission


def test_it_looks_at_new_objects_only() -> None:
    (rule,) = admission.policy()["spec"]["matchConstraints"]["resourceRules"]
    assert rule["operations"] == ["CREATE"]


def test_an_error_in_an_expression_refuses_nothing() -> None:
    assert admission.policy()["spec"]["failurePolicy"] == "Ignore"


def test_the_binding_is_the_policys() -> None:
    policy, binding = admission.manifests()
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
