"""``render webhook``: what the chart has for the shipped model, for any."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from responsibility.api.parse import load_shipped_manifest
from responsibility.cli.main import cli
from tools.generate import chart_values_webhook

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def render(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["render", "webhook", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert "valuesWebhook.install=false" in done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def test_that_of_the_shipped_model_is_the_charts() -> None:
    charts = chart_values_webhook.render().replace("$(service)", "hub-responsibility-webhook")
    charts = charts.replace("$(operator-namespace)", "hub-responsibility")
    assert render() == yaml.safe_load(charts)


def test_another_models_items_have_it_asked(tmp_path: Path) -> None:
    model = load_shipped_manifest()
    for item in model["spec"]["items"]:
        if item["name"] == "data":
            item["name"] = "storage"
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(model), encoding="utf-8")
    (tmp_path / "ca.crt").write_text(PEM, encoding="utf-8")
    files = (f"--model={tmp_path}/model.yaml", f"--ca={tmp_path}/ca.crt")
    hooks = render(*files, "--service=here", "--namespace=there")["webhooks"]
    chosen = [hook["namespaceSelector"]["matchExpressions"][0]["key"] for hook in hooks]
    assert "enforce.responsibility.2i2c.org/storage" in chosen
    for hook in hooks:
        config = hook["clientConfig"]
        assert base64.b64decode(config["caBundle"]).decode() == PEM
        assert (config["service"]["name"], config["service"]["namespace"]) == ("here", "there")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ca", "/nowhere/ca.crt"], "--ca /nowhere/ca.crt: No such file"),
        (["--ca", __file__.replace("webhook", "roles")], "there is no certificate in it"),
        (["--static"], "--static is for policies"),
        (["--prefix", "x-"], "--prefix is for roles"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(cli, ["render", "webhook", *arguments])
    assert done.exit_code != 0
    assert words in f"{done.stderr}{done.exception}"


def test_a_model_without_values_has_none(tmp_path: Path) -> None:
    model = load_shipped_manifest()
    for item in model["spec"]["items"]:
        item.pop("valuesPaths", None)
        item.pop("required", None)
        item.pop("reserved", None)
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(model), encoding="utf-8")
    done = CliRunner().invoke(cli, ["render", "webhook", f"--model={tmp_path}/model.yaml"])
    assert done.exit_code != 0
    assert "give one valuesPaths" in f"{done.stderr}{done.exception}"
