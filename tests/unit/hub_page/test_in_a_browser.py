"""The page in a real hub and a real browser: signing in and out, and a user's server that spies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.unit.controller.page.setting import EVE, MALLORY
from tests.unit.hub_page.proxy import MALLORY as MALLORYS
from tests.unit.hub_page.proxy import WORKER
from tests.unit.hub_page.setting import ADMIN, BASE, OUTSIDER, PAGE, PLAIN, Around, around
from tests.unit.web.browser import AXE, browser, look
from tests.unit.web.driven_browser import Driven, driven

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(browser() is None, reason="there is no chromium here: apt install chromium"),
]

# Whatever a page of the same origin can try, on what is named in its address.
_SPIES = """<!doctype html><title>spying</title><body><script>
const path = new URLSearchParams(location.search).get("path");
const wait = ms => new Promise(done => setTimeout(done, ms));
const tried = async (name, read) => {
  try { return [name, String(await read())] } catch (error) { return [name, "error " + error.name] }
};
const loaded = async document_of => {
  for (let n = 0; n < 40; n++) {
    await wait(100);
    const found = document_of();
    if (found && found.URL != "about:blank" && found.readyState == "complete") break;
  }
  return document_of().body.innerText;
};
(async () => {
  const seen = [];
  seen.push(await tried("fetch", async () => (await fetch(path)).text()));
  seen.push(await tried("no-cors", async () => (await fetch(path, {mode: "no-cors"})).text()));
  seen.push(await tried("cookie", async () => {
    history.pushState(null, "", path);
    const token = (document.cookie.match(/_xsrf=([^;]+)/) || [])[1] || "";
    return (await fetch(path, {headers: {"X-Xsrftoken": token}})).text();
  }));
  seen.push(await tried("frame", () => {
    const frame = document.createElement("iframe");
    frame.src = path; document.body.append(frame);
    return loaded(() => frame.contentDocument);
  }));
  seen.push(await tried("window", () => {
    const opened = window.open(path);
    return loaded(() => opened.document);
  }));
  const told = document.createElement("pre");
  told.id = "told"; told.textContent = JSON.stringify(Object.fromEntries(seen));
  document.body.append(told);
})();
</script>"""

# Stands between a browser and the pages of its origin, and keeps all that it can read of a visit.
_WORKER = """
const text = async read => {
  try { return await (await read()).text() } catch (error) { return "error " + error.name }
};
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", event => event.waitUntil((async () => {
  await registration.navigationPreload.enable();
  const value = new URL(location).searchParams.get("value");
  if (value !== null) await registration.navigationPreload.setHeaderValue(value);
})()));
self.addEventListener("fetch", event => {
  if (event.request.mode != "navigate") return;
  const url = event.request.url;
  const path = new URL(url).pathname;
  event.respondWith((async () => {
    const read = {
      preload: await text(() => event.preloadResponse),
      passed: await text(() => fetch(event.request)),
      again: await text(() => fetch(url)),
      anew: await text(() => fetch(new Request(url, {mode: "same-origin", cache: "reload"}))),
    };
    const kept = await caches.open("kept");
    await kept.put(path, new Response(JSON.stringify(read)));
    return new Response("instead of " + path, {headers: {"Content-Type": "text/html"}});
  })());
});
"""
_REGISTER = """new Promise((done, failed) => {
  navigator.serviceWorker.register("WORKER", {scope: "/"}).then(registration => {
    const { installing, waiting, active } = registration;
    const worker = installing || waiting || active;
    const look = () => { if (worker.state == "activated") done("active") };
    worker.addEventListener("statechange", look); look();
  }, failed);
})"""


@pytest.fixture(scope="module", name="world")
async def _world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Around]:
    async with around(tmp_path_factory.mktemp("hub-page-browser")) as world:
        world.proxy.mallory = _SPIES
        world.proxy.worker = _WORKER
        yield world


async def _sign_in(window: Driven, world: Around, name: str) -> None:
    await window.visit(world.proxy.origin + PAGE)
    await window.until('name="username"')
    await window.run(
        f"document.querySelector('[name=username]').value = '{name}';"
        "document.querySelector('[name=password]').value = 'x';"
        "document.querySelector('form').submit();"
    )


async def _fits(window: Driven, html: str) -> None:
    """See that it fits a phone and a screen, and that axe has nothing to say against it."""
    for width in (420, 1200):
        wide, _ = await window.picture(width)
        assert wide <= width
        if AXE.exists():
            seen = await asyncio.to_thread(look, html, width=width)
            assert seen.violations == []
            assert seen.passes


async def _spied(window: Driven, world: Around, path: str, opener: str) -> dict[str, str]:
    await window.visit(f"{world.proxy.origin}{MALLORYS}?opener={opener}&path={path}")
    await window.until('id="told"')
    told = await window.run("document.getElementById('told').textContent")
    found: dict[str, str] = json.loads(told)
    return found


async def test_a_user_signs_in_reads_and_signs_out_again(world: Around) -> None:
    async with driven() as window:
        await _sign_in(window, world, PLAIN)
        html = await window.until("What is agreed")
        assert await window.address() == world.proxy.origin + PAGE
        assert "keeper@garden.example" in html
        assert EVE not in html
        await _fits(window, html)
        await window.click("a[href='../../hub/logout']")
        await window.until('name="username"')
        await window.visit(world.proxy.origin + PAGE)
        await window.until('name="username"')


async def test_an_admin_reads_what_was_found_and_goes_back_to_the_hub(world: Around) -> None:
    async with driven() as window:
        await _sign_in(window, world, ADMIN)
        html = await window.until("How it stands")
        assert EVE in html
        assert MALLORY not in html
        await _fits(window, html)
        await window.click("a[href='../../hub/home']")
        await window.until("jupyterhub-logo")
        assert await window.address() == f"{world.proxy.origin}{BASE}hub/home"


async def test_whoever_is_not_let_in_sees_the_hubs_own_answer(world: Around) -> None:
    async with driven() as window:
        await _sign_in(window, world, OUTSIDER)
        html = await window.until("403")
        assert "Keeper" not in html


async def test_a_page_of_another_user_on_the_same_origin_reads_none_of_it(world: Around) -> None:
    """What an admin visits; the hub's own pages show that such attempts read what they can."""
    async with driven() as window:
        await _sign_in(window, world, ADMIN)
        await window.until("How it stands")
        control = await _spied(window, world, f"{BASE}hub/home", "unsafe-none")
        for way in ("fetch", "no-cors", "cookie", "window"):
            assert ADMIN in control[way], way
        for opener in ("unsafe-none", "same-origin"):
            spied = await _spied(window, world, PAGE, opener)
            assert spied.keys() == control.keys()
            for way, text in spied.items():
                for word in (EVE, "Keeper", "How it stands"):
                    assert word not in text, (way, opener)


@pytest.mark.parametrize("value", ["", "?value=", "?value=another"])
async def test_a_worker_of_another_user_reads_none_of_a_later_visit(
    world: Around, value: str
) -> None:
    """It stays in the browser of an admin who was there; again the hub's own pages show how."""
    async with driven() as window:
        await _sign_in(window, world, ADMIN)
        await window.until("How it stands")
        await window.visit(world.proxy.origin + MALLORYS)
        await window.until('id="told"')
        assert await window.run(_REGISTER.replace("WORKER", f"{WORKER}{value}")) == "active"
        read = {}
        for path in (f"{BASE}hub/home", PAGE):
            await window.visit(world.proxy.origin + path)
            await window.until(f"instead of {path}")
            kept = await window.run(f"caches.match('{path}').then(kept => kept.text())")
            read[path] = json.loads(kept)
        for way in ("preload", "passed"):
            assert ADMIN in read[f"{BASE}hub/home"][way], way
        for way, text in read[PAGE].items():
            for word in (EVE, "Keeper", "How it stands"):
                assert word not in text, way
