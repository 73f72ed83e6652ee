"""A release: everything that it is made of, in one directory, with checksums.

``make release VERSION=1.2.3``, on a clean checkout whose files say that version. What is built:
the wheel, the sources, the chart, the image with its bill of materials, the notes. Nothing is
published, and nothing is signed: that is for whoever holds the keys.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CHART = Path("helm/hub-responsibility")
CHANGES = Path("CHANGELOG.md")
_SUMS = "SHA256SUMS"
_BILL = "/opt/hub-responsibility/share/sbom.cdx.json"
# As semantic versioning has it, without build metadata: an image's tag can't carry any.
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
_ENGINES = ("docker", "podman")


class ReleaseError(Exception):
    """Something stands in the way of a release; the message says what to do."""


def notes(changes: str, version: str) -> str:
    """Return what the changelog says of a version; empty where it has no such section."""
    section = re.search(
        rf"^## {re.escape(version)}(?:\s[^\n]*)?\n(.*?)(?=^## |\Z)",
        changes,
        re.MULTILINE | re.DOTALL,
    )
    return section[1].strip() if section else ""


def problems(root: Path, version: str) -> Iterator[str]:
    """Yield what has to be mended before this version can be released from these files."""
    if _VERSION.fullmatch(version) is None:
        yield f"{version!r} is no version: name one such as 1.2.3 or 1.2.3-rc.1"
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = yaml.safe_load((root / CHART / "Chart.yaml").read_text(encoding="utf-8"))
    said = {
        "pyproject.toml: version": project["version"],
        f"{CHART}/Chart.yaml: version": chart["version"],
        f"{CHART}/Chart.yaml: appVersion": chart["appVersion"],
    }
    for place, found in said.items():
        if str(found) != version:
            yield f"{place} is {found}: write {version} there"
    if not notes((root / CHANGES).read_text(encoding="utf-8"), version):
        yield f"{CHANGES} has no section '## {version}': give 'Unreleased' that name, and a date"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a release; return 1, and say why, where it can't be."""
    parser = argparse.ArgumentParser(prog="tools.release", description="Build a release.")
    parser.add_argument("version")
    parser.add_argument("--image", required=True, help="the image, built and tagged")
    parser.add_argument("--into", type=Path, default=Path("dist"))
    options = parser.parse_args(arguments)
    try:
        built = build(options.version, options.image, options.into)
    except (ReleaseError, subprocess.CalledProcessError, FileNotFoundError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for path in built:
        sys.stdout.write(f"{path.stat().st_size / 1e6:8.1f} MB  {path}\n")
    return 0


def build(version: str, image: str, into: Path) -> list[Path]:
    """Build all parts of a release into a directory of its own; return them.

    Raises ReleaseError before anything is built where something stands in the way.
    """
    found = list(problems(ROOT, version))
    if _said("git", "status", "--porcelain"):
        found.append("there are changes that are not committed: a release is of a commit")
    engine = next((name for name in _ENGINES if shutil.which(name)), "")
    if not engine:
        found.append(
            f"none of {', '.join(_ENGINES)} is on PATH, and the image is part of a release"
        )
    if shutil.which("helm") is None:
        found.append("helm is not on PATH, and the chart is part of a release")
    if found:
        raise ReleaseError("; ".join(found))
    directory = into / version
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    name = f"hub-responsibility-{version}"
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(directory), ".")
    _run("git", "archive", f"--prefix={name}/", "-o", str(directory / f"{name}.tar.gz"), "HEAD")
    _run("helm", "package", str(CHART), "--destination", str(directory))
    _run(engine, "save", "--output", str(directory / f"{name}-image.tar"), image)
    bill = _said(engine, "run", "--rm", image, "cat", _BILL)
    (directory / f"{name}.sbom.cdx.json").write_text(bill, encoding="utf-8")
    changes = (ROOT / CHANGES).read_text(encoding="utf-8")
    (directory / "NOTES.md").write_text(notes(changes, version) + "\n", encoding="utf-8")
    built = sorted(directory.iterdir())
    (directory / _SUMS).write_text("".join(map(_sum, built)), encoding="utf-8")
    return [*built, directory / _SUMS]


def _sum(path: Path) -> str:
    """Return the line of a file for ``sha256sum --check``."""
    with path.open("rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {path.name}\n"


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - programs of a developer's own


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - see above
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
