"""Undo documents: ConfigMaps in which the operator keeps what it is about to revoke.

One is written before the first deletion. It holds the undo file, which ``apply-plan --undo`` takes,
and in it the plan that was approved, so that after a crash it can be told what that was.
The content is immutable; how far it came is a label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from responsibility.api.base import clip
from responsibility.api.names import (
    MANAGED_BY_LABEL,
    OPERATOR,
    PLAN_LABEL,
    REASON_ANNOTATION,
    RECORD_LABEL,
    RECORD_UID_ANNOTATION,
    REVOCATION_LABEL,
    UNDO_PREFIX,
    WHY_ANNOTATION,
)
from responsibility.cluster.undo import Journal
from responsibility.kube.protocol import Json

if TYPE_CHECKING:
    from responsibility.kube.client import Api

UNDO_KEY: Final = "undo.json"
# An object must fit into the API server's store (1.5 MiB), and a ConfigMap into 1 MiB.
MOST_BYTES: Final = 900_000
# Of those that are finished, the newest are kept.
MOST_KEPT: Final = 50
_LONGEST_WHY = 900
_SELECTOR = {"labelSelector": REVOCATION_LABEL}


class DocumentState(StrEnum):
    """How far one came; ``closed`` is one whose approval has been taken back since."""

    OPEN = "open"
    DONE = "done"
    STOPPED = "stopped"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Document:
    """One such ConfigMap: for which record and plan, how far it came, and why it stopped."""

    name: str
    record: str
    record_uid: str
    digest: str
    state: DocumentState
    undo: str
    reason: str = ""
    why: str = ""
    uid: str = ""
    created: str = ""

    def journal(self) -> Journal:
        """Return the undo file. Raises ValueError."""
        journal = Journal.parse(self.undo, f"ConfigMap {self.name}")
        if journal.digest != self.digest:
            raise ValueError(
                f"ConfigMap {self.name} does not hold the plan that it is labelled with"
            )
        return journal


class UndoTooLargeError(Exception):
    """The plan does not fit into one object."""


def draft(record: str, record_uid: str, journal: Journal) -> Document:
    """Return the document of a plan that is about to be carried out. Raises UndoTooLargeError."""
    undo = journal.text()
    if len(undo.encode()) > MOST_BYTES:
        raise UndoTooLargeError
    # The objects' UIDs are in it: the same plan, approved again later, has another name.
    fingerprint = hashlib.sha256(f"{record_uid}\0{undo}".encode()).hexdigest()[:10]
    name = f"{UNDO_PREFIX}{clip_name(record)}-{journal.digest[:12]}-{fingerprint}"
    return Document(name, record, record_uid, journal.digest, DocumentState.OPEN, undo)


def clip_name(record: str) -> str:
    """Return as much of a record's name as fits into the name of another object."""
    return record[:150].rstrip("-.")


class UndoDocuments:
    """All of them; nobody else writes them, so they are listed once and then known."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.namespace = namespace
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._known: dict[str, Document] | None = None

    def of(self, record_uid: str) -> list[Document]:
        """Return those of a record; what was closed is history."""
        return [
            d
            for d in (self._known or {}).values()
            if d.record_uid == record_uid and d.state is not DocumentState.CLOSED
        ]

    def all(self) -> Iterable[Document]:
        """Return all of them."""
        return tuple((self._known or {}).values())

    @property
    def listed(self) -> bool:
        """Whether it is known what there is."""
        return self._known is not None

    async def list(self) -> None:
        """Find out what there is. Raises ApiError."""
        known: dict[str, Document] = {}
        async for page in self._api.pages(self._path, params=_SELECTOR):
            for raw in page["items"]:
                document = _read(raw)
                if document is not None:
                    known[document.name] = document
        self._known = known

    async def write(self, document: Document) -> Document:
        """Store a new one. Raises ApiError."""
        answer = await self._api.create(self._path, _manifest(document, self.namespace))
        return self._keep(_read(answer) or document)

    async def mark(
        self, document: Document, state: DocumentState, reason: str = "", why: str = ""
    ) -> Document:
        """Say how far it came. Raises ApiError."""
        why = clip(why, _LONGEST_WHY)
        metadata = {
            "uid": document.uid,
            "labels": {REVOCATION_LABEL: state.value},
            "annotations": {REASON_ANNOTATION: reason or None, WHY_ANNOTATION: why or None},
        }
        await self._api.merge(
            f"{self._path}/{document.name}", {"metadata": metadata}, field_manager=OPERATOR
        )
        return self._keep(replace(document, state=state, reason=reason, why=why))

    def forget(self, document: Document) -> None:
        """Take note that somebody has removed it."""
        if self._known is not None:
            self._known.pop(document.name, None)

    async def prune(self) -> None:
        """Remove the oldest of those that are finished. Raises ApiError."""
        finished = [d for d in self.all() if d.state is not DocumentState.OPEN]
        for document in sorted(finished, key=lambda d: (d.created, d.name))[:-MOST_KEPT]:
            await self._api.delete(f"{self._path}/{document.name}", uid=document.uid)
            self.forget(document)

    def _keep(self, document: Document) -> Document:
        self._known = {**(self._known or {}), document.name: document}
        return document


def _manifest(document: Document, namespace: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": document.name,
            "namespace": namespace,
            "labels": {
                MANAGED_BY_LABEL: OPERATOR,
                REVOCATION_LABEL: document.state.value,
                RECORD_UID_ANNOTATION: document.record_uid,
                PLAN_LABEL: document.digest,
            },
            "annotations": {RECORD_LABEL: document.record},
        },
        "immutable": True,
        "data": {UNDO_KEY: document.undo},
    }


def _read(raw: Json) -> Document | None:
    """Return what a ConfigMap says; None if it is none of ours."""
    meta = raw["metadata"]
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    data = raw.get("data") or {}
    try:
        return Document(
            name=meta["name"],
            record=notes.get(RECORD_LABEL, ""),
            record_uid=labels[RECORD_UID_ANNOTATION],
            digest=labels[PLAN_LABEL],
            state=DocumentState(labels[REVOCATION_LABEL]),
            undo=data[UNDO_KEY],
            reason=notes.get(REASON_ANNOTATION, ""),
            why=notes.get(WHY_ANNOTATION, ""),
            uid=meta.get("uid", ""),
            created=meta.get("creationTimestamp", ""),
        )
    except (KeyError, ValueError):
        return None
