"""Rights that are lost for moments: what is refused meanwhile is done soon after they are back."""

import ast
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import responsibility.controller
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.runtime import Runtime
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Refused
from tests.apiserver.server import ApiServer
from tests.unit.controller.at_work import running
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import RECORDS, World, garden_world

USER = 'User "system:serviceaccount:ours:operator" cannot patch resource'
NO_DEPLOYMENT = Refused(
    403,
    "Forbidden",
    f'deployments.apps "hub" is forbidden: {USER} "deployments" in API group "apps" '
    'in the namespace "prod"',
)
NO_STATUS = Refused(
    403,
    "Forbidden",
    f'responsibilities.responsibility.2i2c.org "prod" is forbidden: {USER} '
    '"responsibilities/status" in API group "responsibility.2i2c.org" at the cluster scope',
)
REFUSALS = {"PATCH /apis/apps": NO_DEPLOYMENT, f"PATCH {RECORDS}": NO_STATUS}
WEBHOOK = Refused(
    403,
    "Forbidden",
    f'admission webhook "x.example.org" denied the request: {NO_DEPLOYMENT.message}',
)
POLICY = Refused(
    403,
    "Forbidden",
    "deployments.apps \"hub\" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'x' "
    f"denied request: {NO_DEPLOYMENT.message}",
)


def questions(world: World) -> int:
    """Return how often it was asked for all rights."""
    return sum(
        (asked["resourceAttributes"]["verb"], asked["resourceAttributes"]["resource"])
        == ("list", "roles")
        for asked in world.server.asked
    )


@asynccontextmanager
async def at_work(world: World, *, every: float = 1.0) -> AsyncIterator[None]:
    """Do a pass ``every`` so many seconds, and look after our own rights."""

    class Passes:
        async def run(self) -> None:
            while True:
                await world.publish()
                await asyncio.sleep(every)

    await world.capabilities.own_rights.check()
    async with running(world.capabilities.own_rights, Passes()):
        yield


def untidy(world: World) -> None:
    """Have somebody take away what is ours."""
    world.put_hub()
    world.server.objects[f"{RECORDS}/prod"]["status"] = {}
    world.watch_own()


def tidy(world: World) -> bool:
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    return bool(world.server.objects[path]["metadata"]["annotations"]) and bool(world.status())


@pytest.mark.parametrize("moment", [0.0, 2.5, 9.9, 17.0, 28.5, 29.9])
@pytest.mark.parametrize("lost", [1.0, 5.0, 14.0])
@virtual
async def test_what_was_refused_is_done_soon_after_the_rights_are_back(
    lost: float, moment: float
) -> None:
    world = garden_world()
    world.server.says = lambda _: not world.server.failures
    async with at_work(world):
        await asyncio.sleep(30 + moment)
        assert tidy(world)
        asked = questions(world)
        world.server.failures = dict(REFUSALS)
        untidy(world)
        await asyncio.sleep(lost)
        assert not tidy(world)
        world.server.failures = {}
        await asyncio.sleep(5)
        assert tidy(world)
        assert questions(world) - asked <= 4 + lost / 1.5
        # And then it is at rest again.
        asked, retries = questions(world), world.retries
        await asyncio.sleep(90)
        assert questions(world) - asked <= 4
        assert world.retries == retries


@virtual
async def test_rights_that_come_and_go_are_followed_each_time() -> None:
    world = garden_world()
    world.server.says = lambda _: not world.server.failures
    async with at_work(world):
        await asyncio.sleep(45)
        for lost in (1.0, 3.0, 14.0, 2.0, 7.0):
            world.server.failures = dict(REFUSALS)
            untidy(world)
            await asyncio.sleep(lost)
            world.server.failures = {}
            await asyncio.sleep(20)
            assert tidy(world), lost


@pytest.mark.parametrize("refusal", [WEBHOOK, POLICY], ids=["webhook", "policy"])
@virtual
async def test_what_others_refuse_costs_no_question_and_no_retry(refusal: Refused) -> None:
    """Though they say what an authorizer would say."""
    world = garden_world()
    world.server.says = lambda _: True
    world.server.failures = {"PATCH /apis/apps": refusal}
    async with at_work(world, every=10):
        await asyncio.sleep(3_500)
    assert world.retries == 0
    assert questions(world) <= 118
    assert len(to_deployments(world)) <= 6, "every ten minutes"


@virtual
async def test_an_authorizer_that_contradicts_itself_costs_no_hot_loop() -> None:
    world = garden_world()
    world.server.says = lambda _: True
    world.server.failures = {"PATCH /apis/apps": NO_DEPLOYMENT}
    async with at_work(world, every=10):
        await asyncio.sleep(3_600)
    assert len(to_deployments(world)) <= 30
    assert questions(world) <= 300


@virtual
async def test_a_name_that_we_were_never_given_costs_no_question() -> None:
    world = garden_world()
    message = NO_DEPLOYMENT.message.replace('"hub"', '"other"')
    world.put_hub("prod", "hub", "other")
    world.server.says = lambda _: True
    world.server.failures = {"deployments/other": Refused(403, "Forbidden", message)}
    async with at_work(world, every=10):
        await asyncio.sleep(590)
    assert world.retries == 0
    assert questions(world) <= 21


@virtual
async def test_a_right_that_stays_away_is_asked_for_ever_more_seldom() -> None:
    world = garden_world()
    world.server.says = lambda _: not world.server.failures
    async with at_work(world, every=5):
        await asyncio.sleep(45)
        world.server.failures = dict(REFUSALS)
        untidy(world)
        await asyncio.sleep(120)
        asked = questions(world)
        await asyncio.sleep(600)
        assert questions(world) - asked <= 100
        assert world.retries == 0
        world.server.failures = {}
        await asyncio.sleep(15)
        assert tidy(world)


@virtual
async def test_a_question_that_fails_forgets_nothing() -> None:
    world = garden_world()
    world.server.says = lambda _: not world.server.failures
    async with at_work(world):
        await asyncio.sleep(45)
        world.server.failures = dict(REFUSALS)
        untidy(world)
        await asyncio.sleep(5)
        world.server.failures = {"": Refused(503, "ServiceUnavailable")}
        await asyncio.sleep(10)
        world.server.failures = {}
        await asyncio.sleep(15)
        assert tidy(world)


def to_deployments(world: World) -> list[str]:
    return [r.path for r in world.server.requests if r.is_write and "/deployments/" in r.path]


# --- what remembers refusals ----------------------------------------------------------------------


def _remembering() -> set[type[Any]]:
    """Return the classes of the controller that can be told to try again."""
    [root] = responsibility.controller.__path__
    found = set()
    for path in Path(root).rglob("*.py"):
        for name, methods in _classes(path).items():
            if "retry_refused" in methods:
                found.add(getattr(_module(path, root), name))
    return found


def _classes(path: Path) -> dict[str, set[str]]:
    return {
        node.name: {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }


def _module(path: Path, root: str) -> Any:
    parts = path.relative_to(root).with_suffix("").parts
    return import_module(".".join((responsibility.controller.__name__, *parts)))


def _waiting(path: Path) -> set[str]:
    """Return the classes that wait long after a write was refused."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and {"PATIENCE", "_PATIENCE"} & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        and any("errors." in ast.unparse(n) for n in ast.walk(node) if _handles(n))
    }


def _handles(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler)


def test_whatever_waits_after_a_refusal_can_be_told_to_try_again() -> None:
    [root] = responsibility.controller.__path__
    waiting = {name for path in Path(root).rglob("*.py") for name in _waiting(path)}
    # It reads, and waits for an answer.
    assert waiting - {found.__name__ for found in _remembering()} == {"Callers"}
    assert len(waiting) >= 5


@virtual
async def test_whatever_remembers_refusals_is_told_when_rights_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None of them can be forgotten: they are found by what they have."""
    told: set[str] = set()

    def noting(kind: type[Any]) -> Callable[[Any], None]:
        original = kind.retry_refused

        def retry_refused(self: Any) -> None:
            told.add(kind.__name__)
            original(self)

        return retry_refused

    remembering = _remembering()
    for kind in remembering:
        monkeypatch.setattr(kind, "retry_refused", noting(kind))
    runtime = Runtime(Settings(), InProcessApi(ApiServer()), Metrics())
    runtime._try_again()
    assert told == {kind.__name__ for kind in remembering}
    assert len(told) >= 8
