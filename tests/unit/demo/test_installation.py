"""The demo's operator has the chart's rights, and its records are what it says they are."""

from demo import installation, organisation
from responsibility.cluster.rights import HUB_DEPLOYMENTS, RIGHTS


def _rules(kind: str) -> set[tuple[str, str, str, str]]:
    """Return (API group, resource, name or "", verb) of the operator's role of this kind."""
    (role,) = [o for o in installation.operator_rights() if o["kind"] == kind]
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


def _needed(*, namespaced: bool) -> set[tuple[str, str, str, str]]:
    return {
        (right.group, right.resource, name, verb)
        for right in RIGHTS
        if right.namespaced is namespaced
        for name in right.names or ("",)
        for verb in right.verbs
    }


def test_in_its_namespace_it_may_what_the_chart_lets_it() -> None:
    assert _rules("Role") == _needed(namespaced=True)


def test_beyond_the_chart_it_may_annotate_the_release_with_prefixed_names() -> None:
    prefixed = {
        ("apps", "deployments", organisation.ATLAS_PREFIX + name, "patch")
        for name in HUB_DEPLOYMENTS
    }
    assert _rules("ClusterRole") == _needed(namespaced=False) | prefixed


def test_both_bindings_are_to_the_operator_alone() -> None:
    bindings = [o for o in installation.operator_rights() if o["kind"].endswith("Binding")]
    assert [binding["roleRef"]["kind"] for binding in bindings] == ["ClusterRole", "Role"]
    for binding in bindings:
        (subject,) = binding["subjects"]
        assert (subject["namespace"], subject["name"]) == (
            installation.NAMESPACE,
            installation.ACCOUNT,
        )


def test_the_model_and_what_is_added_to_it_have_two_managers() -> None:
    assert installation.CHART != installation.PEOPLE


def test_no_hub_of_the_demo_is_started_where_nodes_are_real() -> None:
    shown = [*organisation.manifests(), *organisation.third_hub()]
    workloads = [o for o in shown if "template" in (o.get("spec") or {})]
    assert {o["kind"] for o in workloads} >= {"Deployment", "DaemonSet", "StatefulSet"}
    assert not [o for o in shown if o["kind"] in {"Pod", "Job", "CronJob", "ReplicaSet"}]
    for workload in map(installation.never_started, workloads):
        assert workload["spec"]["template"]["spec"]["nodeSelector"] == {
            "demo.example.org/runs": "nowhere"
        }
    others = [o for o in shown if o not in workloads]
    assert list(map(installation.never_started, others)) == others
