"""The chart agrees with itself and with what it ships, as far as that shows without Helm."""

import json
import re
import tomllib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.cluster.modes import MODES
from tools.generate import values_reference

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "hub-responsibility"
TEMPLATES = sorted(path for path in (CHART / "templates").rglob("*") if path.is_file())
SWITCHES = {"policies.enabled", "enforcement.enabled", "grants.enabled", "revocation.enabled"}
# Objects that go into the pod whole.
PASSED_ON = {
    "resources",
    "podSecurityContext",
    "securityContext",
    "startupProbe",
    "livenessProbe",
    "readinessProbe",
}
JSON_TYPES: dict[str, type] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "object": dict,
    "string": str,
}


def _values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return loaded


def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return loaded


def _pairs(
    values: dict[str, Any], schema: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, Any, dict[str, Any] | None]]:
    """Yield every described value with its schema; None on the side that lacks it."""
    described = schema.get("properties", {})
    for name in sorted(values.keys() | described.keys()):
        inner = described.get(name)
        where = f"{path}{name}"
        yield where, values.get(name), inner
        if inner is not None and "properties" in inner:
            yield from _pairs(values.get(name, {}), inner, f"{where}.")


def _leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value and name not in PASSED_ON:
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_every_value_has_a_schema_and_every_schema_a_default() -> None:
    for where, value, schema in _pairs(_values(), _schema()):
        if where in ("global", "enabled"):  # set by charts around this one: no default
            continue
        assert schema is not None, f"values.schema.json does not know {where}"
        assert value is not None, f"values.yaml has no default for {where}"
        if "type" in schema:
            assert isinstance(value, JSON_TYPES[schema["type"]]), where
        if "enum" in schema:
            assert value in schema["enum"], where


def test_the_schema_refuses_typing_errors_at_every_level() -> None:
    for where, _, schema in _pairs(_values(), _schema()):
        if schema is not None and "properties" in schema:
            assert schema["additionalProperties"] is False, where
    assert _schema()["additionalProperties"] is False


def test_templates_use_every_value_and_no_other() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    used = set(re.findall(r"\.Values\.([A-Za-z][\w.]*)", text))
    # The switches are read by name, in one loop, and by nobody else.
    assert not used & SWITCHES
    used |= SWITCHES
    known = set(_leaves(_values()))
    assert used == known


def test_presets_are_those_of_the_operators_table() -> None:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    written = re.findall(
        r'"(\w+)"\s+\(dict "policies" (\w+)\s+"enforcement" (\w+)\s+"grants" (\w+)\s+'
        r'"revocation" (\w+)\s+"limit" "(\w+)"\)',
        helpers,
    )
    switches = attrgetter("policies", "enforcement", "grants", "revocation")
    table = [(mode.name, *(str(on).lower() for on in switches(mode))) for mode in MODES]
    assert [entry[:5] for entry in written] == table
    assert [entry[5] for entry in written] == [mode.limit for mode in MODES]
    assert _schema()["properties"]["mode"]["enum"] == [mode.name for mode in MODES]


def test_as_it_comes_it_only_looks() -> None:
    assert _values()["mode"] == "audit"
    audit = MODES[0]
    assert audit.name == "audit"
    writes = {
        (right.resource, verb)
        for right in audit.rights
        for verb in set(right.verbs) - {"get", "list", "watch"}
    }
    assert writes == {
        ("deployments", "patch"),
        ("responsibilities/status", "patch"),
        ("responsibilitymodels/status", "patch"),
        ("events", "create"),
        ("leases", "create"),
        ("leases", "update"),
        # A question, though it is POSTed.
        ("subjectaccessreviews", "create"),
    }


def test_every_setting_is_described() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    # What is passed on to the pod as it is needs no words of ours.
    passed_on = {"podAnnotations", "tolerations", "affinity", "resources", "annotations"}
    for name in set(_values()) - passed_on:
        at = lines.index(next(line for line in lines if line.startswith(f"{name}:")))
        above, below = lines[at - 1].strip(), "".join(lines[at + 1 : at + 2]).strip()
        nested = lines[at] == f"{name}:"
        assert above.startswith("#") or (nested and (below.startswith("#") or below)), name


@pytest.mark.parametrize("name", ["clusterrole.yaml", "lease.yaml"])
def test_no_rule_has_a_wildcard(name: str) -> None:
    text = (CHART / "templates" / name).read_text(encoding="utf-8")
    lists = re.findall(r"^\s+(?:- )?(apiGroups|resources|verbs): (\[.*\])$", text, re.MULTILINE)
    assert lists
    assert len(lists) == text.count("apiGroups:") * 3
    for field, written in lists:
        entries = yaml.safe_load(written)
        assert entries, field
        assert not [entry for entry in entries if "*" in entry], field


@pytest.mark.parametrize("verb", ["bind", "escalate", "impersonate", "delete", "deletecollection"])
def test_the_operator_never_asks_for(verb: str) -> None:
    text = (CHART / "templates" / "clusterrole.yaml").read_text(encoding="utf-8")
    rules = text[text.index("\nrules:") :]
    assert not re.search(rf"verbs: \[.*\b{verb}\b.*\]", rules)


def test_definitions_are_copies_of_the_generated_ones() -> None:
    generated = {path.name: path.read_bytes() for path in (ROOT / "crds").glob("*.yaml")}
    shipped = {path.name: path.read_bytes() for path in (CHART / "files/crds").glob("*.yaml")}
    assert generated
    assert shipped == generated, "run make generate"


def test_the_model_is_a_copy_of_the_shipped_one() -> None:
    source = ROOT / "operator/responsibility/api/models/2i2c.yaml"
    assert (CHART / "files/model.yaml").read_bytes() == source.read_bytes(), "run make generate"


def test_chart_and_package_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_the_reference_is_of_these_values() -> None:
    page = (ROOT / "docs/reference/values.md").read_text(encoding="utf-8")
    assert page == values_reference.render(CHART), "run make generate"


def test_comments_go_with_the_values_below_them() -> None:
    text = "# Of a.\na:\n  # Of b,\n  # and more.\n  b: 1\n  c: {}\n\nd: []\n"
    assert values_reference.comments(text) == {"a": "Of a.", "a.b": "Of b,\nand more."}


def test_the_chart_says_where_it_comes_from_and_names_nobody() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["home"] in chart["sources"]
    assert chart["icon"].startswith("data:image/svg+xml;base64,")
    assert [set(maintainer) for maintainer in chart["maintainers"]] == [{"name", "url"}]
    listed = yaml.safe_load(chart["annotations"]["artifacthub.io/crds"])
    shipped = [yaml.safe_load(path.read_text()) for path in (CHART / "files/crds").glob("*.yaml")]
    assert {(entry["name"], entry["kind"]) for entry in listed} == {
        (crd["metadata"]["name"], crd["spec"]["names"]["kind"]) for crd in shipped
    }
