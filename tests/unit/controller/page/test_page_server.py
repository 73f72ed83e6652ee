"""The page over HTTP: who is shown what, and what somebody could do against it."""

from __future__ import annotations

import asyncio
import gzip
import logging

import aiohttp
import pytest

from responsibility.api.names import OPERATOR
from responsibility.controller.page.callers import REMEMBERED
from responsibility.controller.page.server import OUTCOMES
from responsibility.controller.process.connections import Limits
from responsibility.controller.process.settings import TrustedProxy, read
from responsibility.controller.reporting.metrics_table import BY_NAME
from responsibility.web.headers import HEADERS
from tests.unit.controller.page.setting import EVE, LEAD, MALLORY, OPS, TOKEN_REVIEWS, site
from tests.unit.controller.world import RECORDS
from tests.unit.web.reading import read as read_page


def from_peers(text: str) -> TrustedProxy:
    page = read({"RESPONSIBILITY_PAGE_LISTEN": ":1", "RESPONSIBILITY_PAGE_PROXY_FROM": text}).page
    assert page is not None
    assert page.proxy is not None
    return page.proxy


PROXY = from_peers("127.0.0.1")
PROD = "/hub-prod.html"
PAGES = ("/", "/index.html", PROD, "/hub-coast.html")
# What only an assessment says.
FOUND = (EVE, MALLORY, "differs", "finding", "To do", "How it stands", "✗")


async def test_what_is_agreed_is_for_whoever_comes_and_nothing_of_what_was_found() -> None:
    async with site() as served:
        for path in PAGES:
            answer = await served.get(path)
            assert answer.status == 200
            shown = read_page(answer.text).shown
            assert "Keeper" in shown
            assert [word for word in FOUND if word in answer.text] == []
            assert "This is what is agreed." in shown
        assert "keeper@garden.example" in (await served.get(PROD)).text
        assert served.visitors.reviewed == []
        assert served.world.server.asked == [], "of nobody, nothing is asked"


async def test_whoever_may_get_a_record_reads_what_was_found_of_its_hub_and_no_other() -> None:
    async with site() as served:
        own = await served.get(PROD, LEAD)
        assert own.status == 200
        assert EVE in own.text
        assert "How it stands" in own.text
        assert MALLORY not in own.text, "the whole cluster's is not one hub's"
        other = await served.get("/hub-coast.html", LEAD)
        assert other.status == 200
        assert [word for word in FOUND if word in other.text] == []
        for path in PAGES:
            assert "How it stands" in (await served.get(path, OPS)).text
        index = await served.get("/", OPS)
        assert MALLORY in index.text
        assert EVE not in index.text, "of a hub, on its own page"


async def test_on_the_page_of_all_hubs_each_sees_how_their_own_stand_and_no_others() -> None:
    async with site() as served:
        text = (await served.get("/", LEAD)).text
        shown = read_page(text).shown
        own, others = shown.split("All other hubs")
        assert "Your hubs" in own
        assert ("To do" in own, "✗" in own) == (True, True)
        assert ("prod" in own, "coast" in own) == (True, False)
        assert ("prod" in others, "coast" in others) == (False, True)
        assert [word for word in FOUND if word in others.split("What the words mean")[0]] == []
        assert MALLORY not in text
        served.visitors.rights["lead"] = set()
        served.clock.seconds += REMEMBERED
        assert [w for w in FOUND if w in (await served.get("/", LEAD)).text] == []


async def test_of_many_hubs_it_is_asked_about_those_alone_that_name_the_caller() -> None:
    async with site(*(f"hub-{n:02}" for n in range(30))) as served:
        served.visitors.rights["lead"] = {f"hub-{n:02}" for n in range(30)}
        await served.get("/", LEAD)
        names = [each["resourceAttributes"]["name"] for each in served.world.server.asked]
        assert names == [""], "no record names it"
        served.visitors.tokens["k"] = {"username": "kim", "groups": ["keepers"]}
        await served.get("/", "k")
        assert len(served.world.server.asked) <= 2 + 10


async def test_requests_are_counted_by_what_came_of_them() -> None:
    async with site() as served:
        await served.get("/", OPS)
        await served.get("/", LEAD)
        await served.get(PROD, LEAD)
        await served.get("/")
        await served.get(PROD)
        await served.get("/", "made-up")
        await served.get("/hub-none.html")
        await served.get("/nothing-here")
        await served.get("/", method="POST")
        served.visitors.failing = True
        await served.get("/", "t")
        assert served.outcomes == {
            "found": 2,
            "some": 1,
            "agreed": 2,
            "unauthorized": 1,
            "no-such-hub": 2,
            "other": 1,
            "unavailable": 1,
        }
        assert set(served.outcomes) <= set(OUTCOMES)


def test_the_metric_says_what_its_outcomes_are() -> None:
    told = BY_NAME["page_requests_total"].help
    assert [each for each in OUTCOMES if each not in told] == []


async def test_no_answer_of_one_caller_is_shown_to_another() -> None:
    async with site() as served:
        for _ in range(3):
            for token, seen in ((OPS, True), ("", False), (LEAD, True), ("", False)):
                assert (EVE in (await served.get(PROD, token)).text) is seen
        many = [served.get(PROD, token) for token in (OPS, "", LEAD, "") * 10]
        answers = await asyncio.gather(*many)
        assert [EVE in each.text for each in answers] == [True, False, True, False] * 10
        for each in answers:
            assert each.headers["Cache-Control"] == "no-store"
            assert "Authorization" in each.headers["Vary"]


@pytest.mark.parametrize("said", ["made-up", "", "two words", "\t", "né", "x" * 4000])
async def test_a_token_of_nobody_is_told_so(said: str) -> None:
    async with site() as served:
        for path in PAGES[:2]:
            answer = await served.get(path, Authorization=f"Bearer {said}")
            assert answer.status == 401
            assert "Bearer" in answer.headers["WWW-Authenticate"]
            assert "Keeper" not in answer.text
        assert len(served.visitors.reviewed) <= 1, "what can't be a token is not asked about"


async def test_a_right_that_is_taken_away_is_heeded_seconds_later() -> None:
    async with site() as served:
        assert EVE in (await served.get(PROD, LEAD)).text
        assert EVE in (await served.get(PROD, LEAD)).text
        assert len(served.visitors.reviewed) == len(served.world.server.asked) == 1
        served.visitors.rights.clear()
        served.clock.seconds += REMEMBERED
        assert EVE not in (await served.get(PROD, LEAD)).text
        served.visitors.tokens.clear()
        served.clock.seconds += REMEMBERED
        assert (await served.get(PROD, LEAD)).status == 401


async def test_all_that_authenticators_say_of_a_user_is_put_to_authorizers() -> None:
    scoped = {"scopes.authorization.openshift.io": ["user:info"]}
    async with site() as served:
        served.visitors.tokens["t"] = {
            "username": "lead",
            "uid": "7",
            "groups": ["leads"],
            "extra": scoped,
        }
        await served.get(PROD, "t")
        (asked,) = served.world.server.asked
        assert (asked["user"], asked["uid"], asked["groups"]) == ("lead", "7", ["leads"])
        assert asked["extra"] == scoped


async def test_where_nobody_can_be_asked_nothing_that_was_found_is_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with site() as served:
        served.visitors.failing = True
        answer = await served.get(PROD, OPS)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert EVE not in answer.text
        assert (await served.get(PROD)).status == 200
        served.visitors.failing = False
        assert EVE in (await served.get(PROD, OPS)).text, "a failure is not remembered"
    assert "a caller of the page could not be looked up" in caplog.text
    assert OPS not in caplog.text


async def test_made_up_tokens_cost_the_api_server_little() -> None:
    async with site() as served:
        answers = await asyncio.gather(*(served.get("/", f"t{n}") for n in range(100)))
        statuses = [each.status for each in answers]
        assert statuses.count(429) == 60
        assert statuses.count(401) == len(served.visitors.reviewed) == 40
        assert (await served.get("/")).status == 200, "whoever has none is answered"
        served.clock.seconds += 1
        assert (await served.get(PROD, LEAD)).status == 200


async def test_made_up_hubs_cost_the_api_server_nothing() -> None:
    async with site() as served:
        for path in [f"/hub-made-up-{n}.html" for n in range(50)]:
            assert (await served.get(path, LEAD)).status == 404
        assert served.world.server.asked == []
        assert EVE in (await served.get(PROD, LEAD)).text, "there are questions left for others"


async def test_the_same_token_at_once_is_asked_about_once() -> None:
    async with site() as served:
        gate = served.world.server.hold(TOKEN_REVIEWS)
        many = [asyncio.create_task(served.get(PROD, LEAD)) for _ in range(20)]
        await gate.arrived.wait()
        # One who goes away takes nothing from the others.
        many.pop(0).cancel()
        gate.open.set()
        assert all(EVE in each.text for each in await asyncio.gather(*many))
        assert len(served.visitors.reviewed) == 1


async def test_a_header_that_names_the_user_is_believed_of_named_peers_alone() -> None:
    async with site(proxy=PROXY) as served:
        assert EVE in (await served.get(PROD, X_Forwarded_User="lead")).text
        assert EVE not in (await served.get(PROD, X_Forwarded_User="nobody")).text
        assert EVE not in (await served.get(PROD)).text
        (asked, _) = served.world.server.asked
        assert asked["groups"] == ["system:authenticated"], "of groups, none was named"
        assert served.visitors.reviewed == []
    elsewhere = from_peers("10.0.0.0/8")
    for none in (None, elsewhere):
        async with site(proxy=none) as served:
            for more in ({}, {"X_Forwarded_For": "10.0.0.7"}, {"Forwarded": "for=10.0.0.7"}):
                answer = await served.get(PROD, X_Forwarded_User="ops", **more)
                assert answer.status == 200
                assert EVE not in answer.text
            assert served.world.server.asked == []


@pytest.mark.parametrize("name", ["system:admin", "system:serviceaccount:ours:operator", "x" * 999])
async def test_a_proxy_speaks_for_nobody_of_kubernetes_own(name: str) -> None:
    async with site(proxy=PROXY) as served:
        answer = await served.get(PROD, X_Forwarded_User=name)
        assert answer.status == 403
        assert served.world.server.asked == []


async def test_groups_of_a_proxy_are_heeded_where_their_header_is_named() -> None:
    proxy = TrustedProxy(PROXY.networks, "X-Email", "X-Groups")
    async with site(proxy=proxy) as served:
        groups = "leads, system:masters,, system:nodes ,staff"
        await served.get(PROD, X_Email="ann", X_Groups=groups)
        (asked,) = served.world.server.asked
        assert asked["groups"] == ["leads", "staff", "system:authenticated"]
        assert (await served.get(PROD, X_Email="ann", X_Groups="g,\u202e")).status == 403
        many = ",".join(f"g{n}" for n in range(201))
        assert (await served.get(PROD, X_Email="ann", X_Groups=many)).status == 403


async def test_a_token_goes_before_what_a_proxy_says() -> None:
    async with site(proxy=PROXY) as served:
        assert (await served.get(PROD, "made-up", X_Forwarded_User="ops")).status == 401
        basic = await served.get(PROD, X_Forwarded_User="lead", Authorization="Basic bGVhZDo=")
        assert EVE in basic.text


@pytest.mark.parametrize(
    "headers",
    [
        "Authorization: Bearer {t}\r\nAuthorization: Bearer made-up",
        "X-Forwarded-User: nobody\r\nX-Forwarded-User: ops",
        "X-Forwarded-User: nobody\r\nx-forwarded-user: ops",
        "X-Forwarded-User: nobody\r\n ops",
        "X-Forwarded-User : ops",
        "X_Forwarded_User: ops",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nX-Forwarded-User: nobody",
    ],
)
async def test_no_header_is_smuggled(headers: str, caplog: pytest.LogCaptureFixture) -> None:
    """What two programs read in two ways is refused, or says nothing of a user."""
    caplog.set_level(logging.DEBUG)
    async with site(proxy=PROXY) as served:
        text = headers.format(t=OPS)
        sent = f"GET {PROD} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{text}\r\n\r\n"
        answer = await served.raw(sent.encode())
        assert EVE.encode() not in gunzipped(answer)
        assert OPS not in caplog.text
        for request in served.world.server.asked:
            assert request["user"] != "ops"


def gunzipped(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + (gzip.decompress(body) if b"gzip" in head else body)


async def test_no_token_is_in_a_log_or_in_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cret.t0ken"  # noqa: S105 - made up
    odd = (
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\x01\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {secret}\r\n\r\n",
        f"GET / HTTP/1.1\r\nAuthorization: Bearer {secret}{'x' * 20_000}\r\n\r\n",
        f"GET / HTTP/9 Bearer {secret}\r\n\r\n",
        f"GET /?token={secret} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        f"POST /{secret} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nExpect: {secret}\r\nConnection: close\r\n\r\n",
        f"Bearer {secret}\r\n\r\n",
    )
    async with site() as served:
        for sent in odd:
            answer = await served.raw(sent.encode("latin-1"))
            head = answer.partition(b"\r\n\r\n")[0].decode()
            assert secret.encode() not in answer
            assert f"Server: {OPERATOR}\r\n" in f"{head}\r\n"
            for name, value in HEADERS.items():
                assert f"{name}: {value}"[:40] in head
        await served.get("/", secret)
        served.visitors.failing = True
        served.clock.seconds += REMEMBERED
        await served.get("/", secret)
    assert secret not in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/hub-../prod.html",
        "/hub-%2e%2e%2fprod.html",
        "/hub-prod.html/",
        "/hub-.html",
        "/hub-Prod.html",
        "/hub-prod%00.html",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/index.html/../../etc/passwd",
        "/metrics",
        "/hub-" + "a" * 254 + ".html",
        "/hub-nowhere.html",
    ],
)
async def test_nothing_else_is_there(path: str) -> None:
    async with site() as served:
        for token in ("", OPS):
            said = f"Authorization: Bearer {token}\r\n" if token else ""
            sent = f"GET {path} HTTP/1.1\r\nHost: x\r\n{said}Connection: close\r\n\r\n"
            answer = await served.raw(sent.encode())
            assert answer.startswith(b"HTTP/1.1 404 "), answer[:40]
            assert b"root:" not in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_nothing_is_changed_by_it(method: str) -> None:
    async with site() as served:
        answer = await served.get(PROD, OPS, method=method)
        assert answer.status == 405
        assert served.world.server.asked == []


async def test_every_answer_says_what_browsers_may_do_with_it() -> None:
    async with site() as served:
        cases = [("/", ""), (PROD, OPS), ("/nowhere", ""), ("/", "made-up")]
        for path, token in cases:
            for method in ("GET", "HEAD", "POST"):
                answer = await served.get(path, token, method=method)
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Server"] == OPERATOR
                assert "Set-Cookie" not in answer.headers
        whole = await served.get(PROD, OPS)
        (meta,) = [e for e in read_page(whole.text).all("meta") if "http-equiv" in e]
        assert whole.headers["Content-Security-Policy"].startswith(str(meta["content"]))
        head = await served.get(PROD, OPS, method="HEAD")
        assert (head.status, head.text) == (200, "")


@pytest.mark.parametrize(
    ("said", "compressed"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("identity", False)],
)
async def test_what_is_sent_is_compressed_for_who_takes_it(said: str, *, compressed: bool) -> None:
    async with site() as served, aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(served.url("/"), headers={"Accept-Encoding": said}) as answer:
            body = await answer.read()
            assert ("Content-Encoding" in answer.headers) is compressed
            assert "Accept-Encoding" in answer.headers["Vary"]
        text = gzip.decompress(body) if compressed else body
        assert text.startswith(b"<!doctype html>")


async def test_whoever_reads_slowly_is_ended_and_lets_others_in() -> None:
    few = Limits(connections=3, request=0.3, answer=5.0, idle=0.5)
    async with site(limits=few) as served:
        opened = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(3)]
        for _, writer in opened:
            # Many at a time, of which not one is read.
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n" * 500)

        async def answered() -> None:
            async with asyncio.timeout(240):
                while True:
                    try:
                        if (await served.get("/")).status == 200:
                            return
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.05)

        await answered()
        for _, writer in opened:
            writer.close()


async def test_a_hub_that_is_gone_or_new_shows_seconds_later() -> None:
    async with site() as served:
        assert (await served.get("/hub-coast.html")).status == 200
        served.world.delete_record("coast")
        served.world.put_record("reef")
        assert (await served.get("/hub-coast.html")).status == 200
        served.clock.seconds += 10
        assert (await served.get("/hub-coast.html")).status == 404
        assert (await served.get("/hub-reef.html", OPS)).status == 200
        lists = [r for r in served.world.server.requests if r.path == RECORDS]
        assert len(lists) == 2


IN_HUB = f"/in-hub{PROD}"


async def test_a_service_of_the_hub_gets_its_page_with_the_way_back_and_to_no_other_hub() -> None:
    async with site() as served:
        agreed, found = await served.get(IN_HUB), await served.get(IN_HUB, LEAD)
        for answer in (agreed, found):
            assert answer.status == 200
            page = read_page(answer.text)
            assert {"../../hub/home", "../../hub/logout"} <= page.links
            assert "./" not in page.links
            assert "All hubs" not in page.shown
        assert [word for word in FOUND if word in agreed.text] == []
        assert "shown to the hub's admins" in read_page(agreed.text).shown
        assert EVE in found.text
        assert MALLORY not in found.text
        # Those of the page itself are what they were.
        assert "./" in read_page((await served.get(PROD, LEAD)).text).links


async def test_a_service_that_may_not_get_the_record_is_told_so() -> None:
    async with site() as served:
        served.visitors.tokens["t"] = {"username": "somebody"}
        refused = await served.get(IN_HUB, "t")
        assert refused.status == 403
        assert "Keeper" not in refused.text
        assert (await served.get("/in-hub/hub-coast.html", LEAD)).status == 403
        assert (await served.get("/in-hub/hub-nowhere.html", "t")).status == 404
        assert (await served.get(IN_HUB, "made-up")).status == 401
