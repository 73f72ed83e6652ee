"""What `check -o sarif` writes is held against the schema that the committee of SARIF publishes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from tests.e2e.lab.binaries import module_source
from tests.unit.cli import small

_CARRIER = "github.com/owenrumney/go-sarif/v3"


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    """Return the schema, which its carrier has as a Go string."""
    source = module_source("sarif", _CARRIER) / "pkg/report/v210/sarif/schema.go"
    _, text, _ = source.read_text(encoding="utf-8").split("`")
    document = json.loads(text)
    Draft4Validator.check_schema(document)
    return Draft4Validator(document)


def _write(folder: Path, *leave_out: str) -> None:
    for name, text in small.FILES.items():
        if name not in leave_out:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def _check(folder: Path, at: str) -> dict[str, Any]:
    program = Path(sys.executable).with_name("kubectl-responsibility")
    # Without a record, only what the model says of itself is left.
    command = [str(program), "check", "-f", ".", "--allow-empty", "--at", at, "-o", "sarif"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    log: dict[str, Any] = json.loads(done.stdout)
    return log


@pytest.mark.parametrize(
    ("at", "leave_out"),
    [
        pytest.param(small.AT, (), id="findings"),
        pytest.param(small.LATER, (), id="findings of dates"),
        pytest.param(small.AT, ("hub.yaml",), id="without the hub"),
        pytest.param(small.AT, ("record.yaml", "rbac/people.yaml"), id="findings of no file"),
    ],
)
def test_it_is_as_the_schema_says(
    schema: Draft4Validator, tmp_path: Path, at: str, leave_out: tuple[str, ...]
) -> None:
    _write(tmp_path, *leave_out)
    log = _check(tmp_path, at)
    assert [error.message for error in schema.iter_errors(log)] == []
    assert log["runs"][0]["results"]


def test_the_schema_would_notice(schema: Draft4Validator, tmp_path: Path) -> None:
    _write(tmp_path)
    log = _check(tmp_path, small.AT)
    log["runs"][0]["results"][0]["level"] = "grave"
    assert list(schema.iter_errors(log))
