"""``python -m tools.release``: build all parts of a release, in order."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml

from tools.release import krew_manifest, plugin_archive
from tools.release.checks import CHANGES, ReleaseError, notes, problems
from tools.release.images import IMAGES, Image, placed
from tools.release.plugin_archive import PLATFORMS, PROJECT, Platform, WheelError
from tools.release.provenance import Build, sha256, statement

ROOT = Path(__file__).parents[2]
CHART = Path("helm/hub-responsibility")
SUMS = "SHA256SUMS"
PROVENANCE = "provenance.intoto.json"
_BILL = "/opt/hub-responsibility/share/sbom.cdx.json"
_ENGINES = ("docker", "podman")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a release; return 1, and say why, where it can't be."""
    parser = argparse.ArgumentParser(prog="tools.release", description="Build a release.")
    parser.add_argument("version")
    parser.add_argument("--registry", default="", help="where the images' names begin")
    parser.add_argument("--without-images", action="store_true", help="all but the images")
    parser.add_argument("--into", type=Path, default=Path("dist"))
    parser.add_argument("--check", action="store_true", help="only say what is missing")
    parser.add_argument("--builder", help="who builds, as a URI in the provenance")
    options = parser.parse_args(arguments)
    started = datetime.now(UTC)
    try:
        images = () if options.without_images else IMAGES
        _check(options.version, engine=bool(images))
        if options.check:
            return 0
        directory = options.into / options.version
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _build(options.version, directory, options.registry)
        for image in images:
            save(image, options.registry, options.version, directory)
        _describe(options.version, directory, options.builder, started)
    except (ReleaseError, WheelError, subprocess.CalledProcessError, FileNotFoundError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for path in sorted(directory.iterdir()):
        sys.stdout.write(f"{path.stat().st_size / 1e6:8.1f} MB  {path}\n")
    return 0


def homepage() -> str:
    """Return the address of the project."""
    project = tomllib.loads((ROOT / PROJECT).read_text(encoding="utf-8"))["project"]
    found: str = project["urls"]["Homepage"]
    return found


def _check(version: str, *, engine: bool) -> None:
    found = list(problems(ROOT, version))
    if _output("git", "status", "--porcelain"):
        found.append("there are changes that are not committed: a release is of a commit")
    if engine and not _engine():
        found.append(
            f"none of {', '.join(_ENGINES)} is on PATH, and the images are part of a release"
        )
    if shutil.which("helm") is None:
        found.append("helm is not on PATH, and the chart is part of a release")
    if found:
        raise ReleaseError("; ".join(found))


def _build(version: str, directory: Path, registry: str) -> None:
    """Build what is given to people, but the images."""
    name = f"hub-responsibility-{version}"
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(directory), ".")
    _run("git", "archive", f"--prefix={name}/", "-o", str(directory / f"{name}.tar.gz"), "HEAD")
    with tempfile.TemporaryDirectory() as made:
        chart = chart_for(ROOT / CHART, registry, Path(made))
        _run("helm", "package", str(chart), "--destination", str(directory))
    (wheel,) = directory.glob("*.whl")
    plugins = build_plugins(version, wheel, directory, PLATFORMS)
    text = yaml.safe_dump(krew_manifest.manifest(version, homepage(), plugins), sort_keys=False)
    (directory / krew_manifest.FILE).write_text(text, encoding="utf-8")


def chart_for(chart: Path, registry: str, directory: Path) -> Path:
    """Copy a chart into a directory, with its images where a release has them; return the copy."""
    copy = directory / chart.name
    shutil.copytree(chart, copy)
    values = copy / "values.yaml"
    text = values.read_text(encoding="utf-8")
    values.write_text(placed(text, IMAGES, registry), encoding="utf-8")
    return copy


def save(image: Image, registry: str, version: str, directory: Path) -> None:
    """Write an image that was built, and its bill of materials. Raises CalledProcessError."""
    engine, reference = _engine(), image.reference(registry, version)
    _run(engine, "save", "--output", str(directory / image.archive(version)), reference)
    bill = _output(engine, "run", "--rm", reference, "cat", _BILL)
    (directory / image.bill(version)).write_text(bill, encoding="utf-8")


def build_plugins(
    version: str, wheel: Path, directory: Path, platforms: Sequence[Platform]
) -> dict[Platform, tuple[str, bytes]]:
    """Write the plugin's archive for each platform; return their names and what is in them."""
    built = {}
    for platform in platforms:
        with tempfile.TemporaryDirectory() as fetched:
            plugin_archive.download(ROOT, platform, Path(fetched))
            wheels = [wheel, *sorted(Path(fetched).glob("*.whl"))]
            packed = plugin_archive.pack(dict(plugin_archive.contents(ROOT, wheels)))
        name = plugin_archive.archive_name(version, platform)
        (directory / name).write_bytes(packed)
        built[platform] = (name, packed)
    return built


def _describe(version: str, directory: Path, builder: str | None, started: datetime) -> None:
    """Write what is said about it: notes, provenance, checksums of all."""
    built = sorted(directory.iterdir())
    changes = (ROOT / CHANGES).read_text(encoding="utf-8")
    (directory / "NOTES.md").write_text(notes(changes, version) + "\n", encoding="utf-8")
    commit = _output("git", "rev-parse", "HEAD").strip()
    address = homepage()
    build = Build(
        version=version,
        homepage=address,
        commit=commit,
        builder=builder or f"{address}/blob/v{version}/docs/release.md#by-hand",
        started=started,
        finished=datetime.now(UTC),
    )
    text = json.dumps(statement(ROOT, build, built), indent=2) + "\n"
    (directory / PROVENANCE).write_text(text, encoding="utf-8")
    lines = (f"{sha256(path)}  {path.name}\n" for path in sorted(directory.iterdir()))
    (directory / SUMS).write_text("".join(lines), encoding="utf-8")


def _engine() -> str:
    return next((name for name in _ENGINES if shutil.which(name)), "")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - programs of a developer's own


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - see above
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
