"""Helm's memory of a release: which revision counts, what it deployed, and what is refused."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from demo.release import helm_release_secret, release
from responsibility.hub.release import storage
from responsibility.hub.release.changes import ReleaseUnread
from responsibility.hub.release.storage import objects, revisions


def held(data: bytes) -> dict[str, Any]:
    """Return a Secret of a release with this inside its two base64s."""
    text = base64.b64encode(base64.b64encode(data)).decode()
    return {"data": {"release": text}}


def of_manifest(manifest: str) -> dict[str, Any]:
    return held(gzip.compress(json.dumps({"manifest": manifest}).encode()))


def test_a_release_is_read_as_helm_wrote_it_hooks_left_out() -> None:
    # Without what is in it several times being one thing: no template of Helm's has that.
    deployed = json.loads(json.dumps(release("prod", "prod")))
    assert objects(helm_release_secret("prod", "prod", deployed)) == deployed


def test_one_that_is_not_compressed_is_read_as_well() -> None:
    assert objects(held(json.dumps({"manifest": "kind: A\n"}).encode())) == [{"kind": "A"}]


def test_documents_lists_and_odd_values_are_taken_as_json_has_them() -> None:
    text = (
        "---\n# Source: a\nkind: A\nspec: {2: 2024-01-01, true: 0644, b: ~}\n---\n---\n"
        "kind: List\nitems: [{kind: B}, {kind: C}]\n"
    )
    assert objects(of_manifest(text)) == [
        {"kind": "A", "spec": {"2": "2024-01-01", "true": 420, "b": None}},
        {"kind": "B"},
        {"kind": "C"},
    ]


@pytest.mark.parametrize(
    "secret",
    [
        {},
        {"data": None},
        {"data": {"release": "%"}},
        held(b"%"),
        held(b"\x1f\x8b\x08nothing"),
        held(gzip.compress(b'{"manifest": ')),
        held(gzip.compress(b"[]")),
        held(gzip.compress(b'{"manifest": 1}')),
        held(gzip.compress(b'{"manifest": "kind: A"}')[:-9]),
        held(gzip.compress(b"[" * 200_000)),
        of_manifest("a: [1"),
        of_manifest("a: &x 1\nb: *x\n"),
        of_manifest("a: !!python/object:x {}"),
        of_manifest("[" * 200),
        of_manifest("---\nkind: A\n" * 600),
    ],
)
def test_what_is_no_release_is_none_and_nobody_ends(secret: dict[str, Any]) -> None:
    assert objects(secret) is ReleaseUnread.UNREADABLE


def test_what_unpacks_to_too_much_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = packer.compress(b" " * (storage._LARGEST + 1)) + packer.flush()
    assert len(bomb) < 100_000
    assert objects(held(bomb)) is ReleaseUnread.UNREADABLE


def metadata(number: object, status: str, **more: Any) -> dict[str, Any]:
    labels = {"owner": "helm", "name": "prod", "version": number, "status": status}
    return {"metadata": {"name": f"sh.helm.release.v1.prod.v{number}", "labels": labels, **more}}


def test_revisions_are_in_order_of_their_numbers_and_know_when_they_were_written() -> None:
    managed = [{"manager": "Helm", "time": "2026-03-01T10:00:00Z"}, {"time": None}, "x"]
    found = revisions(
        [
            metadata("9", "superseded"),
            metadata("10", "deployed", managedFields=managed, creationTimestamp="2026-01-01"),
            metadata("11", "pending-upgrade", creationTimestamp="2026-03-01T11:00:00Z"),
            metadata("x", "deployed"),
            metadata(None, "deployed"),
            {"metadata": {"labels": None}},
            {"metadata": 1},
            {},
            {"metadata": {**metadata("12", "deployed")["metadata"], "name": "other"}},
        ],
        "prod",
    )
    assert [(r.number, r.status, r.pending) for r in found] == [
        (11, "pending-upgrade", True),
        (10, "deployed", False),
        (9, "superseded", False),
    ]
    assert [r.written_at for r in found[:2]] == ["2026-03-01T11:00:00Z", "2026-03-01T10:00:00Z"]


@pytest.mark.parametrize(
    ("numbers", "at"),
    [
        ({}, None),
        ({1: "pending-install"}, 1),
        ({1: "deployed", 2: "pending-upgrade"}, 2),
        # After one that has failed, the next is the next.
        ({1: "deployed", 2: "failed", 3: "pending-rollback"}, 3),
        ({1: "deployed", 2: "failed", 999_999_999: "pending-upgrade"}, None),
        ({1: "pending-upgrade", 2: "deployed"}, None),
        # One that is made up doesn't hide that Helm is at it, nor that it isn't.
        ({1: "deployed", 2: "pending-upgrade", 7: "pending-upgrade"}, 2),
        ({1: "deployed", 3: "pending-upgrade"}, None),
    ],
)
def test_helm_is_at_the_revision_that_comes_next(numbers: dict[int, str], at: int | None) -> None:
    found = revisions([metadata(str(n), status) for n, status in numbers.items()], "prod")
    in_work = storage.in_work(found)
    assert (in_work and in_work.number) == at
