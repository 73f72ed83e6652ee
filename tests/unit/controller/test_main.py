"""The process: how it starts, what it says while it waits, and how it ends."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web

from responsibility.cluster.knowledge import OperatorPart
from tests.apiserver.requests import Json, Request, refusal
from tests.unit.controller.server import GROUP, Process, empty_cluster, operator
from tests.unit.ownership.building import GARDEN

NOBODY = "http://127.0.0.1:1"


async def stopped(process: Process) -> None:
    process.process.send_signal(signal.SIGTERM)
    # Not if anything had to be waited for until it is ended: nothing is cancelled here.
    assert await process.end() == 0, "\n".join(process.log)
    assert not any("Traceback" in line for line in process.log), "\n".join(process.log)
    assert not any("secret-token" in line for line in process.log)


async def test_it_ends_at_once_while_it_waits_for_the_server(tmp_path: Path) -> None:
    async with operator(tmp_path, NOBODY) as process:
        await process.until(503, "waiting for the API server")
        assert (await process.page("/healthz"))[0] == 200
        status, text = await process.page("/metrics")
        assert status == 200
        assert "responsibility_leader 0.0" in text
        assert "responsibility_records" not in text
        await stopped(process)


async def test_it_ends_at_once_while_it_waits_for_our_kinds(tmp_path: Path) -> None:
    async with (
        empty_cluster(has_kinds=False) as cluster,
        operator(tmp_path, cluster.url) as process,
    ):
        await process.until(503, "waiting for the custom resources")
        await stopped(process)


async def test_a_replica_that_stands_by_is_ready_and_ends_at_once(tmp_path: Path) -> None:
    async with (
        empty_cluster(holder="another") as cluster,
        operator(tmp_path, cluster.url, LEADER_ELECTION="true") as process,
    ):
        await process.until(200, "ok")
        assert "responsibility_leader 0.0" in (await process.page("/metrics"))[1]
        await stopped(process)


@pytest.mark.parametrize("election", ["true", "false"])
async def test_it_runs_and_ends_in_good_order(tmp_path: Path, election: str) -> None:
    async with (
        empty_cluster() as cluster,
        operator(tmp_path, cluster.url, LEADER_ELECTION=election) as process,
    ):
        await process.until(200, "ok")
        text = (await process.page("/metrics"))[1]
        assert "responsibility_leader 1.0" in text
        assert "responsibility_rbac_enforced 1.0" in text
        await stopped(process)
        if election == "true":
            assert cluster.lease.spec["holderIdentity"] == "", "the next may lead at once"


async def test_it_runs_as_a_user_without_a_name(tmp_path: Path) -> None:
    nameless = tmp_path / "nameless"
    nameless.mkdir()
    # As in an image whose user has a number only.
    (nameless / "sitecustomize.py").write_text(
        "import getpass\n\ndef getuser():\n    raise OSError('No username set')\n\n"
        "getpass.getuser = getuser\n",
        encoding="utf-8",
    )
    path = os.pathsep.join((str(nameless), *sys.path))
    async with (
        empty_cluster() as cluster,
        operator(tmp_path, cluster.url, environ={"PYTHONPATH": path}) as process,
    ):
        await process.until(200, "ok")
        await stopped(process)


@pytest.mark.parametrize("missing", ["token", "kubeconfig"])
async def test_in_a_pod_without_a_token_it_says_what_to_set(tmp_path: Path, missing: str) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
    nowhere = "" if missing == "token" else str(tmp_path / "none")
    async with operator(tmp_path, NOBODY, environ=pod, KUBECONFIG=nowhere) as process:
        code = await process.end()
    assert code == 1
    assert len(process.log) == 1, "\n".join(process.log)
    words = "automountServiceAccountToken" if missing == "token" else "there is no kubeconfig"
    assert words in process.log[0]


async def test_a_connection_that_is_kept_open_does_not_hold_up_its_end(tmp_path: Path) -> None:
    async with (
        empty_cluster() as cluster,
        operator(tmp_path, cluster.url) as process,
        aiohttp.ClientSession() as scraper,
    ):
        await process.until(200, "ok")
        async with scraper.get(f"http://127.0.0.1:{process.port}/metrics") as answer:
            assert answer.status == 200
            await answer.read()
        await stopped(process)


async def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        async with operator(tmp_path, NOBODY, LISTEN=where) as process:
            code = await process.end()
    assert code == 1
    assert "RESPONSIBILITY_LISTEN" in process.log[-1]
    assert not any("Traceback" in line for line in process.log)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"RESPONSIBILITY_KUBECONFIG": "/nowhere"}, "there is no kubeconfig at /nowhere"),
        (
            {"RESPONSIBILITY_ANNOTATE": "perhaps"},
            "RESPONSIBILITY_ANNOTATE is 'perhaps': write true or false",
        ),
    ],
)
async def test_what_is_set_wrong_is_said_in_one_line(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    async with operator(tmp_path, NOBODY, environ=settings) as process:
        code = await process.end()
    assert code == 1
    assert [line for line in process.log if words in line] == process.log


async def test_an_error_of_ours_is_logged_and_ends_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "from responsibility.ownership.assess import Assessor\n\n"
        "Assessor.assess = lambda *_: 1 / 0\n",
        encoding="utf-8",
    )
    path = os.pathsep.join((str(broken), *sys.path))
    async with (
        empty_cluster() as cluster,
        operator(tmp_path, cluster.url, environ={"PYTHONPATH": path}) as process,
    ):
        code = await process.end()
    assert code == 1
    text = "\n".join(process.log)
    assert "ended by an unexpected error" in text
    assert text.count("Traceback") == 1, text
    assert "ExceptionGroup" not in text


IDENTITY = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.mark.parametrize(
    "broken",
    [
        f"/apis/{GROUP}/v1alpha1/responsibilities",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        IDENTITY,
    ],
)
async def test_what_is_no_answer_ends_nothing_and_heals(tmp_path: Path, broken: str) -> None:
    async with empty_cluster(broken=broken) as cluster, operator(tmp_path, cluster.url) as process:
        await process.until_logged("BadAnswer")
        cluster.mend(broken)
        await process.until(200, "ok")
        await stopped(process)
        asked = [line for line in process.log if "identity is unknown" in line]
        assert bool(asked) == (broken == IDENTITY)


DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
EVENTS = {
    "500": b'{"type": "ERROR", "object": {"kind": "Status", "code": 500, "reason": "Trouble"}}\n',
    "deep": b'{"type": "ADDED", "object": {"metadata": {"name": "x"}, "spec": ' + DEEP + b"}}\n",
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
async def test_no_event_ends_it(tmp_path: Path, event: bytes) -> None:
    async with empty_cluster(event=event) as cluster, operator(tmp_path, cluster.url) as process:
        await process.until(200, "ok")
        await process.until_logged("are begun again")
        metrics = (await process.page("/metrics"))[1]
        assert 'responsibility_watch_errors_total{resource="responsibilities"}' in metrics
        await stopped(process)


RECORD = {
    "metadata": {"name": "reef", "uid": "u", "generation": 1, "resourceVersion": "5"},
    "spec": {"hub": {"namespace": "reef"}, "model": "2i2c"},
}


@pytest.mark.parametrize("refused", [True, False], ids=["logging in", "hanging"])
async def test_a_record_that_the_framework_does_not_tell_of_is_seen(
    tmp_path: Path, *, refused: bool
) -> None:
    """Its log-in is refused, or its watch is silent; our own lists bring what it should."""
    async with (
        empty_cluster() as cluster,
        operator(tmp_path, cluster.url, OWN_RELIST_SECONDS="1") as process,
    ):
        await process.until(200, "ok")
        path, blind = f"/apis/{GROUP}/v1alpha1/responsibilities", True

        def answer(request: Request) -> Json | web.Response:
            if not request.is_watch:
                return NOTHING if _of_framework(request) else {**NOTHING, "items": [RECORD]}
            if blind:
                return refusal(401, "Unauthorized") if refused else web.Response(body=b"")
            told = {"type": "ADDED", "object": RECORD}
            return web.Response(body=json.dumps(told).encode() + b"\n")

        cluster.server.answers[path] = answer
        # The framework's first watch of it is open, and would not ask again.
        cluster.server.drop_watches()
        await process.until(
            503, "changes are seen late, since no watch tells of them: responsibilities"
        )
        lag = 'responsibility_watch_lag_seconds{resource="responsibilities"}'
        shown = (await process.page("/metrics"))[1]
        (value,) = [line.split()[1] for line in shown.splitlines() if line.startswith(lag)]
        assert float(value) > 1
        blind = False
        await process.until(200, "ok")
        await stopped(process)


NOTHING = {"metadata": {"resourceVersion": "1"}, "items": []}
# What the framework's watches meet, by the phase that it is in then, again and again.
PHASES: dict[str, Callable[[], web.Response]] = {
    "watching": lambda: web.Response(body=b""),
    "logging in": lambda: refusal(401, "Unauthorized"),
    "retrying": lambda: refusal(503, "ServiceUnavailable"),
    "beginning again": lambda: web.Response(body=b"<html>not now</html>\n"),
}


@pytest.mark.parametrize("meets", PHASES.values(), ids=list(PHASES))
async def test_it_ends_at_once_whatever_the_framework_is_doing(
    tmp_path: Path, meets: Callable[[], web.Response]
) -> None:
    async with empty_cluster() as cluster, operator(tmp_path, cluster.url) as process:
        watched = f"/apis/{GROUP}/v1alpha1/responsibilities"

        def answer(request: Request) -> Json | web.Response:
            return meets() if _by_framework(request, watched) else NOTHING

        cluster.server.answers[watched] = answer
        asked = cluster.server.requests
        await process.until_so(lambda: sum(_by_framework(r, watched) for r in asked) >= 3)
        ages = (await process.page("/metrics"))[1]
        # Hubs and versions are looked at only where that is switched on.
        off = {part for part in OperatorPart if part.endswith(("-asker", "-looker"))}
        for part in set(OperatorPart) - off:
            assert f'responsibility_input_age_seconds{{resource="{part}"}}' in ages
        await stopped(process)


def _watches(requests: Sequence[Request], seen: int, *, of_framework: bool) -> bool:
    return any(r.is_watch and _of_framework(r) == of_framework for r in requests[seen:])


def _of_framework(request: Request) -> bool:
    return request.headers["User-Agent"].startswith("kopf/")


def _by_framework(request: Request, path: str) -> bool:
    return _of_framework(request) and request.path == path and request.is_watch


async def test_it_ends_at_once_while_it_starts(tmp_path: Path) -> None:
    async with empty_cluster() as cluster, operator(tmp_path, cluster.url) as process:
        await process.until_logged("listening on port")
        await stopped(process)


async def test_a_token_that_is_refused_is_read_again_in_both_halves(tmp_path: Path) -> None:
    token, kubeconfig = tmp_path / "token", tmp_path / "with-file"
    token.write_text("old", encoding="utf-8")
    async with empty_cluster() as cluster:
        kubeconfig.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
            f'clusters: [{{name: c, cluster: {{server: "{cluster.url}"}}}}]\n'
            f'users: [{{name: u, user: {{tokenFile: "{token}"}}}}]\n',
            encoding="utf-8",
        )
        server = cluster.server
        async with operator(
            tmp_path, cluster.url, KUBECONFIG=str(kubeconfig), LEADER_ELECTION="true"
        ) as process:
            await process.until(200, "ok")
            server.only_token, seen = "new", len(server.requests)
            server.drop_watches()
            # For a while, there is nothing but the old one.
            await process.until_logged("Unauthorized")
            await process.until_so(lambda: any(map(_of_framework, server.refused)))
            token.write_text("new", encoding="utf-8")
            for half in (True, False):
                watches = partial(_watches, server.requests, seen, of_framework=half)
                await process.until_so(watches)
            await process.until(200, "ok")
            await stopped(process)


async def test_what_is_no_longer_asked_for_ends_though_a_kind_cannot_be_listed(
    tmp_path: Path,
) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/roles"
    async with empty_cluster(broken=roles) as cluster:
        fence = f"enforce.{GROUP}/fence"
        space = {"metadata": {"name": "prod", "uid": "u", "labels": {fence: "deny", "team": "x"}}}
        model = {**yaml.safe_load(GARDEN), "metadata": {"name": "garden", "uid": "m"}}
        agreed = {
            "metadata": {"name": "prod", "uid": "r", "generation": 1},
            "spec": {"hub": {"namespace": "prod"}, "model": "garden"},
            "status": {"items": [{"name": "fence", "admission": "deny"}]},
        }
        sent: list[Request] = []

        def written(request: Request) -> Json:
            sent.append(request)
            return {"metadata": {"name": "prod", "uid": "u", "labels": {"team": "x"}}}

        def listed(thing: Json, request: Request) -> Json | web.Response:
            return web.Response(body=b"") if request.is_watch else {**NOTHING, "items": [thing]}

        cluster.server.answers |= {
            "/api/v1/namespaces": partial(listed, space),
            f"/apis/{GROUP}/v1alpha1/responsibilitymodels": partial(listed, model),
            f"/apis/{GROUP}/v1alpha1/responsibilities": partial(listed, agreed),
            "/api/v1/namespaces/prod": written,
        }
        async with operator(tmp_path, cluster.url, ENFORCEMENT="true") as process:
            await process.until_so(lambda: bool(sent))
            await process.until(503, "not yet listed: roles")
            await stopped(process)
    assert {request.method for request in sent} == {"PATCH"}
    assert sent[0].body["metadata"] == {"name": "prod", "uid": "u"}, "all of ours goes"
