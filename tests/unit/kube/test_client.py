"""Requests as an API server gets them, and errors as a person reads them."""

import asyncio
import json
import socket
from typing import Any

import pytest
import yaml
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from responsibility.kube import bodies, errors
from responsibility.kube.client import Api
from responsibility.kube.object_reader import LEFT_OUT
from responsibility.kube.request_options import RequestOptions
from tests.apiserver.over_http import THINGS, HttpApiServer
from tests.apiserver.requests import Refused, refusal

THING = f"{THINGS}/a"


async def test_applies_json_under_the_content_type_of_server_side_apply(
    api: Api, server: HttpApiServer
) -> None:
    server.answers[f"{THING}/status"] = lambda request: {"metadata": {}, "got": request.body}
    answer = await api.apply(THING, {"x": 1}, field_manager="me", subresource="status")
    request = server.requests[0]
    assert answer["got"] == {"x": 1}
    assert request.method == "PATCH"
    assert request.headers["Content-Type"] == "application/apply-patch+yaml; charset=utf-8"
    assert request.query == {"fieldManager": "me", "force": "true"}


async def test_a_dry_run_is_marked_as_one(api: Api, server: HttpApiServer) -> None:
    server.answers |= {THING: lambda _: {"metadata": {}}, "/create": lambda _: {"metadata": {}}}
    await api.apply(THING, {}, field_manager="me", force=False, dry_run=True)
    await api.create("/create", {}, dry_run=True)
    await api.delete(THING, uid="u1", dry_run=True)
    applied, created, deleted = server.requests
    assert applied.query == {"fieldManager": "me", "force": "false", "dryRun": "All"}
    assert created.query == {"dryRun": "All"}
    assert deleted.body["dryRun"] == ["All"]
    assert deleted.body["preconditions"] == {"uid": "u1"}


async def test_merges_and_replaces(api: Api, server: HttpApiServer) -> None:
    server.answers[THING] = lambda _: {"metadata": {}}
    await api.merge(THING, {"metadata": {"uid": "u1"}}, field_manager="me")
    await api.replace(THING, {"x": 1})
    merged, replaced = server.requests
    assert merged.headers["Content-Type"] == "application/merge-patch+json"
    assert (replaced.method, replaced.body) == ("PUT", {"x": 1})


async def test_says_who_it_is(api: Api, server: HttpApiServer) -> None:
    server.answers["/version"] = lambda _: {"gitVersion": "v1.37.0"}
    assert (await api.version())["gitVersion"] == "v1.37.0"
    assert server.requests[0].headers["User-Agent"] == "responsibility-operator"


async def test_watches_events(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    server.put("b", value="1")
    seen = []
    async for event in api.watch(THINGS, {"resourceVersion": "101"}, silence=5):
        seen.append((event["type"], event["object"]["metadata"]["name"]))
        server.end_watches()
    assert seen == [("ADDED", "b")]


async def test_a_watch_without_a_byte_is_silent(api: Api) -> None:
    with pytest.raises(errors.SilentError, match=r"nothing came for 0\.05 s"):
        async for _ in api.watch(THINGS, {"resourceVersion": "0"}, silence=0.05):
            pass


async def test_a_watch_from_too_long_ago_is_gone(api: Api, server: HttpApiServer) -> None:
    server.version = 500
    server.forget()
    with pytest.raises(errors.GoneError, match="too old"):
        async for _ in api.watch(THINGS, {"resourceVersion": "1"}):
            pass


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ApiError),
        (401, errors.UnauthorizedError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (410, errors.GoneError),
        (422, errors.ApiError),
        (429, errors.UnavailableError),
        (500, errors.UnavailableError),
        (503, errors.UnavailableError),
    ],
)
async def test_each_status_has_its_error(
    api: Api, server: HttpApiServer, status: int, kind: type[errors.ApiError]
) -> None:
    server.answers[THING] = lambda _: refusal(status, "SomeReason", "what happened")
    with pytest.raises(errors.ApiError) as raised:
        await api.get(THING)
    assert type(raised.value) is kind
    assert raised.value.status == status
    assert raised.value.reason == "SomeReason"
    assert str(raised.value) == f"GET {THING}: {status} SomeReason: what happened"


async def test_retry_after_is_read(api: Api, server: HttpApiServer) -> None:
    server.fail(429, "TooManyRequests", **{"Retry-After": "3"})
    with pytest.raises(errors.UnavailableError) as raised:
        await api.get(THING)
    assert raised.value.retry_after == 3.0


async def test_a_proxys_page_stays_out_of_the_message(api: Api, server: HttpApiServer) -> None:
    server.answers[THING] = lambda _: web.Response(status=502, text="<html>token=abc</html>")
    with pytest.raises(errors.UnavailableError) as raised:
        await api.get(THING)
    assert str(raised.value) == f"GET {THING}: 502 HTTPError"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/ns/secrets",
        "/api/v1/namespaces/ns/secrets/hub",
        "/api/v1/namespaces/ns/serviceaccounts/hub/token",
    ],
)
async def test_a_message_never_quotes_a_secret(api: Api, server: HttpApiServer, path: str) -> None:
    server.answers[path] = lambda _: refusal(400, "BadRequest", 'error near ..."hunter2"...')
    with pytest.raises(errors.ApiError) as raised:
        await api.create(path, {"data": "hunter2"})
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(raised.value)
    assert "withheld" in str(raised.value)


async def test_a_refused_connection_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    async with Api(Configuration(host=f"http://127.0.0.1:{port}")) as api:
        with pytest.raises(errors.UnavailableError) as raised:
            await api.get(THING)
    assert raised.value.status == 0
    assert str(raised.value) == f"GET {THING}: NoConnection: Connection refused"


async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    async with Api(Configuration(host="http://api-server.invalid")) as api:
        with pytest.raises(errors.UnavailableError, match=r"NoConnection: .+"):
            await api.get(THING)


async def test_what_is_not_tls_is_unavailable(server: HttpApiServer) -> None:
    host = server.url.replace("http://", "https://")
    async with Api(Configuration(host=host)) as api:
        with pytest.raises(errors.UnavailableError):
            await api.get(THING)


async def test_no_answer_in_time_is_unavailable(server: HttpApiServer) -> None:
    async with server.api(RequestOptions(answer=0.05)) as api:
        with pytest.raises(errors.UnavailableError, match="did not answer in time"):
            # A watch that is read as if it were an object: it never ends.
            await api.get(THINGS, {"watch": "1", "resourceVersion": "0"})
    server.end_watches()


async def test_plain_text_answers_are_readable(api: Api, server: HttpApiServer) -> None:
    server.answers["/readyz"] = lambda _: web.Response(text="ok")
    assert await api.get("/readyz") == {"text": "ok"}


async def test_a_cancelled_request_leaves_no_connection_behind(
    api: Api, server: HttpApiServer
) -> None:
    watching = asyncio.create_task(_drain(api))
    async with asyncio.timeout(60):
        while not server.watchers:  # noqa: ASYNC110 - the server's side has no event
            await asyncio.sleep(0.001)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    async with asyncio.timeout(60):
        while server.watchers:
            server.send(b"\n")
            await asyncio.sleep(0.001)


async def _drain(api: Api) -> list[dict[str, Any]]:
    return [event async for event in api.watch(THINGS, {"resourceVersion": "0"})]


@pytest.mark.parametrize("text", ["🦀", "a\\ud83e\\udd80", "ü\u2028\x7f\t", "\\", 'it\'s "x"'])
def test_what_is_applied_is_yaml_whatever_is_in_it(text: str) -> None:
    body = {"metadata": {"annotations": {"k": text}}}
    assert yaml.safe_load(bodies.as_yaml(body)) == body
    assert json.loads(bodies.as_yaml(body)) == body


async def test_pages_become_smaller_where_objects_are_large(server: HttpApiServer) -> None:
    for n in range(40):
        server.put(f"thing-{n:02}", text="x" * (90_000 if n % 10 == 5 else 10))
    server.put("thing-99", text="x" * 200_000)
    async with server.api(RequestOptions(largest_page=100_000)) as api:
        found = [thing async for page in api.pages(THINGS) for thing in page["items"]]
    assert [thing["metadata"]["name"] for thing in found] == [
        path.rpartition("/")[2] for path in server.objects
    ]
    limits = [int(request.query["limit"]) for request in server.requests]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == 1, "a single object is read whatever it takes"
    assert len(limits) < 60


async def test_an_object_nested_too_deep_costs_itself_only(server: HttpApiServer) -> None:
    server.put("one")
    server.put("two")
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    items = b'{"metadata": {"name": "odd", "namespace": "ns", "resourceVersion": "1"}, "spec": %s}'
    page = b'{"metadata": {"resourceVersion": "9"}, "items": [%s, {"metadata": {"name": "one"}}]}'
    text = page % (items % deep)
    server.faults.append(lambda _: web.Response(body=text, content_type="application/json"))
    async with server.api() as api:
        (found,) = [page async for page in api.pages(THINGS)]
    odd, one = found["items"]
    assert one == {"metadata": {"name": "one"}}
    assert odd[LEFT_OUT] == "spec is nested too deep"


async def test_refused_writes_are_told_and_nothing_else_that_is_refused(
    api: Api, server: HttpApiServer
) -> None:
    path, told = "/api/v1/namespaces/prod", list[str]()
    server.failures = {"": Refused(403, "Forbidden", "no")}
    telling = api.telling(lambda error: told.append(f"{error.verb} {error.path}"))
    requests = (
        (telling.get(path), False),
        (telling.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}), False),
        (telling.try_create(path, {}), False),
        (telling.apply(path, {}, field_manager="x", dry_run=True), False),
        (telling.delete(path, dry_run=True), False),
        (api.merge(path, {}, field_manager="x"), False),
        (telling.merge(path, {}, field_manager="x"), True),
        (telling.apply(path, {}, field_manager="x", subresource="status"), True),
        (telling.create(path, {}), True),
        (telling.replace(path, {}), True),
        (telling.delete(path), True),
    )
    for request, expected in requests:
        told.clear()
        with pytest.raises(errors.ForbiddenError):
            await request
        assert bool(told) == expected
