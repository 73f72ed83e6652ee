"""Objects of a release as they are in the cluster, each got by its name.

Which names there are a manifest says, and whoever may write Secrets in a hub's namespace writes
manifests. So nothing outside of that namespace is asked about but what is in none, and names go
into a path only if they can be such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from responsibility import api_groups
from responsibility.hub.release.changes import ObjectName, ReleaseUnread
from responsibility.kube import errors
from responsibility.kube.client import Api

Json = dict[str, Any]

_API_VERSION: Final = re.compile(r"(?:[a-z0-9][a-z0-9.-]{0,251}/)?v[0-9][a-z0-9]{0,30}")
_KIND: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}")
_SCALERS: Final = f"/apis/{api_groups.AUTOSCALING}/v2/namespaces/{{}}/horizontalpodautoscalers"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An object that is none of the hub's namespace, or has no name: it is not looked at."""


class ReleaseObjects:
    """Objects of releases, read from an API server that says once which kinds it has."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kinds: dict[str, Mapping[str, tuple[str, bool]]] = {}

    def forget_kinds(self) -> None:
        """Ask for the kinds anew when they are needed next."""
        self._kinds.clear()

    async def find(
        self, wanted: Json, namespace: str
    ) -> tuple[ObjectName, Json | ReleaseUnread | None] | Elsewhere:
        """Return an object's name and how it is: itself, None where it isn't there, or why not.

        Raises ApiError where the API server has no answer now.
        """
        version, kind = str(wanted.get("apiVersion") or ""), str(wanted.get("kind") or "")
        metadata = wanted.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name = str(metadata.get("name") or "")
        if not (
            _API_VERSION.fullmatch(version) and _KIND.fullmatch(kind) and _NAME.fullmatch(name)
        ):
            return Elsewhere()
        group = version.rpartition("/")[0]
        served = (await self._served(version)).get(kind)
        if served is None:
            return ObjectName(kind, name, group=group), ReleaseUnread.NOT_SERVED
        resource, namespaced = served
        if namespaced and metadata.get("namespace") not in (None, "", namespace):
            return Elsewhere()
        about = ObjectName(kind, name, namespace if namespaced else "", group, resource)
        place = f"/namespaces/{namespace}" if namespaced else ""
        path = f"{_root(version)}{place}/{resource}/{quote(name, safe='')}"
        try:
            return about, await self._api.get_object(path)
        except errors.NotFoundError:
            return about, None
        except errors.ForbiddenError:
            return about, ReleaseUnread.FORBIDDEN

    async def scaled(self, namespace: str) -> frozenset[tuple[str, str]]:
        """Return kind and name of what autoscalers scale; none where that can't be read."""
        found = set()
        try:
            async for page in self._api.pages(_SCALERS.format(namespace)):
                for item in page.get("items") or ():
                    target = (item.get("spec") or {}).get("scaleTargetRef") or {}
                    found.add((str(target.get("kind") or ""), str(target.get("name") or "")))
        except (errors.ForbiddenError, errors.NotFoundError):
            return frozenset()
        return frozenset(found)

    async def _served(self, version: str) -> Mapping[str, tuple[str, bool]]:
        """Return the kinds of a version of a group: their resources, and whether namespaced."""
        known = self._kinds.get(version)
        if known is None:
            try:
                answer = await self._api.get(_root(version))
            except errors.NotFoundError:
                answer = {}
            known = self._kinds[version] = {
                str(each.get("kind")): (str(each.get("name")), bool(each.get("namespaced")))
                for each in answer.get("resources") or ()
                if "/" not in str(each.get("name"))
            }
        return known


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
