"""The image's entry point starts as in a pod: as nobody, with a projected token."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.e2e.image import container
from tests.e2e.image.container import ContainedOperator, Server, ServiceAccountVolume
from tests.e2e.lab import audit, clusters
from tests.e2e.lab.errors import NotSupported
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.hubs.webhooks import Listening
from tests.e2e.operator.world import World, hub, record, record_path

pytestmark = pytest.mark.skipif(bool(container.hindrance()), reason=container.hindrance())

# Where the framework can't log in, a change would be found by looking: not within a day.
WATCHING = {"RESPONSIBILITY_OWN_RELIST_SECONDS": "86400"}
# The client reads its token again each minute.
RENEWED = 120.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start a cluster with the chart's rights on it, a hub and its record."""
    with clusters.cluster(f"e2e-{os.getpid()}-start") as cluster:
        fresh = World(cluster, tmp_path_factory.mktemp("start"))
        fresh.install()
        fresh.admin.apply(*hub("reef"), record("reef"))
        yield fresh


@pytest.fixture(scope="module")
def server(world: World) -> Server:
    return Server.of(world.cluster)


@pytest.fixture(scope="module")
def account(world: World, server: Server) -> ServiceAccountVolume:
    """Return the directory that holds the account's token, as a kubelet projects it."""
    volume = ServiceAccountVolume(world.directory / "account")
    volume.write(_projected(server, _token(world, "first")))
    return volume


@pytest.fixture(scope="module")
def operator(
    image: Path, world: World, server: Server, account: ServiceAccountVolume
) -> Iterator[ContainedOperator]:
    """Start the chart's container; all tests of the module look at this one.

    Without an election: who leads ends when the API server is away for long, and is started again.
    """
    alone = ("--set", "leaderElection.enabled=false")
    made = watching(container.of_chart(image, server, account.directory, *alone))
    with container.started(made, world.directory) as running:
        running.until_ready()
        yield running


def watching(made: container.Container) -> container.Container:
    """Return one that sees changes by its watches alone."""
    return replace(made, environment={**made.environment, **WATCHING})


def _projected(server: Server, token: str) -> dict[str, str]:
    return {"token": token, "ca.crt": server.authority, "namespace": chart.NAMESPACE}


def _token(world: World, secret: str, *options: str) -> str:
    """Return a token that is good for as long as this Secret is there."""
    metadata = {"name": secret, "namespace": chart.NAMESPACE}
    world.admin.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    bound = ("--bound-object-kind=Secret", f"--bound-object-name={secret}")
    asked = ("create", "token", chart.RELEASE, f"-n={chart.NAMESPACE}", *bound, *options)
    return world.cluster.kubectl(*asked).stdout.strip()


def _identity(token: str) -> str:
    """Return how the audit log calls a token."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"JTI={claims['jti']}"


def _credential(event: audit.Event) -> str:
    extra = (event.get("user") or {}).get("extra") or {}
    return "".join(extra.get("authentication.kubernetes.io/credential-id") or ())


def _followed(world: World) -> None:
    """Change the record, and wait until its status is about that."""
    generation = _generation(world)
    name = f"Reef {generation}"
    world.admin.apply(record("reef", hub={"namespace": "reef", "displayName": name}))
    world.until(
        lambda: world.status("reef").get("observedGeneration") == generation + 1,
        f"the status of generation {generation + 1}",
        60.0,
    )


def _generation(world: World) -> int:
    found: Manifest = world.admin.get(record_path("reef"))
    return int(found["metadata"]["generation"])


def _complaints(log: str) -> list[str]:
    """Return what of a log is no mere information."""
    return [line for line in log.splitlines() if line[24:32].strip() not in ("INFO", "DEBUG")]


def test_it_is_nobody_without_an_account_a_home_or_a_capability(
    operator: ContainedOperator,
) -> None:
    status = operator.status()
    assert status["Uid"].split()[0] == "65532"
    assert status["NSpid"].split()[-1] == "1"
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_a_changed_record_is_followed_at_once(world: World, operator: ContainedOperator) -> None:
    for _ in range(3):
        _followed(world)
    assert not _complaints(operator.log)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A token that was projected in another's place, and where the audit log was by then."""

    identity: str
    since: int


@pytest.fixture(scope="module")
def rotated(
    world: World, server: Server, account: ServiceAccountVolume, operator: ContainedOperator
) -> Rotated:
    """Rotate the token of the operator, which reads it again within a minute."""
    del operator  # it has begun with the one before
    since = 0
    with suppress(NotSupported):
        since = world.mark()
    fresh = _token(world, "second")
    account.write(_projected(server, fresh))
    return Rotated(_identity(fresh), since)


# Meanwhile, others are tried.
@pytest.mark.usefixtures("rotated")
def test_without_a_token_it_names_the_file(image: Path, server: Server, tmp_path: Path) -> None:
    code, log = container.run(container.of_chart(image, server, None), tmp_path)
    _ended_clearly(code, log, f"{container.ACCOUNT}/token", "automountServiceAccountToken")


def test_without_a_certificate_it_says_so(
    image: Path, world: World, server: Server, tmp_path: Path
) -> None:
    volume = ServiceAccountVolume(tmp_path / "account")
    volume.write({"token": _token(world, "third"), "namespace": chart.NAMESPACE})
    code, log = container.run(container.of_chart(image, server, volume.directory), tmp_path)
    _ended_clearly(code, log, "ca.crt", "certification file does not exist")


def _ended_clearly(code: int, log: str, *words: str) -> None:
    assert code == 1, log
    assert "Traceback" not in log
    (line,) = [line for line in log.splitlines() if line.startswith("responsibility-operator: ")]
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    "foreign", ["token", pytest.param("audience", marks=pytest.mark.long), "authority"]
)
def test_what_is_for_another_server_is_told(
    image: Path, world: World, server: Server, tmp_path: Path, foreign: str
) -> None:
    """It waits for the server to take it, as it may in a moment, and says why it isn't ready."""
    volume = ServiceAccountVolume(tmp_path / "account")
    audience = ("--audience=https://elsewhere.example",) if foreign == "audience" else ()
    files = _projected(server, _token(world, "fourth", *audience))
    if foreign == "token":
        head, _, _ = files["token"].rpartition(".")
        files["token"] = f"{head}.{'A' * 342}"
    elif foreign == "authority":
        # A certificate that has nothing to do with this server's.
        Listening(world.cluster, tmp_path)
        files["ca.crt"] = (tmp_path / "tls.crt").read_text(encoding="utf-8")
    volume.write(files)
    made = container.of_chart(image, server, volume.directory)
    with container.started(made, tmp_path) as operator:
        operator.until_logged("certificate" if foreign == "authority" else "401")
        status, why = operator.answer("/readyz")
        assert (status, operator.running) == (503, True)
        assert why
        assert "Traceback" not in operator.log
        assert files["token"] not in operator.log
        assert operator.stop() == 0


def test_a_tmp_that_cannot_be_written_to_is_no_reason_to_end(
    image: Path, world: World, server: Server, tmp_path: Path
) -> None:
    volume = ServiceAccountVolume(tmp_path / "account")
    volume.write(_projected(server, _token(world, "fifth")))
    made = container.of_chart(image, server, volume.directory)
    with container.started(replace(watching(made), writable_tmp=False), tmp_path) as operator:
        operator.until_ready()
        _followed(world)
        assert operator.stop() == 0
        assert "Traceback" not in operator.log


def test_a_rotated_token_is_followed_and_the_old_one_not_needed(
    world: World, rotated: Rotated, operator: ContainedOperator
) -> None:
    log = world.cluster.audit_log

    def is_used() -> bool:
        events = audit.events(log, since=rotated.since)
        return rotated.identity in map(_credential, events)

    world.until(is_used, f"the new token to be used:\n{operator.log}", RENEWED)
    assert not _complaints(operator.log), "more than one renewal, and nothing to say of it"
    # From now on only who has the new one is let in, also by watches.
    world.cluster.kubectl("delete", "secret", "first", f"-n={chart.NAMESPACE}")
    world.cluster.stop_apiserver()
    world.cluster.start_apiserver()
    _followed(world)
    # Its watches begin again one after the other.
    world.until(lambda: operator.page("/readyz")[0] == 200, "it to be ready again", 60.0)
    assert "Traceback" not in operator.log


def test_it_ends_when_a_kubelet_asks(world: World, operator: ContainedOperator) -> None:
    del world
    assert operator.stop() == 0, operator.log
