"""Names that YAML takes for something else (`123`, `true`, `null`), as the chart renders them.

A name without quotes would be a number in a rule, which the API server refuses, or no namespace at
all, and a Role would come to be in the release's own. What is set is derived from the schema: every
text there that may be such a name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.cli.sources.yaml.documents import documents
from responsibility.cli.sources.yaml.words import meaning
from tests.e2e import helms
from tests.e2e.chart_by_helm import CHART, KUBERNETES, run_helm
from tests.e2e.lab import programs

_TEMPLATES = sorted((CHART / "templates").rglob("*.yaml"))
# Kubernetes takes each as the name of a namespace or record; and in their places, plain ones.
_ODD = ("123", "1e3", "0x1f", "08", "true", "null", "on", "n", "no")
_PLAIN = ("abc", "abd", "aaxbb", "aa", "sure", "nobody", "in", "m", "nay")
# What goes with what is not for the schema to say.
_TOGETHER: dict[str, Any] = {
    **{part: {"enabled": True} for part in ("policies", "enforcement", "grants", "revocation")},
    "replicas": 2,
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}}],
    "monitoring": {"alerts": {"disabled": []}, "podMonitor": {"enabled": False}},
    "networkPolicy": {"pageFrom": [{"podSelector": {}}]},
    "certManager": {"enabled": False},
    "hubPage": {"authority": "-----BEGIN CERTIFICATE-----"},
}
_BY_CERT_MANAGER: dict[str, Any] = {
    "certManager": {"enabled": True},
    "monitoring": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": False}},
    "breakGlassWebhook": {"secretName": "", "caBundle": ""},
    "valuesWebhook": {"secretName": "", "caBundle": ""},
    # So that the release's own name is theirs.
    "fullnameOverride": "",
    "nameOverride": "",
    "serviceAccount": {"name": ""},
    "page": {"secretName": ""},
    "hubPage": {"authority": ""},
}
_RELEASES = {
    "by-hand": (_TOGETHER,),
    "by-cert-manager": (_TOGETHER, _BY_CERT_MANAGER),
}
# What excludes something else.
_NOT_IN = {
    "by-hand": ("podmonitor.yaml", "certificate.yaml"),
    "by-cert-manager": ("servicemonitor.yaml",),
}


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    return programs.helm(name)


def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return loaded


def _filled(
    schema: dict[str, Any], names: tuple[str, ...], nth: int = 0, called: str = "values"
) -> object:
    """Return a value that is all such names, and with all switches on; None where none can be."""
    if "$ref" in schema:
        schema = _schema()["definitions"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type")
    if kind == "boolean":
        return True
    if kind == "string" and "enum" not in schema:
        pattern = schema.get("pattern", "")
        both = (_ODD[nth], _PLAIN[nth])
        return names[nth] if all(re.search(pattern, each) for each in both) else None
    if kind == "array":
        items = [_filled(schema["items"], names, n) for n in range(len(names))]
        return [each for each in items if each is not None] or None
    if kind == "object":
        known = schema.get("properties", {}).items()
        found = {name: _filled(inner, names, nth, name) for name, inner in known}
        if isinstance(schema.get("additionalProperties"), dict):
            found[f"example.org/{called}"] = names[nth]
        return {name: value for name, value in found.items() if value is not None} or None
    return None


def _merged(values: object, over: object) -> object:
    if not (isinstance(values, dict) and isinstance(over, dict)):
        return over
    return values | {name: _merged(values.get(name), value) for name, value in over.items()}


def _text(helm: Path, directory: Path, names: tuple[str, ...], release: str) -> str:
    values = _filled(_schema(), names)
    for each in _RELEASES[release]:
        values = _merged(values, each)
    file = directory / "values.json"
    file.write_text(json.dumps(values))
    where = ("--namespace", names[0], "--kube-version", KUBERNETES, "-f", str(file))
    return run_helm(helm, "template", names[0], str(CHART), *where).stdout


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{n}")
    else:
        yield path, value


def _all(text: str) -> list[tuple[str, object]]:
    objects = (each.value for each in documents(text))
    return [
        leaf
        for o in objects
        if isinstance(o, dict)
        # Those have no names of the values.
        if o["kind"] != "CustomResourceDefinition"
        for leaf in _leaves(o, f"{o['kind']} {o['metadata']['name']}")
    ]


def test_the_names_are_odd_and_the_others_are_not() -> None:
    assert [name for name in _ODD if isinstance(meaning(name)[1], str)] == []
    assert [name for name in _PLAIN if not isinstance(meaning(name)[1], str)] == []
    assert len(_ODD) == len(_PLAIN)


def test_what_is_set_is_all_that_names_namespaces_and_objects() -> None:
    values = _filled(_schema(), _ODD)
    assert isinstance(values, dict)
    for place in ("hubValues", "hubSessions", "hubRelease"):
        assert tuple(values[place]["namespaces"]) == _ODD
    for place, name in (("hubValues", "secretNames"), ("annotations", "deploymentNames")):
        assert tuple(values[place][name]) == _ODD
    for name in ("record", "namespace", "hubName"):
        assert tuple(page[name] for page in values["hubPages"]) == _ODD


@pytest.mark.parametrize("release", _RELEASES)
def test_a_name_is_a_name_wherever_it_is_rendered(helm: Path, tmp_path: Path, release: str) -> None:
    texts = [_text(helm, tmp_path, names, release) for names in (_ODD, _PLAIN)]
    odd, plain = (_all(text) for text in texts)
    assert len(odd) == len(plain)
    others = [
        (where, value, other)
        for (where, value), (_, other) in zip(odd, plain, strict=True)
        if type(value) is not type(other)
    ]
    assert others == []
    # Of all templates, or it would say little; one is for an installed release alone.
    of = {name for text in texts for name in re.findall(r"# Source: \S+?/templates/(\S+)", text)}
    made = {str(path.relative_to(CHART / "templates")) for path in _TEMPLATES}
    assert made - of == {"tests/ready.yaml", *_NOT_IN[release]}
