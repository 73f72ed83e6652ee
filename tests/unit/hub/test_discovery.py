"""Hubs are found by the labels of their Deployments, whichever chart put them there."""

import random
from typing import Any

import pytest

from responsibility.hub.discovery import Deployment, Hub, HubKey, discover, parse_deployment

PREFIX = "responsibility.2i2c.org/"

# The labels of one and the same hub by three generations of the chart, and with a chart label
# that an umbrella chart passes on.
LEGACY = {
    "app": "jupyterhub",
    "component": "hub",
    "release": "prod",
    "chart": "jupyterhub-3.3.8",
    "heritage": "Helm",
}
MODERN = {
    "app.kubernetes.io/name": "jupyterhub",
    "app.kubernetes.io/component": "hub",
    "app.kubernetes.io/instance": "prod",
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": "jupyterhub-4.3.1",
}
BOTH = {**LEGACY, **MODERN}


def raw(
    name: str = "hub",
    namespace: str = "prod",
    labels: dict[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """Return a Deployment as the API server sends it when only metadata is asked for."""
    return {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": "u",
            "labels": labels,
            **metadata,
        },
    }


def parse(deployment: dict[str, Any]) -> Deployment | None:
    return parse_deployment(deployment, own_prefix=PREFIX)


def found(*deployments: dict[str, Any]) -> dict[HubKey, Hub]:
    return discover(d for d in map(parse, deployments) if d is not None)


@pytest.mark.parametrize(
    ("labels", "chart"),
    [(LEGACY, "3.3.8"), (BOTH, "4.3.1"), (MODERN, "4.3.1")],
    ids=["chart 3", "chart 4", "modern labels only"],
)
def test_a_hub_is_found_by_the_labels_of_every_generation(
    labels: dict[str, Any], chart: str
) -> None:
    hubs = found(raw(labels=labels))
    assert list(hubs) == [HubKey("prod", "prod")]
    hub = hubs[HubKey("prod", "prod")]
    assert (hub.prefix, hub.chart) == ("", chart)


def test_a_hub_that_is_called_otherwise_is_found_by_its_chart() -> None:
    # `nameOverride: workshop` changes the name labels and leaves the chart label.
    assert found(raw(labels={**LEGACY, "app": "workshop"}))
    assert found(raw(labels={**MODERN, "app.kubernetes.io/name": "workshop"}))


@pytest.mark.parametrize(
    "chart",
    ["jupyterhub-home-nfs-1.2.0", "jupyterhub-groups-exporter-0.2.0", "jupyterhub-cost-0.1.0"],
)
def test_charts_whose_names_begin_alike_are_not_the_chart(chart: str) -> None:
    labels = {**MODERN, "app.kubernetes.io/name": "other", "helm.sh/chart": chart}
    assert parse(raw(labels=labels)) is None


@pytest.mark.parametrize(
    "chart",
    [
        "jupyterhub-3.3.8",
        "jupyterhub-0.0.1-set.by.chartpress",
        "jupyterhub-4.0.0-0.dev.git.6599_h1",
    ],
)
def test_versions_are_read_from_the_chart_label(chart: str) -> None:
    deployment = parse(raw(labels={**LEGACY, "app": "workshop", "chart": chart}))
    assert deployment is not None
    assert deployment.chart == chart.removeprefix("jupyterhub-")


@pytest.mark.parametrize(
    "labels",
    [
        None,
        {},
        {"app": None, "chart": None},
        {"app": "jupyterhub"},
        {"app": "jupyterhub", "release": "prod"},
        {"app": "jupyterhub", "component": "hub"},
        {"app": "jupyterhub", "component": None, "release": None},
        {**LEGACY, "app": "binderhub", "chart": "binderhub-1.0.0"},
        {"app.kubernetes.io/name": "dask-gateway", "app.kubernetes.io/component": "hub"},
    ],
)
def test_other_deployments_are_nobodys_business(labels: dict[str, Any] | None) -> None:
    assert not found(raw(labels=labels))


def test_without_a_release_label_helms_annotation_names_the_release() -> None:
    labels = {"app": "jupyterhub", "component": "hub"}
    assert list(found(raw(labels=labels, annotations={"meta.helm.sh/release-name": "spring"}))) == [
        HubKey("prod", "spring")
    ]


def test_helpers_with_the_hubs_label_make_no_hub() -> None:
    # Umbrella charts put `app: jupyterhub` on pieces of their own, such as a file server; nobody
    # may annotate them, and the hub is as agreed without.
    helper = {**LEGACY, "component": "nfs-server"}
    assert not found(raw("nfs", labels=helper))
    for labels in (helper, {"app": "jupyterhub", "component": "shared-dirsize-metrics"}):
        sizes = raw("sizes", labels=labels, annotations={"meta.helm.sh/release-name": "prod"})
        hubs = found(raw("hub", labels=LEGACY), sizes)
        assert [d.name for d in hubs[HubKey("prod", "prod")].deployments] == ["hub"]


def aliased(component: str, alias: str = "pangeo") -> dict[str, str]:
    """Return the labels by the chart as a dependency with an alias."""
    return {
        **BOTH,
        "app": alias,
        "app.kubernetes.io/name": alias,
        "chart": f"{alias}-4.3.1",
        "helm.sh/chart": f"{alias}-4.3.1",
        "component": component,
        "app.kubernetes.io/component": component,
    }


def test_a_hub_by_a_chart_with_an_alias_is_found_by_its_shape() -> None:
    parts = [raw(name, labels=aliased(name)) for name in ("hub", "proxy", "user-scheduler")]
    for order in (parts, parts[::-1]):
        hubs = found(*order)
        assert [d.name for d in hubs[HubKey("prod", "prod")].deployments] == [
            *("hub", "proxy", "user-scheduler")
        ]
    assert hubs[HubKey("prod", "prod")].chart == "4.3.1"


def test_what_only_calls_a_part_a_hub_is_none() -> None:
    assert not found(raw("hub", labels=aliased("hub", "selenium-grid")))
    other = {**aliased("hub"), "chart": "selenium-grid-1.0.0", "helm.sh/chart": "selenium-grid-1"}
    assert parse(raw("hub", labels=other)) is None
    # Beside a real one, in the same release of an umbrella chart.
    hubs = found(raw("hub", labels=LEGACY), raw("grid-hub", labels=aliased("hub", "grid")))
    assert [d.name for d in hubs[HubKey("prod", "prod")].deployments] == ["hub"]


def test_a_release_has_all_its_deployments_in_order() -> None:
    parts = {"hub": "hub", "proxy": "proxy", "user-scheduler": "user-scheduler"}
    hubs = found(
        *(raw(name, labels={**BOTH, "component": c}) for name, c in reversed(parts.items()))
    )
    assert [d.name for d in hubs[HubKey("prod", "prod")].deployments] == sorted(parts)
    assert [d.is_hub for d in hubs[HubKey("prod", "prod")].deployments] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("hub", ""), ("spring-hub", "spring-"), ("jupyterhub-hub", "jupyterhub-"), ("odd", "")],
)
def test_the_prefix_of_all_names_is_read_from_the_hubs(name: str, prefix: str) -> None:
    assert found(raw(name, labels=LEGACY))[HubKey("prod", "prod")].prefix == prefix


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (("hub", "hub-old"), ""),
        (("hub", "old-hub"), ""),
        (("spring-hub", "hub-old"), "spring-"),
        (("spring-hub", "old-spring-hub"), "spring-"),
        (("hub-old",), ""),
    ],
)
def test_a_copy_kept_beside_the_hub_is_not_the_hub(names: tuple[str, ...], prefix: str) -> None:
    for order in (names, names[::-1]):
        hubs = found(*(raw(name, labels=LEGACY) for name in order))
        assert [hub.prefix for hub in hubs.values()] == [prefix]


def test_several_releases_share_a_namespace() -> None:
    hubs = found(
        raw("a-hub", labels={**LEGACY, "release": "a"}),
        raw("b-hub", labels={**LEGACY, "release": "b"}),
    )
    assert {str(key): hub.prefix for key, hub in hubs.items()} == {
        "prod/a": "a-",
        "prod/b": "b-",
    }


def test_one_release_name_in_two_namespaces_is_two_hubs() -> None:
    hubs = found(raw(namespace="a", labels=LEGACY), raw(namespace="b", labels=LEGACY))
    assert list(map(str, hubs)) == ["a/prod", "b/prod"]


def test_the_order_of_objects_never_matters() -> None:
    objects = [
        raw(name, namespace, labels={**LEGACY, "release": release, "component": component})
        for namespace in ("a", "b")
        for release in ("x", "y")
        for name, component in ((f"{release}-hub", "hub"), ("hub-old", "hub"), ("p", "proxy"))
    ]
    expected = found(*objects)
    for seed in range(10):
        shuffled = random.Random(seed).sample(objects, len(objects))
        assert list(found(*shuffled).items()) == list(expected.items())


def test_nulls_are_as_good_as_nothing() -> None:
    deployment = parse(raw(labels=LEGACY, annotations=None, uid=None))
    assert deployment is not None
    assert (deployment.uid, deployment.annotations) == ("", {})
    assert parse({"metadata": None}) is None
    assert parse({}) is None


def test_of_the_annotations_only_ours_are_kept() -> None:
    deployment = parse(
        raw(
            labels=LEGACY,
            annotations={f"{PREFIX}owner": "x", "deployment.kubernetes.io/revision": "3"},
        )
    )
    assert deployment is not None
    assert deployment.annotations == {f"{PREFIX}owner": "x"}


def test_a_hub_is_called_by_namespace_and_release() -> None:
    assert str(HubKey("prod", "spring")) == "prod/spring"
