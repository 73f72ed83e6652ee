"""The plugin of kubectl as one archive a platform, with every library that it needs but Python.

Compiled libraries are there for each Python that is supported; the wheels are those that the image
is made of, by the same hashes. One machine packs all platforms: wheels are files, and nothing of
them is run. A Python of its own is left out: it would be 30 MB more and one more thing to keep free
of vulnerabilities, and where there is kubectl, on Linux or macOS, a package manager has one.

krew wants an archive with a program and a licence in it, see its guide for developers, "Writing
Krew plugin manifests". Files keep neither dates nor owners: the same commit gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from responsibility.api.names import PLUGIN
from tools.release.plugin_launcher import SUPPORTED

PROJECT = Path("pyproject.toml")
LICENCE = Path("LICENSE")
LOCK = Path("image/requirements.lock")
LAUNCHER = Path(__file__).with_name("plugin_launcher.py")
COMMON: Final = "common"
# The Kubernetes client's classes for each API group: most of its size, and never imported; the
# image leaves the same ones out (image/build.sh).
UNUSED: Final = ("kubernetes/client/api/", "kubernetes/aio/client/api/")


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as krew names it, and the tags of wheels that run there."""

    os: str
    arch: str
    tags: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return ``linux_amd64``."""
        return f"{self.os}_{self.arch}"


def _linux(machine: str) -> tuple[str, ...]:
    """Return tags for glibc 2.28 and newer: Debian 10, RHEL 8."""
    return (f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}", f"manylinux2014_{machine}")


PLATFORMS: Final = (
    Platform("linux", "amd64", _linux("x86_64")),
    Platform("linux", "arm64", _linux("aarch64")),
    Platform("darwin", "amd64", ("macosx_11_0_x86_64", "macosx_11_0_universal2")),
    Platform("darwin", "arm64", ("macosx_11_0_arm64", "macosx_11_0_universal2")),
)


class WheelError(Exception):
    """A wheel that can't be laid out by unpacking it."""


def download(root: Path, platform: Platform, into: Path) -> None:
    """Fetch the locked wheels of a platform, for every Python. Raises CalledProcessError."""
    for major, minor in SUPPORTED:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *("--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"),
            *(f"--python-version={major}.{minor}", f"--dest={into}", f"--requirement={LOCK}"),
            *(f"--platform={tag}" for tag in platform.tags),
        ]
        subprocess.run(command, cwd=root, check=True)  # noqa: S603 - a developer's own program


def folder_of(wheel: str) -> str:
    """Return where a wheel belongs by its name: that of all Pythons, or of one, such as cp313.

    Source: the specification of binary distributions: ``name-version(-build)-python-abi-platform``.
    """
    python, abi, _ = wheel.removesuffix(".whl").rsplit("-", 3)[1:]
    return COMMON if abi in ("none", "abi3") else python.partition(".")[0]


def contents(root: Path, wheels: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of the archive. Raises WheelError."""
    yield PLUGIN, LAUNCHER.read_bytes()
    yield LICENCE.name, (root / LICENCE).read_bytes()
    for wheel in wheels:
        folder = folder_of(wheel.name)
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                # Programs that come along are nobody's here.
                if name.endswith("/") or name.startswith(UNUSED) or ".data/scripts/" in name:
                    continue
                if ".data/" in name:
                    raise WheelError(f"{wheel.name} has {name}, which only pip puts where it goes")
                yield f"lib/{folder}/{name}", opened.read(name)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a .tar.gz of files, of which the plugin is executable; the same ones as the same."""
    raw = io.BytesIO()
    # No name and no time in the header of gzip.
    with (
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            entry.mode = 0o755 if name == PLUGIN else 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return raw.getvalue()


def archive_name(version: str, platform: Platform) -> str:
    """Return the name of a platform's archive."""
    return f"{PLUGIN}_v{version}_{platform.name}.tar.gz"
