"""A hub that is slow, endless, wrong or false is an unknown one, and never one that is fine."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from responsibility.controller.hub_admins.address import Address
from responsibility.controller.hub_admins.answers_over_http import (
    PATIENCE,
    HubAnswers,
    Memory,
    Patience,
    UnseenError,
)
from responsibility.controller.hub_admins.asking import open_session
from responsibility.controller.hub_admins.tokens import Token
from responsibility.hub.admins.administrators import Administrators, Unseen
from responsibility.hub.admins.registration import SCOPES
from tests.unit.controller.hub_admins.false_hub import TOKEN, FalseHub, false_hub, serving, user

# Stands in whatever a false answer has; nobody is told it.
CANARY = "canary7f3a"


@pytest.fixture(name="hub")
async def _hub() -> AsyncIterator[FalseHub]:
    async with false_hub() as hub:
        yield hub


@pytest.fixture(name="http")
async def _http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as http:
        yield http


async def _ask(
    http: aiohttp.ClientSession,
    hub: FalseHub,
    memory: Memory | None = None,
    patience: Patience = PATIENCE,
) -> Administrators:
    asking = HubAnswers(http, hub.address, Token(TOKEN), memory or Memory(), patience)
    return await asking.administrators()


async def _why(
    http: aiohttp.ClientSession, hub: FalseHub, patience: Patience = PATIENCE
) -> UnseenError:
    with pytest.raises(UnseenError) as unseen:
        await _ask(http, hub, patience=patience)
    told = f"{unseen.value} {unseen.value.detail}"
    assert CANARY not in told
    assert TOKEN not in told
    return unseen.value


async def test_a_hub_is_read_whole(hub: FalseHub, http: aiohttp.ClientSession) -> None:
    hub.users = [user(f"user{n}") for n in range(1234)]
    hub.users[1233] = user("last", admin=True)
    found = await _ask(http, hub)
    assert [admin.name for admin in found.everybody] == ["last"]
    assert set(hub.tokens) == {TOKEN}


async def test_what_jupyterhub_4_tells_in_the_list_of_services_alone_counts(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    """There, ``/user`` has an empty text in place of what is told: a hub of it was implausible."""
    newer = await _ask(http, hub)
    told = {"roles": {}, "authenticator": "github", "admins": ["ann"]}
    assert hub.myself["info"] == told
    hub.myself = {**hub.myself, "info": ""}
    assert (await _ask(http, hub)).authenticator == ""
    hub.services = {name: {**each, "info": told} for name, each in hub.services.items()}
    assert await _ask(http, hub) == newer


async def test_the_first_question_has_no_token(hub: FalseHub, http: aiohttp.ClientSession) -> None:
    await _ask(http, hub)
    assert hub.asked[0] == "/hub/api/"
    assert len(hub.tokens) == len(hub.asked) - 1


async def test_what_is_as_it_was_is_not_sent_again(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    hub.users = [user(f"user{n}", admin=n == 700) for n in range(701)]
    memory = Memory()
    first = await _ask(http, hub, memory)
    assert not hub.unchanged
    asked = len(hub.asked)
    assert await _ask(http, hub, memory) == first
    assert hub.unchanged == len(hub.asked) - asked - 1
    # And what is not, is.
    hub.users[3]["admin"] = True
    found = await _ask(http, hub, memory)
    assert [admin.name for admin in found.everybody] == ["user3", "user700"]


async def test_an_answer_that_was_never_given_is_not_unchanged(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    for path in ("/user", "/users", "/groups", "/services"):
        hub.answers(path, {}, status=304)
        assert (await _why(http, hub)).why is Unseen.REFUSED
        del hub.otherwise[path]


async def test_what_is_remembered_is_bounded(hub: FalseHub, http: aiohttp.ClientSession) -> None:
    hub.users = [user(f"user{n}") for n in range(20_000)]
    memory = Memory()
    await _ask(http, hub, memory)
    assert len(memory.answers) <= 64


FALSE: dict[str, tuple[str, Any]] = {
    "no admin flag": ("/users", {"items": [{"kind": "user", "name": CANARY, "roles": []}]}),
    "no roles": ("/users", {"items": [{"kind": "user", "name": CANARY, "admin": False}]}),
    "a flag that is a text": (
        "/users",
        {"items": [{"kind": "user", "name": CANARY, "admin": "false", "roles": []}]},
    ),
    "a service among users": (
        "/users",
        {"items": [{"kind": "service", "name": CANARY, "admin": False, "roles": []}]},
    ),
    "a name with an end of line": ("/users", {"items": [user(f"{CANARY}\nadmin: false")]}),
    "a name as long as a book": ("/users", {"items": [user(CANARY * 1000)]}),
    "no name": ("/users", {"items": [user("")]}),
    "twice the same": ("/users", {"items": [user(CANARY), user(CANARY)]}),
    "no group members": ("/groups", {"items": [{"kind": "group", "name": CANARY, "roles": []}]}),
    "a list without pages": ("/users", [user(CANARY)]),
    "a text": ("/users", CANARY),
    "nothing": ("/users", None),
    "services as a list": ("/services", [{"name": CANARY}]),
    "a service by another's name": (
        "/services",
        {CANARY: {"kind": "service", "name": "other", "admin": False, "roles": []}},
    ),
    "what the configuration tells, misspelt": (
        "/user",
        {"kind": "service", "name": "responsibility", "scopes": [*SCOPES], "info": {CANARY: 1}},
    ),
    "what it tells in the list of services, misspelt": (
        "/services",
        {
            "responsibility": {
                "kind": "service",
                "name": "responsibility",
                "admin": False,
                "roles": [],
                "info": {CANARY: 1},
            }
        },
    ),
    "no scopes": ("/user", {"kind": "service", "name": "responsibility"}),
}


@pytest.mark.parametrize("what", FALSE)
async def test_what_is_no_answer_of_a_hub_is_none(
    hub: FalseHub, http: aiohttp.ClientSession, what: str
) -> None:
    path, answer = FALSE[what]
    if isinstance(answer, dict) and "items" in answer:
        total = len(answer["items"])
        answer = {**answer, "_pagination": {"offset": 0, "total": total, "next": None}}
    hub.answers(path, answer)
    assert (await _why(http, hub)).why is Unseen.IMPLAUSIBLE


@pytest.mark.parametrize(
    "pagination",
    [
        # Cut at 200, without a word of more; and each way in which pages could leave somebody out.
        {"offset": 0, "total": 300, "next": None},
        {"offset": 0, "total": 300, "next": {"offset": 0}},
        {"offset": 0, "total": 300, "next": {"offset": -200}},
        {"offset": 0, "total": 300, "next": {"offset": 250}},
        {"offset": 100, "total": 300, "next": None},
        {"offset": 0, "total": -1, "next": None},
        {"offset": 0, "total": 10, "next": None},
        {},
    ],
    ids=str,
)
async def test_a_list_that_leaves_somebody_out_is_none(
    hub: FalseHub, http: aiohttp.ClientSession, pagination: dict[str, Any]
) -> None:
    items = [user(f"user{n}") for n in range(200)]
    hub.answers("/users", {"items": items, "_pagination": pagination})
    assert (await _why(http, hub)).why is Unseen.IMPLAUSIBLE


async def test_a_list_without_an_end_is_left(hub: FalseHub, http: aiohttp.ClientSession) -> None:
    async def endless(request: web.Request) -> web.Response:
        offset = int(request.query["offset"])
        items = [user(f"user{offset + n}") for n in range(2)]
        page = {"offset": offset, "total": 10**9, "next": {"offset": offset + 2}}
        return web.json_response({"items": items, "_pagination": page})

    hub.otherwise["/users"] = endless
    assert (await _why(http, hub)).why is Unseen.TOO_LARGE


async def test_who_is_on_no_page_since_somebody_went_is_looked_for_again(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    """Who was first on the second page is last on the first one, once somebody before it is gone.

    Somebody new at the end, so that the total is as it was.
    """
    hub.users = [user(f"user{n}", admin=n == 200) for n in range(401)]
    answer = hub.answer
    moved: list[dict[str, Any]] = []

    async def moving(request: web.Request) -> web.StreamResponse:
        if request.query.get("offset") not in (None, "0") and not moved:
            moved.append(hub.users.pop(3))
            hub.users.append(user("new"))
        del hub.otherwise["/users"]
        found = await answer(request)
        hub.otherwise["/users"] = moving
        return found

    hub.otherwise["/users"] = moving
    found = await _ask(http, hub)
    assert [admin.name for admin in found.everybody] == ["user200"]
    assert moved


async def test_a_list_that_never_rests_is_unknown(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    turns = iter(range(10_000))

    async def moving(request: web.Request) -> web.Response:
        offset, turn = int(request.query["offset"]), next(turns)
        items = [user(f"user{turn}-{n}") for n in range(200)]
        following = {"offset": offset + 200} if offset < 400 else None
        page = {"offset": offset, "total": offset + 200, "next": following}
        return web.json_response({"items": items, "_pagination": page})

    hub.otherwise["/users"] = moving
    assert (await _why(http, hub)).why is Unseen.CHANGING


async def test_a_hub_that_is_slow_or_says_nothing_is_left(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b" ")
            await asyncio.sleep(0.01)

    for path in ("/", "/user", "/users", "/services"):
        hub.otherwise = {path: slow}
        assert (await _why(http, hub, Patience(answer=0.3))).why is Unseen.SLOW
    assert (await _why(http, hub, Patience(600.0, whole=0.3))).why is Unseen.SLOW


async def test_an_answer_without_an_end_is_left(hub: FalseHub, http: aiohttp.ClientSession) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(CANARY.encode() * 10_000)

    hub.otherwise["/users"] = endless
    assert (await _why(http, hub)).why is Unseen.TOO_LARGE


async def test_what_is_packed_is_not_unpacked(hub: FalseHub, http: aiohttp.ClientSession) -> None:
    async def packed(_: web.Request) -> web.Response:
        body = gzip.compress(b" " * 50_000_000)
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    hub.otherwise["/users"] = packed
    assert (await _why(http, hub)).why is Unseen.IMPLAUSIBLE


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"items":' * 10_000, b"1" * 100_000),
        json.dumps({"items": [user("\ud800")]}).encode(),
        b'{"kind": "service", "name": "responsibility", "scopes": [NaN]}',
    ],
    ids=lambda body: str(body[:12]),
)
async def test_what_is_no_json_is_no_answer(
    hub: FalseHub, http: aiohttp.ClientSession, body: bytes
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    for path in ("/user", "/users", "/groups", "/services"):
        hub.otherwise = {path: answer}
        assert (await _why(http, hub)).why is Unseen.IMPLAUSIBLE
    hub.otherwise = {"/": answer}
    assert (await _why(http, hub)).why is Unseen.NO_HUB


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/", "/user", "/users", "/services"])
async def test_the_token_goes_nowhere_else(
    hub: FalseHub, http: aiohttp.ClientSession, status: int, path: str
) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        reached.append(request)
        return web.json_response({"version": "5.5.0"})

    reached: list[web.Request] = []
    async with serving(elsewhere) as other:
        for target in (
            f"{other.origin}/hub/api/user",
            f"//{other.host}:{other.port}/hub/hub/api/",
            f"{other.origin}/jupyter/../hub/hub/api/",
        ):
            hub.answers(path, {}, status=status, headers={"Location": target})
            why = (await _why(http, hub)).why
            assert why in (Unseen.REDIRECTED, Unseen.NO_HUB)
    assert not reached
    # And nothing else is asked of the hub itself.
    assert all(asked.startswith("/hub/api/") for asked in hub.asked)


async def test_a_hub_that_is_not_there_can_not_be_reached(http: aiohttp.ClientSession) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    async with serving(answer) as address:
        pass
    assert (await _why(http, FalseHub(address=address))).why is Unseen.UNREACHABLE


async def test_what_speaks_no_http_can_not_be_reached(http: aiohttp.ClientSession) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(CANARY.encode() + b"\x00" * 100 + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        hub = FalseHub(address=Address("127.0.0.1", port))
        assert (await _why(http, hub)).why is Unseen.UNREACHABLE


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_accepted_is_told(
    hub: FalseHub, http: aiohttp.ClientSession, status: int
) -> None:
    hub.answers("/user", {"message": CANARY}, status=status)
    assert (await _why(http, hub)).why is Unseen.TOKEN_REFUSED


@pytest.mark.parametrize("path", ["/user", "/users", "/groups", "/services"])
@pytest.mark.parametrize("status", [204, 404, 429, 500, 503])
async def test_an_error_is_no_empty_list(
    hub: FalseHub, http: aiohttp.ClientSession, path: str, status: int
) -> None:
    hub.answers(path, [], status=status)
    assert (await _why(http, hub)).why is Unseen.REFUSED


async def test_a_token_of_somebody_else_is_not_used(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    for other in ({"kind": "user"}, {"name": "hub-health"}):
        before = hub.myself
        hub.myself = {**before, **other}
        assert (await _why(http, hub)).why is Unseen.NO_SERVICE
        hub.myself = before


async def test_a_token_that_sees_less_or_may_do_more_is_not_used(
    hub: FalseHub, http: aiohttp.ClientSession
) -> None:
    for scope in SCOPES:
        narrowed = f"{scope.partition('!')[0]}!user=ann"
        hub.myself["scopes"] = [*({*SCOPES} - {scope}), narrowed]
        unseen = await _why(http, hub)
        assert (unseen.why, unseen.detail) == (Unseen.SCOPES_MISSING, scope)
    for scope in ("admin:users", "tokens", "servers!group=x", "users:activity"):
        hub.myself["scopes"] = [*SCOPES, scope]
        asked = len(hub.asked)
        assert (await _why(http, hub)).why is Unseen.SCOPES_WIDE
        # Not used at all: it is asked who it is, and nothing more.
        assert hub.asked[asked:] == ["/hub/api/", "/hub/api/user"]


async def test_nothing_of_all_this_is_in_the_log(
    hub: FalseHub, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.users.append(user(CANARY, admin=True))
    await _ask(http, hub)
    hub.answers("/users", {"items": CANARY})
    await _why(http, hub)
    told = "\n".join(
        record.getMessage() for record in caplog.records if record.name != "aiohttp.access"
    )
    assert CANARY not in told
    assert TOKEN not in told
