"""Sizes that are set today, as drafts of what is agreed."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from responsibility.api.parse import load_shipped_model
from responsibility.cli.drafting import settings
from responsibility.hub.discovery import Hub, HubKey
from responsibility.hub.values.agreed import AgreedValue, Unread, UnreadValues
from responsibility.ownership.terms.resolve import resolve_model
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import refusal
from tests.apiserver.server import ApiServer
from tests.unit.hub.values.values import secret

LIMIT = "singleuser.memory.limit"
PROFILES = "singleuser.profileList[*].kubespawner_override.mem_limit"
ITEMS = resolve_model(load_shipped_model()).items
HUB = Hub(HubKey("prod", "prod"), prefix="", chart="", deployments=())


def holding(held: dict[str, Any] | web.Response) -> InProcessApi:
    server = ApiServer()
    server.answers["/api/v1/namespaces/prod/secrets/hub"] = lambda _: held
    return InProcessApi(server)


def profile(limit: str) -> dict[str, Any]:
    return {"display_name": limit, "kubespawner_override": {"mem_limit": limit}}


async def test_sizes_stand_under_the_item_that_they_belong_to() -> None:
    held = secret(
        {
            "singleuser": {
                "memory": {"limit": "2G", "guarantee": None},
                "profileList": [profile("4G"), profile("16G"), profile("8G")],
                "extraEnv": {"PASSWORD": "canary"},
            },
            "hub": {"resources": {"limits": {"memory": "1Gi"}}},
        }
    )
    found = settings.by_item((await settings.read(holding(held), [HUB]))[HUB.key], ITEMS)
    [(item, agreed)] = found.items()
    assert item == next(i.name for i in ITEMS if "singleuser.memory" in i.values_paths)
    assert agreed == [AgreedValue(LIMIT, "2G"), AgreedValue(PROFILES, maximum="16G")]


@pytest.mark.parametrize(
    ("held", "why"),
    [(refusal(403, "Forbidden"), Unread.FORBIDDEN), (refusal(404, "NotFound"), Unread.NO_SECRET)],
)
async def test_what_may_not_be_read_is_said(held: web.Response, why: Unread) -> None:
    found = (await settings.read(holding(held), [HUB]))[HUB.key]
    assert found == UnreadValues(why)
    assert settings.by_item(found, ITEMS) == {}


def _laid_over(over: dict[str, Any] | web.Response) -> InProcessApi:
    held = {"hub": {"existingSecret": "own"}, "singleuser": {"memory": {"limit": "2G"}}}
    server = ApiServer()
    server.answers["/api/v1/namespaces/prod/secrets/hub"] = lambda _: secret(held)
    server.answers["/api/v1/namespaces/prod/secrets/own"] = lambda _: over
    return InProcessApi(server)


async def test_what_the_hub_reads_over_its_values_is_what_is_set() -> None:
    api = _laid_over(secret({"singleuser": {"memory": {"limit": "4G"}}}))
    found = settings.by_item((await settings.read(api, [HUB]))[HUB.key], ITEMS)
    assert list(found.values()) == [[AgreedValue(LIMIT, "4G")]]


@pytest.mark.parametrize(
    ("over", "why"),
    [
        (refusal(403, "Forbidden"), Unread.EXISTING_FORBIDDEN),
        (refusal(404, "NotFound"), Unread.NO_SECRET),
    ],
)
async def test_without_what_is_laid_over_them_values_are_not_known(
    over: web.Response, why: Unread
) -> None:
    found = (await settings.read(_laid_over(over), [HUB]))[HUB.key]
    assert found == UnreadValues(why)
