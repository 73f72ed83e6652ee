"""Sizes that hubs give to sessions today, drafted as what is agreed on.

They are read where the hub's chart keeps its values, in a Secret, with the rights of whoever asks.
Nothing but these settings is taken out of it. Where ``hub.existingSecret`` names another Secret,
the hub reads that one over it, and so does this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from responsibility.hub.discovery import Hub, HubKey
from responsibility.hub.values.agreed import AgreedValue, HubValues, Setting, Unread, UnreadValues
from responsibility.hub.values.paths import most_precise
from responsibility.hub.values.quantities import quantity
from responsibility.hub.values.readable import SIZES
from responsibility.hub.values.secret import SECRET, existing_secret, values_at
from responsibility.kube.errors import ForbiddenError, NotFoundError
from responsibility.kube.protocol import Client
from responsibility.ownership.terms.agreement import ItemTerms
from responsibility.ownership.terms.permission_index import Names

# Those of sessions: what the hub's own pods need is nobody's agreement.
PATHS = tuple(path for path in SIZES if path.startswith("singleuser."))


async def read(client: Client, hubs: Iterable[Hub]) -> dict[HubKey, HubValues]:
    """Return what is set on each hub. Raises ApiError where the cluster doesn't answer."""
    return {hub.key: await _read(client, hub) for hub in hubs}


async def _read(client: Client, hub: Hub) -> HubValues:
    key = hub.key
    name = Names(key.namespace, key.release, hub.prefix).fill(SECRET)
    try:
        secret = await client.get(f"/api/v1/namespaces/{key.namespace}/secrets/{name}")
    except ForbiddenError:
        return UnreadValues(Unread.FORBIDDEN)
    except NotFoundError:
        return UnreadValues(Unread.NO_SECRET)
    over = existing_secret(secret)
    if not over:
        return values_at(secret, PATHS)
    try:
        existing = await client.get(f"/api/v1/namespaces/{key.namespace}/secrets/{over}")
    except ForbiddenError:
        return UnreadValues(Unread.EXISTING_FORBIDDEN)
    except NotFoundError:
        return UnreadValues(Unread.NO_SECRET)
    return values_at(secret, PATHS, existing)


def by_item(values: HubValues, items: Sequence[ItemTerms]) -> dict[str, list[AgreedValue]]:
    """Return what could be agreed on, by the item that it belongs to; no one's settings are out."""
    found: dict[str, list[AgreedValue]] = {}
    if isinstance(values, UnreadValues):
        return found
    patterns = {item.name: item.values_paths for item in items}
    for agreed in _agreed(values):
        owners = most_precise(agreed.path, patterns)
        owner = next((item.name for item in items if item.name in owners), None)
        if owner is not None:
            found.setdefault(owner, []).append(agreed)
    return found


def _agreed(values: Mapping[str, tuple[Setting, ...]]) -> Iterator[AgreedValue]:
    for path, settings in values.items():
        sizes = [(size, s.text) for s in settings if (size := _size(s)) is not None]
        if not sizes:
            continue
        if "*" in path:
            # Of many places, the most that one of them gives.
            yield AgreedValue(path, maximum=max(sizes)[1])
        else:
            yield AgreedValue(path, sizes[0][1])


def _size(setting: Setting) -> Decimal | None:
    return quantity(setting.text, binary=True) if setting.plain else None
