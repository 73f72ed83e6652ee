"""What goes wrong around operators, as a table.

Each line is a kind of fault that control planes, networks, machines or people have. Whoever enters
one brings it about, and leaving it is its end, whatever happened meanwhile.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, RefusedError, where
from tests.e2e.operator.leases import LEASE
from tests.e2e.operator.soak.proxy import FAIR, Answer, Weather
from tests.e2e.operator.soak.replicas import Replica, Replicas
from tests.e2e.operator.world import World

# What a process gets at 5 % of a processor, in seconds.
_RUNS, _RESTS = 0.01, 0.19
_SCRAPES, _HALF_REQUESTS = 50, 200


@dataclass(frozen=True, slots=True)
class Around:
    """What there is to break."""

    world: World
    replicas: Replicas
    random: random.Random

    def victims(self) -> list[Replica]:
        """Return whom it meets: one replica, or all of them."""
        every = self.replicas.every
        return [self.random.choice(every)] if self.random.random() < 0.5 else every


@dataclass(frozen=True, slots=True)
class Fault:
    """One line. ``ends`` is whether it may cost the lead, and with it the process."""

    name: str
    brings_about: Callable[[Around], Any]
    ends: bool = False


# --- between an operator and the API server -------------------------------------------------------


@contextmanager
def _weather(around: Around, weather: Weather) -> Iterator[None]:
    met = around.victims()
    for replica in met:
        replica.proxy.weather = weather
    try:
        yield
    finally:
        for replica in met:
            replica.proxy.weather = FAIR


@contextmanager
def _interrupted(around: Around, line: bytes) -> Iterator[None]:
    for replica in around.victims():
        replica.proxy.interrupt(line)
    yield


def _status(code: int, reason: str) -> bytes:
    status = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "metadata": {}}
    return json.dumps({**status, "code": code, "reason": reason, "message": reason}).encode()


def _error_event(code: int, reason: str) -> bytes:
    return b'{"type":"ERROR","object":' + _status(code, reason) + b"}"


def _answers(status: int, body: bytes, content_type: str = "application/json", **more: Any) -> Any:
    headers = tuple((k.replace("_", "-"), v) for k, v in more.pop("headers", {}).items())
    return partial(
        _weather, weather=Weather(answer=Answer(status, body, content_type, headers), **more)
    )


# --- the control plane ----------------------------------------------------------------------------


@contextmanager
def _api_server_killed(around: Around) -> Iterator[None]:
    around.world.cluster.stop_apiserver()
    around.world.cluster.start_apiserver()
    yield


@contextmanager
def _watches_expired(around: Around) -> Iterator[None]:
    around.world.cluster.make_watches_expire()
    yield


@contextmanager
def _rights_lost(around: Around) -> Iterator[None]:
    """Take the account's bindings away for as long as it lasts."""
    admin = around.world.admin
    bindings = [
        o
        for o in around.world.objects
        if o["kind"] == "ClusterRoleBinding"
        and any(s["name"] == chart.RELEASE for s in o["subjects"])
    ]
    path = where(RBAC, "ClusterRoleBinding")
    admin.delete(*(f"{path}/{b['metadata']['name']}" for b in bindings))
    try:
        yield
    finally:
        admin.apply(*bindings, manager="helm")


# --- leading --------------------------------------------------------------------------------------


@contextmanager
def _lease_edited(around: Around) -> Iterator[None]:
    admin = around.world.admin
    with suppress(RefusedError):
        # By its leader, or by a policy.
        lease = admin.get(LEASE)
        lease["spec"] |= {"holderIdentity": "a-stranger", "leaseDurationSeconds": 2}
        admin.replace(LEASE, lease)
    yield


@contextmanager
def _lease_deleted(around: Around) -> Iterator[None]:
    with suppress(RefusedError):
        around.world.admin.delete(LEASE)
    yield


# --- processes ------------------------------------------------------------------------------------


@contextmanager
def _killed(around: Around) -> Iterator[None]:
    around.replicas.leader().kill()
    yield


@contextmanager
def _ended(around: Around) -> Iterator[None]:
    around.replicas.leader().stop()
    yield


@contextmanager
def _stopped(around: Around) -> Iterator[None]:
    """Stop the leader as a paused machine does, and wake it up in the middle of its work."""
    replica = around.replicas.leader()
    replica.operator.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        replica.operator.signal(signal.SIGCONT)


@contextmanager
def _starved(around: Around) -> Iterator[None]:
    """Leave one process a twentieth of a processor."""
    replica = around.random.choice(around.replicas.every)
    over = threading.Event()

    def starve() -> None:
        while not over.is_set():
            replica.operator.signal(signal.SIGSTOP)
            over.wait(_RESTS)
            replica.operator.signal(signal.SIGCONT)
            over.wait(_RUNS)

    with ThreadPoolExecutor(1) as pool:
        starving = pool.submit(starve)
        try:
            yield
        finally:
            over.set()
            starving.result()


@contextmanager
def _scraped(around: Around) -> Iterator[None]:
    operators = [replica.operator for replica in around.replicas.every]
    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(operator.page, "/metrics")
            for _ in range(_SCRAPES)
            for operator in operators
        ]
        yield
        for each in done:
            each.result()


@contextmanager
def _half_requests(around: Around) -> Iterator[None]:
    """Connect, begin to ask, and say no more."""
    with ExitStack() as stack:
        for replica in around.replicas.every:
            host, _, port = replica.operator.address.partition(":")
            for _ in range(_HALF_REQUESTS if port else 0):
                with suppress(OSError):
                    peer = stack.enter_context(socket.create_connection((host, int(port)), 1))
                    peer.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
        yield


FAULTS: tuple[Fault, ...] = (
    Fault("nothing", lambda _: nullcontext()),
    Fault("watches are cut", partial(_interrupted, line=b"")),
    Fault("watches say 500", partial(_interrupted, line=_error_event(500, "InternalError"))),
    Fault("watches say 410", partial(_interrupted, line=_error_event(410, "Expired"))),
    Fault("watches say a broken line", partial(_interrupted, line=b'{"type":"MODIFIED","obj')),
    Fault("watches say HTML", partial(_interrupted, line=b"<html>a gateway</html>")),
    Fault("watches say other JSON", partial(_interrupted, line=b'{"type":"ADDED","object":7}')),
    Fault("answers take 1.4 s", partial(_weather, weather=Weather(delay=1.4))),
    Fault("answers take 2.5 s", partial(_weather, weather=Weather(delay=2.5))),
    Fault("half of the answers are cut", partial(_weather, weather=Weather(cuts=True, share=0.5))),
    Fault("some answers are 500", _answers(500, _status(500, "InternalError"), share=0.3)),
    Fault("some answers are 503", _answers(503, _status(503, "ServiceUnavailable"), share=0.5)),
    Fault(
        "some answers are 429",
        _answers(429, _status(429, "TooManyRequests"), headers={"Retry_After": "1"}, share=0.5),
    ),
    Fault("some answers are HTML", _answers(200, b"<html>a proxy</html>", "text/html", share=0.3)),
    Fault("some answers are empty", _answers(200, b"", share=0.3)),
    Fault("some answers are other JSON", _answers(200, b'{"items": "no list"}', share=0.3)),
    Fault("some answers are 401", _answers(401, _status(401, "Unauthorized"), share=0.3)),
    Fault("all answers are 401", _answers(401, _status(401, "Unauthorized")), ends=True),
    Fault("all answers are 500", _answers(500, _status(500, "InternalError")), ends=True),
    Fault("a partition", partial(_weather, weather=Weather(swallows=True)), ends=True),
    Fault("the API server is killed", _api_server_killed, ends=True),
    Fault("watches expire", _watches_expired, ends=True),
    Fault("rights are lost", _rights_lost),
    Fault("the Lease is edited", _lease_edited, ends=True),
    Fault("the Lease is deleted", _lease_deleted, ends=True),
    Fault("the leader is killed", _killed),
    Fault("the leader is ended", _ended),
    Fault("the leader is stopped", _stopped, ends=True),
    Fault("a process is starved", _starved, ends=True),
    Fault("many scrape", _scraped),
    Fault("many ask half of a question", _half_requests),
)
