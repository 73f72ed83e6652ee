"""``kubectl responsibility render policies``, and the chart's copy of what it writes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.admission.policies.rendered import rendered, static, templates
from responsibility.api.parse import load_shipped_manifest, load_shipped_model
from responsibility.cli.main import main
from tools.generate import chart_policies

ROOT = Path(__file__).parents[4]
CHARTS = ROOT / "helm" / "hub-responsibility" / "files" / "policies" / "enforcement.yaml"
ACCOUNT = "system:serviceaccount:hub-responsibility:hub-responsibility"
PLACE = {"namespace": "hub-responsibility", "account": ACCOUNT}


def write(folder: Path, *documents: Any) -> str:
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return str(path)


def test_the_shipped_model_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "policies"]) == 0
    found = list(yaml.safe_load_all(capsys.readouterr().out))
    assert found == rendered(load_shipped_model(), **PLACE)


def test_where_the_operator_runs_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "policies", "-n", "ops", "--service-account", "resp"]) == 0
    said = capsys.readouterr().out
    assert "system:serviceaccount:ops:resp" in said
    assert "$(" not in said


def test_static_manifests_are_written_on_request(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write(tmp_path, load_shipped_manifest())
    assert main(["render", "policies", "--static", "--model", path]) == 0
    found = list(yaml.safe_load_all(capsys.readouterr().out))
    assert found == static(load_shipped_model(), **PLACE)


def test_additions_to_a_model_are_merged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    eve = {"subject": {"kind": "User", "name": "eve"}, "reason": "on call"}
    more = load_shipped_manifest()
    more["spec"] = {"breakGlass": [eve]}
    assert main(["render", "policies", "--model", write(tmp_path, more)]) == 0
    assert "user:eve" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}], "there is no"),
        ([], "there is no ResponsibilityModel in it"),
    ],
)
def test_a_file_without_a_model_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, documents: list[Any], said: str
) -> None:
    assert main(["render", "policies", "--model", write(tmp_path, *documents)]) == 2
    assert said in capsys.readouterr().err


def test_two_models_are_one_too_many(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = load_shipped_manifest()
    other["metadata"]["name"] = "other"
    path = write(tmp_path, load_shipped_manifest(), other)
    assert main(["render", "policies", "--model", path]) == 2
    assert "2i2c, other: give the file of one" in capsys.readouterr().err


def test_a_field_without_a_policy_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = load_shipped_manifest()
    item = next(i for i in model["spec"]["items"] if i["name"] == "data")
    item["fields"] = [{"kind": "Widget", "path": "spec.x"}]
    assert main(["render", "policies", "--model", write(tmp_path, model)]) == 2
    said = capsys.readouterr().err
    assert "item data, fields[0].kind" in said
    assert "use one of ConfigMap" in said


def test_the_chart_has_what_is_rendered() -> None:
    assert CHARTS.read_text(encoding="utf-8") == chart_policies.render()
    assert list(yaml.safe_load_all(chart_policies.render())) == templates(load_shipped_model())
