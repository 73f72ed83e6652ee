"""The other image's contents: the page in a hub starts from them, without the operator's."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from responsibility.hub_page.settings import PREFIX
from tests.e2e.image import build

pytestmark = pytest.mark.long
_SETTINGS = {
    "RECORD": "coast",
    "OPERATOR": "http://127.0.0.1:9",
    "HUB": "http://127.0.0.1:9",
    "ACCOUNT": "/nowhere/account",
    "LISTEN": "127.0.0.1:0",
}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("hub-page-image")
    yield build.build(build.interpreter(directory), directory, "hub-page")
    subprocess.run(["chmod", "-R", "u+w", str(directory / "opt")], check=True)


def test_it_starts_from_what_is_in_it(contents: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken")
    given = {f"{PREFIX}{name}": text for name, text in {**_SETTINGS, "TOKEN": str(token)}.items()}
    # What the image starts if nothing else is asked of it.
    program = contents / "bin" / "responsibility-start"
    with subprocess.Popen(
        [str(program)],
        env={**build.loading(program), **given},
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            first = process.stderr.readline()
        finally:
            process.terminate()
        assert "the page of record coast is at /services/responsibility-page/" in first
        assert process.wait(240) == 0


def test_nothing_of_the_operators_is_in_it(contents: Path) -> None:
    bill = json.loads((contents / "share" / "sbom.cdx.json").read_text(encoding="utf-8"))
    names = {each["name"] for each in bill["components"]}
    assert "jupyterhub" in names
    assert not {"kopf", "kubernetes", "aiohttp"} & names
    programs = {path.name for path in (contents / "bin").iterdir()}
    assert not {"responsibility-operator", "kubectl-responsibility"} & programs
    assert not (contents / "share" / "jupyterhub").exists()
