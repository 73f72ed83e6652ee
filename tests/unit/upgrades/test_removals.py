"""API versions that Kubernetes has removed: as its guide has them, and nothing else."""

from __future__ import annotations

import pytest

from responsibility.upgrades.removals import RemovedApi, removed_apis
from responsibility.upgrades.versions import Version


@pytest.mark.parametrize(
    ("api_version", "kind", "minor"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", 25),
        ("networking.k8s.io/v1beta1", "Ingress", 22),
        ("extensions/v1beta1", "Ingress", 22),
        ("extensions/v1beta1", "Deployment", 16),
        ("batch/v1beta1", "CronJob", 25),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", 26),
        ("storage.k8s.io/v1beta1", "CSIStorageCapacity", 27),
        ("storage.k8s.io/v1beta1", "StorageClass", 22),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", 32),
    ],
)
def test_what_went_with_which_release(api_version: str, kind: str, minor: int) -> None:
    assert removed_apis([(api_version, kind)]) == (
        RemovedApi(Version(1, minor), api_version, kind),
    )


@pytest.mark.parametrize(
    "kind",
    [
        ("policy/v1", "PodDisruptionBudget"),
        ("apps/v1", "Deployment"),
        ("v1", "Secret"),
        ("policy/v1beta1", "Anything"),
        (None, None),
        (["policy/v1beta1"], {"a": 1}),
    ],
)
def test_all_else_is_served_or_not_told(kind: tuple[object, object]) -> None:
    assert removed_apis([kind]) == ()


def test_each_is_told_once_the_first_that_went_first() -> None:
    found = removed_apis(
        [("policy/v1beta1", "PodDisruptionBudget")] * 3 + [("extensions/v1beta1", "Ingress")]
    )
    assert [str(each) for each in found] == [
        "Ingress by extensions/v1beta1",
        "PodDisruptionBudget by policy/v1beta1",
    ]
