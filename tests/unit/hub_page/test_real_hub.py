"""The page in a real JupyterHub: who is shown what, and what somebody could do against it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.controller.page.setting import EVE, LEAD, MALLORY
from tests.unit.hub_page.setting import ADMIN, BASE, GROUP, OUTSIDER, PAGE, PLAIN, Around, around
from tests.unit.web.reading import read as read_page


@pytest.fixture(scope="module", name="world")
async def _world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Around]:
    async with around(tmp_path_factory.mktemp("hub-page")) as world:
        yield world


@pytest.fixture(autouse=True)
def _forgotten(world: Around) -> None:
    world.later()


async def test_whoever_the_hub_lets_in_sees_what_is_agreed(world: Around) -> None:
    async with world.browser() as browser:
        seen = await browser.sign_in(PLAIN)
        assert (seen.status, seen.path) == (200, PAGE)
        shown = read_page(seen.text).shown
        assert "Keeper" in shown
        assert "keeper@garden.example" in seen.text
        assert "shown to the hub's admins" in shown
        for found in (EVE, MALLORY, "How it stands"):
            assert found not in seen.text


async def test_an_admin_of_the_hub_sees_what_was_found_of_this_hub(world: Around) -> None:
    async with world.browser() as browser:
        seen = await browser.sign_in(ADMIN)
        assert (seen.status, seen.path) == (200, PAGE)
        assert EVE in seen.text
        assert "How it stands" in seen.text
        assert MALLORY not in seen.text, "the whole cluster's is not one hub's"


async def test_whoever_the_hub_does_not_let_in_is_told_so(world: Around) -> None:
    async with world.browser() as browser:
        seen = await browser.sign_in(OUTSIDER)
        assert seen.status == 403
        assert "Keeper" not in seen.text


async def test_who_signs_out_is_out_at_once(world: Around) -> None:
    async with world.browser() as browser:
        await browser.sign_in(ADMIN)
        kept = browser.cookies()
        assert (await browser.get(f"{BASE}hub/logout")).path == f"{BASE}hub/login"
        again = await browser.get()
        assert again.path == f"{BASE}hub/login"
        # Whoever has kept the cookie has kept nothing.
        own = world.visitors.oauth_client_id
        stolen = f"{own}={kept[own]}"
        seen = await browser.get(PAGE, {"Cookie": stolen}, follow=False)
        assert seen.status == 302
        assert EVE not in seen.text


async def test_what_is_taken_away_is_heeded_when_the_hub_is_asked_again(world: Around) -> None:
    async with world.browser() as plain, world.browser() as admin:
        await plain.sign_in(PLAIN)
        await admin.sign_in("amy")
        await world.hub.ask("PATCH", "/users/amy", {"admin": True})
        await world.hub.ask("POST", f"/groups/{GROUP}/users", {"users": ["amy"]})
        await world.hub.ask("DELETE", f"/groups/{GROUP}/users", {"users": [PLAIN]})
        try:
            world.later()
            refused = await plain.get()
            assert refused.status == 403
            assert "Keeper" not in refused.text
            assert EVE in (await admin.get()).text or (await admin.sign_in("amy")).status == 200
            await world.hub.ask("PATCH", "/users/amy", {"admin": False})
            world.later()
            seen = await admin.get()
            assert seen.status == 200
            assert EVE not in seen.text
        finally:
            await world.hub.ask("POST", f"/groups/{GROUP}/users", {"users": [PLAIN]})


async def test_a_sign_in_leads_to_the_page_and_nowhere_else(world: Around) -> None:
    evil = "evil.example"
    async with world.browser() as browser:
        asked = f"{PAGE}?next=https://{evil}/&redirect_uri=https://{evil}/"
        seen = await browser.sign_in(ADMIN, asked)
        assert (seen.status, seen.path) == (200, PAGE)
        begun = await browser.get(f"{PAGE}oauth_callback?code=x&state=x", follow=False)
        assert evil not in begun.headers.get("Location", "")
    async with world.browser() as browser:
        begun = await browser.get(asked, {"Host": evil, "X-Forwarded-Host": evil}, follow=False)
        where = begun.headers["Location"]
        assert where.startswith(f"{BASE}hub/api/oauth2/authorize?")
        assert evil not in where
        for odd in (f"//{evil}{PAGE}", f"{PAGE}/{evil}", f"{PAGE}..%2f..%2f{evil}"):
            other = await browser.get(odd, follow=False)
            assert (other.status, other.headers.get("Location")) == (404, None)


@pytest.mark.parametrize(
    ("mode", "dest"),
    [
        *(("cors", "empty"), ("same-origin", "empty"), ("no-cors", "image"), ("no-cors", "empty")),
        *(("navigate", "iframe"), ("navigate", "object"), ("websocket", "empty"), ("navigate", "")),
    ],
)
async def test_no_script_of_another_user_on_the_same_origin_reads_it(
    world: Around, mode: str, dest: str
) -> None:
    async with world.browser() as browser:
        await browser.sign_in(ADMIN)
        found = browser.cookies()
        # Even with what JupyterHub's own check asks for.
        headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, "Sec-Fetch-Site": "same-origin"}
        headers["X-Xsrftoken"] = found["_xsrf"]
        seen = await browser.get(PAGE, headers, follow=False)
        assert seen.status == 403
        assert "Keeper" not in seen.text


@pytest.mark.parametrize("value", ["true", "", "0", "é"])
async def test_no_worker_of_another_user_has_the_browser_fetch_it_for_itself(
    world: Around, value: str
) -> None:
    """Such a request is a visit by all that it says; what this header holds, the worker chooses."""
    preload = {"Service-Worker-Navigation-Preload": value}
    async with world.browser() as browser:
        assert (await browser.get(PAGE, preload, follow=False)).status == 403
        await browser.sign_in(ADMIN)
        for path in (PAGE, f"{PAGE}oauth_callback?code=c0de&state=x"):
            seen = await browser.get(path, preload, follow=False)
            assert seen.status == 403
            assert EVE not in seen.text
            assert "Keeper" not in seen.text
        silent = {"Sec-Fetch-Mode": "", "Sec-Fetch-Dest": ""}
        url = world.proxy.origin + PAGE
        async with browser.http.get(url, headers=preload) as answer:
            assert answer.status == 403, "without TLS, where browsers say nothing else"
        assert (await browser.get(PAGE, {**preload, **silent}, follow=False)).status == 403
        assert EVE in (await browser.get()).text


async def test_with_tls_a_browser_has_to_say_that_it_is_a_visit(world: Around) -> None:
    silent = {"Sec-Fetch-Mode": "", "Sec-Fetch-Dest": ""}
    async with world.browser() as browser:
        await browser.sign_in(ADMIN)
        async with browser.http.get(world.proxy.origin + PAGE) as answer:
            assert answer.status == 200, "without TLS, no browser says so"
        async with browser.http.get(
            world.proxy.origin + PAGE, headers={"X-Scheme": "https"}
        ) as answer:
            assert answer.status == 403
        assert (await browser.get(PAGE, silent)).status == 403


async def test_only_a_cookie_says_who_somebody_is(
    world: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token in a header or address is not taken, so none can have the hub asked."""
    asked: list[str] = []
    ask = world.visitors._api_request

    async def counted(method: str, url: str, **given: object) -> object:
        asked.append(url)
        return await ask(method, url, **given)

    monkeypatch.setattr(world.visitors, "_api_request", counted)
    token = (await world.hub.ask("POST", f"/users/{ADMIN}/tokens", {"note": "her own"}))["token"]
    client = world.visitors.oauth_client_id
    async with world.browser() as browser:
        for seen in (
            await browser.get(PAGE, {"Authorization": f"token {token}"}, follow=False),
            await browser.get(PAGE, {"Authorization": f"Bearer {token}"}, follow=False),
            await browser.get(f"{PAGE}?token={token}", follow=False),
            await browser.get(PAGE, {"Cookie": f"{client}={token}"}, follow=False),
            await browser.get(
                PAGE, {"Cookie": f'{client}="2|1:0|10:1|4:x|4:eA==|00"'}, follow=False
            ),
        ):
            assert (seen.status, EVE in seen.text) == (302, False)
            assert token not in seen.headers["Location"]
    assert asked == []


async def test_a_sign_in_that_nobody_began_is_none(
    world: Around, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.browser() as browser:
        await browser.get(follow=False)
        for query in ("", "?code=s3cret", "?code=s3cret&state=x", "?error=%3Cb%3Es3cret"):
            seen = await browser.get(f"{PAGE}oauth_callback{query}", follow=False)
            assert seen.status == 400
            assert "s3cret" not in seen.text
        begun = await browser.get(follow=False)
        state = begun.headers["Location"].rpartition("state=")[2]
        seen = await browser.get(f"{PAGE}oauth_callback?code=s3cret&state={state}", follow=False)
        assert seen.status == 503, "a code that the hub doesn't know"
        assert browser.cookies().get(world.visitors.oauth_client_id) is None
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("responsibility")]
    assert ours
    assert not [line for line in ours if "s3cret" in line or state in line]


async def test_cookies_are_of_this_page_and_for_no_script(world: Around) -> None:
    async with world.browser() as browser:
        await browser.sign_in(PLAIN)
        ours = PAGE.rstrip("/")
        own = [each for each in browser.http.cookie_jar if each["path"].startswith(ours)]
        assert {each.key for each in own} == {world.visitors.oauth_client_id, "_xsrf"}
        for each in own:
            assert each["httponly"]
            assert each["samesite"] == "Lax"
        (session,) = [each for each in own if each.key != "_xsrf"]
        assert not session["expires"], "it ends with the browser"
    async with world.browser() as browser:
        assert "; Secure" not in (await browser.get(follow=False)).headers["Set-Cookie"]
        begun = await browser.get(PAGE, {"X-Scheme": "https"}, follow=False)
        assert "; Secure" in begun.headers["Set-Cookie"]
        world.proxy.forwarded = {"X-Forwarded-Proto": "https"}
        try:
            begun = await browser.get(PAGE, {"Cookie": "none=0"}, follow=False)
            assert "; Secure" in begun.headers["Set-Cookie"]
        finally:
            world.proxy.forwarded = {}


async def test_every_answer_forbids_what_a_page_could_be_used_for(world: Around) -> None:
    async with world.browser() as browser:
        await browser.sign_in(ADMIN)
        for path, status in ((PAGE, 200), (f"{PAGE}other", 404), (f"{PAGE}oauth_callback", 400)):
            seen = await browser.get(path)
            assert seen.status == status
            policy = seen.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "script" not in policy
            (sandbox,) = [each for each in policy.split("; ") if each.startswith("sandbox")]
            assert sandbox == "sandbox allow-top-navigation-by-user-activation"
            assert seen.headers["Cache-Control"] == "no-store"
            assert seen.headers["X-Frame-Options"] == "DENY"
            assert "ornado" not in seen.headers["Server"]
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            url = world.proxy.origin + PAGE
            async with browser.http.request(method, url) as answer:
                assert answer.status in (403, 405)
                assert EVE not in await answer.text()


async def test_while_the_hub_is_gone_nothing_is_shown(
    world: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.browser() as browser:
        await browser.sign_in(ADMIN)
        world.later()
        monkeypatch.setattr(world.visitors, "api_url", "http://127.0.0.1:9/hub/api")
        seen = await browser.get()
        assert seen.status == 503
        assert "The hub does not say who you are" in read_page(seen.text).shown
        assert "Keeper" not in seen.text
        assert seen.headers["Retry-After"]
        monkeypatch.undo()
        assert EVE in (await browser.get()).text, "and nobody has to sign in again"


async def test_with_a_token_that_the_hub_does_not_know_nobody_gets_in(world: Around) -> None:
    token = world.settings.token
    kept = token.read_text()
    token.write_text("0" * 64)
    try:
        async with world.browser() as browser:
            seen = await browser.sign_in(ADMIN)
            assert (seen.status, seen.path) == (503, f"{PAGE}oauth_callback")
            assert "Keeper" not in seen.text
            assert kept not in seen.text
    finally:
        token.write_text(kept)


async def test_what_the_operator_does_not_give_is_not_shown(world: Around) -> None:
    account = world.settings.account
    async with world.browser() as browser, world.browser() as plain:
        await browser.sign_in(ADMIN)
        await plain.sign_in(PLAIN)
        for token, words in (
            ("made-up", "may not read"),
            ("two words", "may not read"),
            ("né", "can't be fetched"),
        ):
            account.write_text(token)
            world.later()
            try:
                seen = await browser.get()
                assert seen.status == 503
                assert words in read_page(seen.text).shown
                assert "Keeper" in (await plain.get()).text
            finally:
                account.write_text(LEAD)


async def test_it_is_told_where_there_is_no_record_or_no_operator(
    world: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.browser() as browser:
        await browser.sign_in(PLAIN)
        at = world.operator.url
        for url, status, words in (
            (at("/in-hub/hub-nowhere.html"), 404, "Nobody has put on record"),
            ("http://127.0.0.1:9/", 503, "can't be fetched"),
            (f"{world.hub.address.origin}{BASE}hub/health", 503, "can't be fetched"),
        ):
            world.later()
            monkeypatch.setattr(world.pages, "_url", url)
            seen = await browser.get()
            assert seen.status == status
            assert words in read_page(seen.text).shown
    world.later()


async def test_however_many_come_the_operator_is_asked_once_in_a_while(
    world: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    fetch = world.pages._fetch

    async def counted(*, found: bool) -> object:
        asked.append(found)
        return await fetch(found=found)

    monkeypatch.setattr(world.pages, "_fetch", counted)
    async with world.browser() as browser, world.browser() as plain:
        await browser.sign_in(ADMIN)
        assert asked == [True]
        await plain.sign_in(PLAIN)
        for _ in range(5):
            assert EVE in (await browser.get()).text
            assert EVE not in (await plain.get()).text
    assert sorted(set(asked)) == [False, True]
    assert len(asked) <= 4


async def test_sign_ins_that_nobody_ends_are_forgotten(world: Around) -> None:
    for n in range(3_000):
        world.visitors.generate_state(f"/{n}")
    async with world.browser() as browser:
        assert EVE in (await browser.sign_in(ADMIN)).text
    assert len(world.visitors._oauth_states) < 1_000
