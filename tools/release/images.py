"""The images that a release has: those of ``image/images.txt``.

That table is text, so that make, the build script and the workflows read the same one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.release.checks import ReleaseError

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = Path("image/images.txt")


@dataclass(frozen=True, slots=True)
class Image:
    """An image: what is in it, as ``make image CONTENTS=`` takes it, its name and its lock."""

    contents: str
    name: str
    lock: Path

    def reference(self, registry: str, version: str) -> str:
        """Return how an engine knows it: as ``make image`` tags it."""
        prefix = f"{registry.rstrip('/')}/" if registry else ""
        return f"{prefix}{self.name}:{version}"

    def archive(self, version: str) -> str:
        """Return the name of the file with the image."""
        return f"{self.name}-{version}-image.tar"

    def bill(self, version: str) -> str:
        """Return the name of the file with its bill of materials."""
        return f"{self.name}-{version}.sbom.cdx.json"


def placed(values: str, images: Sequence[Image], registry: str) -> str:
    """Return a chart's values, as text, with its images at a registry; with none, as they are.

    Comments and order stay as they are. Raises ReleaseError for an image that isn't named once.
    """
    for image in images if registry else ():
        line = re.compile(rf"^( +repository: ){re.escape(image.name)}$", re.MULTILINE)
        values, found = line.subn(rf"\g<1>{registry.rstrip('/')}/{image.name}", values)
        if found != 1:
            raise ReleaseError(f"the chart's values name the image {image.name} {found} times")
    return values


def read(root: Path) -> tuple[Image, ...]:
    """Return the images of a checkout, the operator's first."""
    lines = (root / TABLE).read_text(encoding="utf-8").splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(
        Image(contents, name, Path("image", f"{lock}.lock")) for contents, name, lock in rows
    )


IMAGES: Final = read(ROOT)
