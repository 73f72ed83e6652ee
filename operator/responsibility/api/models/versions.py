"""Shipped models, each by the version of the chart that brings it.

What a chart has shipped once has to be known later, or nobody can tell what an organisation has
changed itself from what a newer chart ships otherwise. A model therefore says which shipped one it
was made from, in an annotation of two words: ``1.2.3@sha256:…``, version and digest of the file.
The texts are in this package, a file a version (``models/shipped``). The model as a whole in an
annotation, as ``kubectl apply`` does it, would be 25 KB in every file of everybody; Helm's own
memory is in Secrets, which nobody should have to read for that, and Argo CD keeps none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

import yaml

from responsibility.api.record import DEFAULT_MODEL

# By hand the version alone will do.
_REFERENCE: Final = re.compile(
    r"(?P<version>[0-9A-Za-z.-]{1,64})(@sha256:(?P<digest>[0-9a-f]{64}))?"
)
_SUFFIX: Final = ".yaml"


@dataclass(frozen=True)
class ShippedModel:
    """One model as a chart shipped it: its version, empty between two releases, and its text."""

    version: str
    text: str

    @cached_property
    def digest(self) -> str:
        """Return the digest of the text, as the chart works it out (``sha256sum``)."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def reference(self) -> str:
        """Return what the annotation says of a model that was made from this one."""
        return f"{self.version}@sha256:{self.digest}"

    def manifest(self) -> dict[str, Any]:
        """Return it as the manifest that people apply."""
        manifest: dict[str, Any] = yaml.safe_load(self.text)
        return manifest


def shipped_models() -> Iterator[ShippedModel]:
    """Yield the models of all versions that this package knows, itself included."""
    for path in _folder().joinpath("shipped").iterdir():
        if path.name.endswith(_SUFFIX):
            yield ShippedModel(path.name.removesuffix(_SUFFIX), path.read_text(encoding="utf-8"))


def current_shipped_model() -> ShippedModel:
    """Return the model that a chart of this package's version ships."""
    text = _folder().joinpath(f"{DEFAULT_MODEL}{_SUFFIX}").read_text(encoding="utf-8")
    return next((m for m in shipped_models() if m.text == text), ShippedModel("", text))


def find_shipped_model(reference: str) -> ShippedModel | None:
    """Return the model that an annotation speaks of; None for one that isn't known here.

    A known version of another digest is not that version: charts of checkouts between two releases
    have the version of the one before them.
    """
    said = _REFERENCE.fullmatch(reference)
    if said is None:
        return None
    found = next((m for m in shipped_models() if m.version == said["version"]), None)
    return found if found is not None and said["digest"] in (None, found.digest) else None


def _folder() -> Traversable:
    return resources.files("responsibility.api").joinpath("models")
