"""Layers of values are put together as Helm itself does, by what its templates get to see."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.cli.review.values_files import read
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.values.difference import DELETED
from responsibility.hub.values.layers import divided, merged, with_deletions
from tests.e2e.lab import programs
from tests.e2e.seeds import seeds

_KEYS = ("a", "b", "limit", "memory")
_UNDER = ("umbrella", "hub")


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a chart with one in it with one in that, which shows the values that it gets."""
    top = tmp_path_factory.mktemp("chart")
    where = top
    for name in ("top", *_UNDER):
        where = where if name == "top" else where / "charts" / name
        (where / "templates").mkdir(parents=True)
        below = dict(zip(("top", *_UNDER), _UNDER, strict=False)).get(name)
        depends = f"dependencies: [{{name: {below}, version: 0.1.0}}]\n" if below else ""
        about = f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n{depends}"
        (where / "Chart.yaml").write_text(about, encoding="utf-8")
    shown = '{{ omit .Values "global" | toYaml }}\n'
    (where / "templates" / "values.yaml").write_text(shown, encoding="utf-8")
    return top


def _drawn(draw: random.Random, depth: int = 3) -> Any:
    kind = draw.randrange(6 if depth else 4)
    if kind == 0:
        return None
    if kind < 4:
        return draw.choice(["x", 1, True, "8G", [1, 2], []])
    return {key: _drawn(draw, depth - 1) for key in draw.sample(_KEYS, draw.randrange(1, 4))}


def _helm(chart: Path, files: list[Path]) -> Any:
    options = [word for file in files for word in ("-f", str(file))]
    command = [str(programs.helm()), "template", "r", str(chart), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return yaml.safe_load(done.stdout) if not done.returncode else None


def _without(value: Any) -> Any:
    """Return values as they are where a chart has no defaults of its own."""
    if isinstance(value, dict):
        return {key: _without(below) for key, below in value.items()}
    return None if value is DELETED else value


def test_layers_are_merged_as_helm_merges_them(chart: Path, tmp_path: Path) -> None:
    for seed in seeds("VALUES", 12):
        draw = random.Random(seed)
        files = []
        for layer in range(3):
            inside = {key: _drawn(draw) for key in draw.sample(_KEYS, 3)}
            path = tmp_path / f"{seed}-{layer}.yaml"
            text = yaml.safe_dump({_UNDER[0]: {_UNDER[1]: inside}}, default_flow_style=None)
            path.write_text(text, encoding="utf-8")
            files.append(path)
        layers = [read(path.read_text(encoding="utf-8"), path.name).values for path in files]
        ours = divided(with_deletions(merged(layers)), _UNDER).inside
        assert _without(ours) == _helm(chart, files), f"seed {seed}"


# Texts of the hub's part, each of which Helm reads as we do, or we don't read at all.
TEXTS = (
    "{limit: y}",
    "{limit: on, 1: x, on: z}",
    "{limit: 010, b: 1:30, a: 0x1F}",
    "{a: &x {limit: 1}, b: {<<: *x, limit: 2}}",
    "{a: &x {limit: 1}, b: {limit: 2, <<: *x}}",
    "{a: &x {limit: 1}, b: {<<: *x, <<: {limit: 2}}}",
    "{a: &x {limit: 1}, b: {<<: [*x, {limit: 2}]}}",
    "{limit: 1, limit: 2}",
    "{limit: !!str 1}",
    "{limit: !other 1}",
    '{"li\\u006dit": 1, limit.a: 2}',
    "{limit: 2020-01-01, a: ~, b: null}",
    "{limit: 1_000, a: .5, b: 1.0}",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_by_helm_or_not_at_all(text: str, chart: Path, tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(f"umbrella: {{hub: {text}}}\n", encoding="utf-8")
    try:
        ours = divided(with_deletions(read(path.read_text("utf-8"), "v").values), _UNDER).inside
    except CliError:
        return
    assert _without(ours) == _helm(chart, [path])
