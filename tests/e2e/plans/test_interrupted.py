"""Whatever comes between: a killed process, somebody else's edit, an API server that restarts."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from responsibility.cli.main import main
from responsibility.cluster import apply_plan
from responsibility.cluster.undo import Journal
from responsibility.cluster.undo_form import kept
from responsibility.kube.client import Api, Json
from tests.e2e.lab.cluster import Cluster
from tests.e2e.plans.scene import EXTRA, OUTSIDER, all_bindings, planned


def kill_at(cluster: Cluster, path: Path, number: int, when: str) -> int:
    command = [sys.executable, "-m", "tests.e2e.plans.killed", str(cluster.kubeconfig)]
    done = subprocess.run(
        [*command, str(path), str(number), when],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_it_can_go_on_or_be_taken_back(
    demo: Cluster, journal: tuple[Path, Journal], when: str
) -> None:
    path, prepared = journal
    async with Api.connect(demo.kubeconfig) as api:
        before = await all_bindings(api)
        await apply_plan.go_on(api, prepared, lambda _: None)
        intended = await all_bindings(api)
        await apply_plan.take_back(api, prepared, lambda _: None)
        assert intended != before == await all_bindings(api)
        for number in range(1, len(prepared.steps) + 1):
            # What was deleted and made anew has another UID.
            fresh = await _prepared_again(api, prepared, path)
            assert await asyncio.to_thread(kill_at, demo, path, number, when) == -9
            states = await apply_plan.states(api, fresh)
            made = number if when == "after" else number - 1
            expected = [apply_plan.StepState.DONE] * made + [apply_plan.StepState.TODO] * (
                len(states) - made
            )
            assert states == expected
            half = await all_bindings(api)
            await apply_plan.take_back(api, fresh, lambda _: None)
            assert await all_bindings(api) == before
            # And the other way out of the same half-way state.
            fresh = await _prepared_again(api, prepared, path)
            half_way = replace(fresh, steps=fresh.steps[:made])
            await apply_plan.go_on(api, half_way, lambda _: None)
            assert await all_bindings(api) == half
            await apply_plan.go_on(api, Journal.read(path), lambda _: None)
            assert await all_bindings(api) == intended
            await apply_plan.take_back(api, fresh, lambda _: None)
            assert await all_bindings(api) == before


async def _prepared_again(api: Api, prepared: Journal, path: Path) -> Journal:
    """Return the same steps for the objects as they are now, and write them."""
    steps = []
    for step in prepared.steps:
        if step.before is None:
            steps.append(step)
            continue
        live = kept(await api.get(step.path))
        after = None if step.after is None else {**step.after, "metadata": live["metadata"]}
        steps.append(replace(step, before=live, after=after))
    fresh = replace(prepared, steps=tuple(steps))
    await asyncio.to_thread(path.unlink, missing_ok=True)
    fresh.write(path)
    return fresh


class Meddled(Api):
    """Somebody else is quicker, once: ``meddle`` is called before the first write."""

    meddle: Any = None

    async def merge(self, path: str, body: Any, **more: Any) -> Json:
        await self._first()
        return await super().merge(path, body, **more)

    async def delete(self, path: str, **more: Any) -> Json:
        await self._first()
        return await super().delete(path, **more)

    async def _first(self) -> None:
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            await asyncio.to_thread(meddle)


async def test_an_edit_beside_what_is_planned_is_kept(
    demo: Cluster, journal: tuple[Path, Journal]
) -> None:
    _, prepared = journal
    async with Meddled.connect(demo.kubeconfig) as api:
        api.meddle = lambda: demo.kubectl("label", "role/loose", "-n", "coast", "by=me")
        await apply_plan.go_on(api, prepared, lambda _: None)
        shown = demo.kubectl("get", "role/loose", "-n", "coast", "-o", "json").stdout
        assert json.loads(shown)["metadata"]["labels"]["by"] == "me"
        assert json.loads(shown)["rules"][0]["verbs"] == ["get"]
        await apply_plan.take_back(api, prepared, lambda _: None)


async def test_an_edit_of_what_is_planned_stops_it(
    demo: Cluster, journal: tuple[Path, Journal]
) -> None:
    _, prepared = journal
    added = '[{"op":"add","path":"/subjects/-","value":{"kind":"User","name":"new"}}]'
    shared = ("rolebinding/shared", "-n", "coast")

    def meddle() -> None:
        demo.kubectl("patch", *shared, "--type=json", "-p", added)

    async with Meddled.connect(demo.kubeconfig) as api:
        api.meddle = meddle
        with pytest.raises(apply_plan.StoppedError, match="changed by somebody else") as stopped:
            await apply_plan.go_on(api, prepared, lambda _: None)
        assert "shared" in stopped.value.step.what
        names = json.loads(demo.kubectl("get", *shared, "-o", "json").stdout)["subjects"]
        assert {each["name"] for each in names} == {OUTSIDER, "platform-engineers", "new"}
        # Once that is repaired, it goes on.
        demo.kubectl("apply", "-f", "-", input=json.dumps(EXTRA[3]))
        await apply_plan.go_on(api, prepared, lambda _: None)
        await apply_plan.take_back(api, prepared, lambda _: None)


async def test_it_goes_on_after_the_api_server_was_away(
    demo: Cluster,
    journal: tuple[Path, Journal],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, prepared = journal
    third = 0

    class Away(Api):
        """The API server goes before the third write."""

        async def _call(self, verb: str, *arguments: Any, **more: Any) -> Any:
            nonlocal third
            third += verb != "GET"
            if third == 3 and verb != "GET":
                await asyncio.to_thread(demo.stop_apiserver)
            return await super()._call(verb, *arguments, **more)

    try:
        async with Away.connect(demo.kubeconfig) as away:
            with pytest.raises(apply_plan.StoppedError) as stopped:
                await apply_plan.go_on(away, prepared, lambda _: None)
            assert stopped.value.number == 3
        # While it is away, nothing else is said than that.
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["apply-plan", "--resume", str(path), "--yes"]) == 2
        assert "Traceback" not in capsys.readouterr().err
    finally:
        await asyncio.to_thread(demo.start_apiserver)
    async with Api.connect(demo.kubeconfig) as api:
        states = await apply_plan.states(api, prepared)
        assert states == [apply_plan.StepState.DONE] * 2 + [apply_plan.StepState.TODO] * (
            len(states) - 2
        )
    assert await asyncio.to_thread(main, ["apply-plan", "--resume", str(path), "--yes"]) == 0
    assert (await asyncio.to_thread(planned, capsys, "--all"))["changes"] == []
    assert await asyncio.to_thread(main, ["apply-plan", "--undo", str(path), "--yes"]) == 0
