"""A real JupyterHub, asked as the operator asks: hundreds of users, groups, roles and tokens."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from responsibility.controller.hub_admins.answers_over_http import HubAnswers, Memory, UnseenError
from responsibility.controller.hub_admins.asking import open_session
from responsibility.controller.hub_admins.tokens import Token
from responsibility.hub.admins.administrators import Administrators, Unseen, Way
from responsibility.ownership.results.admin_wording import ending_command
from tests.unit.controller.hub_admins.real_hub import RealHub, real_hub

_USERS = 300
_GROUPS = 205
_ROLES = 100
_TOKENS = 30


@pytest.fixture(scope="module", name="hub")
async def _hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealHub]:
    """Run one below a base URL, as some hubs are, with much that is of no interest in it."""
    roles = [
        {"name": "boss", "scopes": ["admin:users"], "groups": ["leads"]},
        {"name": "tutor", "scopes": ["access:servers!group=class"], "users": ["tutor"]},
        {"name": "spy", "scopes": ["access:servers!group=leads"], "users": ["spy"]},
        *({"name": f"role{n}", "scopes": ["read:users"]} for n in range(_ROLES)),
    ]
    groups = {
        "leads": {"users": ["lead"]},
        "class": {"users": ["user1", "user2"]},
        **{f"group{n}": {"users": [f"user{n}"]} for n in range(_GROUPS)},
    }
    async with real_hub(
        tmp_path_factory.mktemp("hub"),
        base="/jupyter/",
        authenticator="null",
        admins=("ann",),
        groups=groups,
        roles=tuple(roles),
        services=({"name": "health", "admin": True}, {"name": "culler"}),
    ) as hub:
        await hub.ask("POST", "/users", {"usernames": [f"user{n}" for n in range(_USERS)]})
        # Behind all others, beyond the 200 that a plain list has; and the configuration knows
        # nothing of it.
        await hub.ask("POST", "/users", {"usernames": ["leaver"], "admin": True})
        for n in range(_TOKENS):
            await hub.ask("POST", f"/users/user{n}/tokens", {"note": "of no interest"})
        yield hub


@pytest.fixture(name="http")
async def _http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as http:
        yield http


async def _ask(
    http: aiohttp.ClientSession, hub: RealHub, *, token: str = "", memory: Memory | None = None
) -> Administrators:
    own = Token(token or hub.token)
    return await HubAnswers(http, hub.address, own, memory or Memory()).administrators()


async def test_all_who_administer_it_are_found(hub: RealHub, http: aiohttp.ClientSession) -> None:
    assert len(await hub.ask("GET", "/users")) == 200
    found = await _ask(http, hub)
    assert {(a.name, a.service): (a.ways, a.configured) for a in found.everybody} == {
        ("setup", True): ((Way(),), None),
        ("health", True): ((Way(),), None),
        ("ann", False): ((Way(),), True),
        ("leaver", False): ((Way(),), False),
        ("lead", False): ((Way("boss", "leads", "admin:users"),), False),
        ("spy", False): ((Way("spy", "", "access:servers"),), False),
    }
    assert found.members["class"] == {"user1", "user2"}
    assert len(found.members) == _GROUPS + 2
    assert (found.untold, found.authenticator, found.capitals) == ((), "null", False)


async def test_what_is_as_it_was_is_not_sent_again_but_what_changes_is(
    hub: RealHub, http: aiohttp.ClientSession
) -> None:
    memory = Memory()
    first = await _ask(http, hub, memory=memory)
    etags = {path: etag for path, (etag, _) in memory.answers.items()}
    assert all(etags.values())
    assert await _ask(http, hub, memory=memory) == first
    assert {path: etag for path, (etag, _) in memory.answers.items()} == etags
    await hub.ask("PATCH", "/users/user7", {"admin": True})
    try:
        found = await _ask(http, hub, memory=memory)
        assert {a.name for a in found.everybody} - {a.name for a in first.everybody} == {"user7"}
    finally:
        await hub.ask("PATCH", "/users/user7", {"admin": False})
    assert await _ask(http, hub, memory=memory) == first


async def test_no_other_token_is_used(hub: RealHub, http: aiohttp.ClientSession) -> None:
    personal = await hub.ask("POST", "/users/user3/tokens", {"note": "of a person"})
    for token, why in (
        ("0" * 64, Unseen.TOKEN_REFUSED),
        (hub.setup, Unseen.NO_SERVICE),
        (personal["token"], Unseen.NO_SERVICE),
    ):
        with pytest.raises(UnseenError) as unseen:
            await _ask(http, hub, token=token)
        assert unseen.value.why is why


async def test_a_hub_without_the_registration_is_unknown(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """The service alone, with a role that may list users and no more; its roles are not told."""
    async with real_hub(tmp_path, scopes=("list:users",), telling=False) as hub:
        with pytest.raises(UnseenError) as unseen:
            await _ask(http, hub)
    assert unseen.value.why is Unseen.SCOPES_MISSING


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("group", ["", "leads"], ids=["flag", "group"])
async def test_the_command_of_a_finding_ends_just_that(
    hub: RealHub, http: aiohttp.ClientSession, tmp_path: Path, group: str
) -> None:
    """As it is shown, in a shell: whoever chooses a user's name runs nothing by it."""
    name = f'o\'leary "$(touch {tmp_path.name}ran)" `id`'
    before = {admin.name for admin in (await _ask(http, hub)).everybody}
    await hub.ask("POST", "/users", {"usernames": [name], "admin": not group})
    if group:
        await hub.ask("POST", f"/groups/{group}/users", {"users": [name]})
    found = {admin.name: admin for admin in (await _ask(http, hub)).everybody}
    assert found.keys() == before | {name}
    where = f"http://{hub.address.host}:{hub.address.port}/jupyter"
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", ending_command(found[name])),
        env={"PATH": os.environ["PATH"], "HUB": where, "TOKEN": hub.setup},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    assert not os.listdir(tmp_path)  # noqa: PTH208 - the other way is not for coroutines
    assert {admin.name for admin in (await _ask(http, hub)).everybody} == before
