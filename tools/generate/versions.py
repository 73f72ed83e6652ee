"""The version in files that people write otherwise: each is itself, with the version put in.

It is written once, in pyproject.toml. A chart and pages for adopters need it as a text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION: str = _PROJECT["version"]
_ANY = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?"

# The texts before which the version stands, by file, as regular expressions.
PLACES: Mapping[Path, str] = {
    Path("helm/hub-responsibility/Chart.yaml"): r"^(?:v|appV)ersion: ",
    Path("docs/gitops.md"): r"targetRevision: v",
    Path("docs/quickstart.md"): r"registry\.example\.org/hub-responsibility:",
    Path("README.md"): r"registry\.example\.org/hub-responsibility:",
}


def render(path: Path) -> str:
    """Return a file with this version where there is one."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return replaced(text, PLACES[path], VERSION)


def replaced(text: str, before: str, version: str) -> str:
    """Return a text with this version at each place that stands after ``before``.

    Raises ValueError where there is no such place: somebody has written the text anew.
    """
    place = re.compile(rf"({before}){_ANY}(?!\S*[\w])", re.MULTILINE)
    found, number = place.subn(rf"\g<1>{version}", text)
    if not number:
        raise ValueError(f"no version stands after {before!r}: correct tools/generate/versions.py")
    return found
