"""End of leftovers, as a person: only of what was looked at, if it still is that very object.

Bindings of policies go first, since a policy may guard what comes after it. Of an object that is
somebody else's, such as a Namespace, the keys of ours that were shown are removed, and nothing
else. What was there is returned beforehand as manifests, so that one command puts it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from responsibility.admission.policies.cluster_policies import TABLES, empty_tables
from responsibility.api.names import PLUGIN
from responsibility.cluster.leftovers import Leftover, LeftoverKind
from responsibility.kube.errors import ApiError, ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from responsibility.kube.client import Api

Json = dict[str, Any]

_PARTS = frozenset({LeftoverKind.STAGE, LeftoverKind.KEYS, LeftoverKind.ANNOTATION})
_KEPT = frozenset({"name", "namespace", "labels", "annotations"})


class EndStoppedError(Exception):
    """An ending was not carried out, or not all of it; the message says what stopped it."""


@dataclass(frozen=True, slots=True)
class LeftoverEnd:
    """One leftover as it was found: its object, of which the UID and version are a condition."""

    leftover: Leftover
    live: Json

    @property
    def outcome(self) -> str:
        """What is done, for a person."""
        leftover = self.leftover
        if leftover.kind is LeftoverKind.TABLE:
            return f"empty the tables of {leftover.object}"
        if leftover.kind in _PARTS:
            return f"remove from {leftover.object}: {', '.join(leftover.keys)}"
        return f"delete {leftover.object}"

    def manifest(self) -> Json:
        """Return what is taken away, as server-side apply puts it back."""
        metadata, keys = self.live["metadata"], set(self.leftover.keys)
        kept = {k: v for k, v in metadata.items() if k in _KEPT}
        if self.leftover.kind in _PARTS:
            for field in ("labels", "annotations"):
                found = {k: v for k, v in (kept.pop(field, None) or {}).items() if k in keys}
                kept |= {field: found} if found else {}
            return {**_type(self.live), "metadata": kept}
        if owners := metadata.get("ownerReferences"):
            kept["ownerReferences"] = owners
        body = {k: v for k, v in self.live.items() if k not in ("metadata", "status")}
        return {**body, "metadata": kept}


async def prepare(api: Api, found: Iterable[Leftover]) -> list[LeftoverEnd]:
    """Return what there is to do, with the objects as they are. Raises EndStoppedError, ApiError.

    What is gone meanwhile is left out.
    """
    endings = []
    for leftover in found:
        try:
            live = await api.get_object(leftover.path)
        except NotFoundError:
            continue
        metadata = live["metadata"]
        there = {*(metadata.get("labels") or {}), *(metadata.get("annotations") or {})}
        if not set(leftover.keys) <= there:
            raise EndStoppedError(f"{leftover.object} was changed meanwhile: look again")
        endings.append(LeftoverEnd(leftover, live))
    return endings


def manifests(endings: Iterable[LeftoverEnd]) -> Json:
    """Return a list that puts everything back: ``kubectl apply --server-side -f``."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [ending.manifest() for ending in reversed([*endings])],
    }


async def carry_out(
    api: Api, endings: Sequence[LeftoverEnd], tell: Callable[[str], None], *, dry_run: bool = False
) -> None:
    """Do it in order, telling of each. Raises EndStoppedError."""
    for ending in endings:
        try:
            await _end(api, ending, dry_run=dry_run)
        except NotFoundError:
            tell(f"was gone: {ending.leftover.object}")
        except ForbiddenError as error:
            raise EndStoppedError(
                f"{ending.outcome}: you may not: {error.message or error}"
            ) from None
        except ApiError as error:
            raise EndStoppedError(f"{ending.outcome}: {error.message or error}") from None
        else:
            tell(f"{'would be done' if dry_run else 'done'}: {ending.outcome}")


async def _end(api: Api, ending: LeftoverEnd, *, dry_run: bool) -> None:
    leftover, metadata = ending.leftover, ending.live["metadata"]
    same = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    if leftover.kind is LeftoverKind.TABLE:
        empty = empty_tables()
        variables = [
            {**v, "expression": empty[v["name"]]} if v["name"] in TABLES else v
            for v in ending.live["spec"]["variables"]
        ]
        body: Json = {"metadata": same, "spec": {"variables": variables}}
    elif leftover.kind in _PARTS:
        removed = {
            field: dict.fromkeys(gone)
            for field in ("labels", "annotations")
            if (gone := [k for k in leftover.keys if k in (metadata.get(field) or {})])
        }
        # Others may write the rest of it all the time.
        body = {"metadata": {"uid": metadata["uid"], **removed}}
    else:
        await api.delete(
            leftover.path,
            uid=same["uid"],
            resource_version=same["resourceVersion"],
            dry_run=dry_run,
        )
        return
    await api.merge(leftover.path, body, field_manager=PLUGIN, dry_run=dry_run)


def _type(live: Json) -> Json:
    return {"apiVersion": live["apiVersion"], "kind": live["kind"]}
