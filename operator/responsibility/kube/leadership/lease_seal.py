"""The seal of a Lease: what tells a Lease as a candidate has written it from any other.

It is a digest of the Lease's UID and spec in an annotation. It keeps accidents apart from what
candidates do – an edit, a restored backup, a Lease made by hand – and is no defence against a
thief, who has all that they have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from responsibility.kube.client import Json

# By what an annotation says which writing of the Lease was a candidate's.
_SEAL: Final = "leader-election/seal"
# And which one claims it.
_CLAIM: Final = "leader-election/claimed-by"


def sealed(lease: Json | None) -> bool:
    """Return whether a Lease is as a candidate has written it, and nobody else since."""
    return lease is not None and _annotations(lease).get(_SEAL) == _seal(lease)


def with_seal(lease: Json) -> Json:
    """Return a Lease that says that a candidate has written it, as it is."""
    return _marked(lease, {_SEAL: _seal(lease)})


def claimed(lease: Json, by: str) -> Json:
    """Return a Lease without a seal, which names who claims it, if anybody does."""
    return _marked(lease, {_CLAIM: by} if by else {})


def _marked(lease: Json, marks: Mapping[str, str]) -> Json:
    """Return a Lease with these of our marks, and no others."""
    there = _annotations(lease).items()
    kept = {key: value for key, value in there if key not in (_SEAL, _CLAIM)}
    metadata = {**(lease.get("metadata") or {}), "annotations": {**kept, **marks}}
    return {**lease, "metadata": metadata}


def _seal(lease: Json) -> str:
    text = json.dumps([_uid(lease), spec_of(lease)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def written(lease: Json | None) -> object:
    """Return what somebody has to have written, where it is another."""
    return _uid(lease), spec_of(lease), sealed(lease), claimed_by(lease)


def claimed_by(lease: Json | None) -> object:
    """Return who claims a Lease, if anybody does."""
    return _annotations(lease).get(_CLAIM)


def _annotations(lease: Json | None) -> Json:
    return ((lease or {}).get("metadata") or {}).get("annotations") or {}


def _uid(lease: Json | None) -> object:
    return ((lease or {}).get("metadata") or {}).get("uid")


def spec_of(lease: Json | None) -> Json:
    """Return the ``spec`` of a Lease, empty where there is none."""
    spec = (lease or {}).get("spec")
    return spec if isinstance(spec, dict) else {}
