"""The labels by which the bindings that the operator grants by are known: for whom and for what."""

from __future__ import annotations

import hashlib

from responsibility.api.base import GROUP

# How the names of these bindings begin.
GRANT = "responsibility-grant-"
# The record, or for what the cluster has only one of, the model that a grant follows from.
RECORD = f"{GROUP}/record"
MODEL = f"{GROUP}/model"
ITEM = f"{GROUP}/item"
PARTY = f"{GROUP}/party"

# A label's value is no longer; names of records may be.
_LONGEST = 63
_DIGITS = 10


def label_value(name: str) -> str:
    """Return the name of a record or model as a label's value; long ones end in a digest."""
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST - _DIGITS - 1].rstrip('-.')}-{digest}"
