"""Trials: what proves a policy, what does not, and how often it is asked."""

import asyncio
import itertools
from collections.abc import Callable, Mapping

import pytest
from aiohttp import web
from multidict import CIMultiDict

from responsibility.api.names import binding_name, policy_name, probe_name
from responsibility.api.stages import AdmissionStage
from responsibility.controller.admission.prober import (
    DEADLINE,
    PERIOD,
    RATE,
    Prober,
    ProbeTarget,
    Proof,
)
from responsibility.controller.reporting.metrics import Metrics
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Refused, Request
from tests.apiserver.server import ApiServer
from tests.unit.controller.virtual import virtual

KEY = ("prod", "fence")
DENY = ProbeTarget(AdmissionStage.DENY, "probe fence 0123", "uid", binding_name("fence", "deny"))
WARN = ProbeTarget(AdmissionStage.WARN, "probe fence 0123", "uid", binding_name("fence", "warn"))


def words(stage: str, probe: str = "probe fence 0123", item: str = "fence") -> str:
    """Return what the API server says of a violation."""
    return (
        f"ValidatingAdmissionPolicy '{policy_name(item)}' with binding "
        f"'{binding_name(item, stage)}' denied request: {probe}"
    )


def refused(text: str) -> Refused:
    return Refused(403, "Forbidden", f'events "x" is forbidden: {text}')


class Cluster(ApiServer):
    """Answers trials; what to is set by tests."""

    def __init__(self) -> None:
        super().__init__(elsewhere=self._try)
        self.tried: list[tuple[float, str]] = []
        self.warnings: Callable[[], tuple[str, ...]] = tuple

    def _try(self, request: Request) -> web.Response:
        assert request.query == {"dryRun": "All"}
        assert request.body["metadata"]["name"] == probe_name("fence")
        self.tried.append((asyncio.get_running_loop().time(), request.path))
        headers = CIMultiDict(("Warning", warning) for warning in self.warnings())
        return web.json_response({}, headers=headers)


def refusing(error: Refused) -> Callable[[], tuple[str, ...]]:
    def answer() -> tuple[str, ...]:
        raise error

    return answer


def prober_of(cluster: Cluster, on_change: Callable[[], None]) -> Prober:
    return Prober(InProcessApi(cluster), Metrics(), on_change)


async def prove(
    cluster: Cluster, targets: Mapping[tuple[str, str], ProbeTarget], seconds: float
) -> tuple[Prober, list[Proof]]:
    """Try for so many seconds; return the prober and what was told of the first target."""
    told: list[Proof] = []
    (key, target), *_ = targets.items()
    prober = Prober(
        InProcessApi(cluster), Metrics(), lambda: told.append(prober.proof(key, target.stage))
    )
    prober.want(targets)
    task = asyncio.create_task(prober.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return prober, told


@virtual
async def test_a_refusal_by_the_policy_proves_it() -> None:
    cluster = Cluster()
    cluster.warnings = refusing(refused(words("deny")))
    _, told = await prove(cluster, {KEY: DENY}, 1)
    assert told == [Proof(True)]


@virtual
async def test_a_warning_by_the_policy_proves_it() -> None:
    cluster = Cluster()
    cluster.warnings = lambda: ('299 - "something else"', f'299 - "{words("warn")}"')
    _, told = await prove(cluster, {KEY: WARN}, 1)
    assert told == [Proof(True)]


def _silence() -> tuple[str, ...]:
    return ()


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (DENY, _silence),
        (WARN, _silence),
        (DENY, lambda: (words("deny"),)),
        (WARN, refusing(refused(words("warn")))),
        (DENY, refusing(refused(words("deny", probe="probe fence 9999")))),
        (DENY, refusing(refused(words("warn")))),
        (DENY, refusing(refused(words("deny", item="beds")))),
        (DENY, refusing(Refused(422, "Invalid", "some webhook says no"))),
        (DENY, refusing(Refused(403, "Forbidden", "User x cannot create resource events"))),
    ],
)
def test_anything_else_proves_nothing(
    target: ProbeTarget, answer: Callable[[], tuple[str, ...]]
) -> None:
    @virtual
    async def run() -> None:
        cluster = Cluster()
        cluster.warnings = answer
        _, told = await prove(cluster, {KEY: target}, DEADLINE + 15)
        assert told[0].ok is None, "it may take a moment to come into force"
        assert told[-1].ok is False
        assert told[-1].why

    run()


@virtual
async def test_what_was_proved_and_fails_is_told_at_once() -> None:
    cluster = Cluster()
    cluster.warnings = refusing(refused(words("deny")))
    told: list[Proof] = []
    prober = Prober(
        InProcessApi(cluster),
        Metrics(),
        lambda: told.append(prober.proof(KEY, AdmissionStage.DENY)),
    )
    prober.want({KEY: DENY})
    task = asyncio.create_task(prober.run())
    await asyncio.sleep(1)
    cluster.warnings = tuple
    prober.again()
    await asyncio.sleep(0.5)
    assert [proof.ok for proof in told] == [True, False]
    cluster.warnings = refusing(refused(words("deny")))
    await asyncio.sleep(DEADLINE)
    assert told[-1] == Proof(True)
    task.cancel()


@virtual
async def test_a_server_that_is_away_says_nothing_about_policies() -> None:
    cluster = Cluster()
    cluster.warnings = refusing(refused(words("deny")))
    prober, _ = await prove(cluster, {KEY: DENY}, 1)
    cluster.warnings = refusing(Refused(503, "ServiceUnavailable"))
    task = asyncio.create_task(prober.run())
    await asyncio.sleep(PERIOD * 2)
    assert prober.proof(KEY, AdmissionStage.DENY) == Proof(True)
    task.cancel()


@virtual
async def test_a_new_stage_has_to_be_proved_anew() -> None:
    cluster = Cluster()
    cluster.warnings = refusing(refused(words("deny")))
    prober, _ = await prove(cluster, {KEY: DENY}, 1)
    assert prober.proof(KEY, AdmissionStage.WARN).ok is None
    prober.want({KEY: WARN})
    assert prober.proof(KEY, AdmissionStage.DENY).ok is None


@virtual
async def test_at_rest_there_are_few_trials_however_many_targets() -> None:
    cluster = Cluster()
    cluster.warnings = refusing(refused(words("deny")))
    targets = {(f"hub-{number}", "fence"): DENY for number in range(600)}
    await prove(cluster, targets, 600)
    began = cluster.tried[0][0]
    assert len({path for at, path in cluster.tried if at < began + 30}) == 600
    later = [at for at, _ in cluster.tried if at > began + 300]
    assert len(later) / 300 <= RATE * 1.1


@virtual
async def test_however_many_there_are_it_is_known_that_trials_are_answered() -> None:
    cluster = Cluster()
    cluster.warnings = refusing(refused(words("deny")))
    # All are proved in the first minute, and none is due for the ten that follow.
    targets = {(f"ns-{number}", "fence"): DENY for number in range(2_500)}
    await prove(cluster, targets, 600)
    times = [0.0, *(at - cluster.tried[0][0] for at, _ in cluster.tried)]
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) <= PERIOD + 1
    assert len(cluster.tried) < 2_500 + 2 * 600 / PERIOD, "which costs next to nothing"
