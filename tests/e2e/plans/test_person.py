"""A person plans and applies on the demo's cluster; everybody is asked as themselves."""

import asyncio
import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo import installation, organisation
from responsibility.cli import live
from responsibility.cli.main import main
from responsibility.cli.options import instant
from responsibility.cli.plans import Maker
from responsibility.cli.world import ALL
from responsibility.cluster import apply
from responsibility.cluster.client import Api, Json
from responsibility.cluster.undo import Journal
from responsibility.ownership.plans.aim import Aim
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.identities import impersonating_kubeconfig
from tests.e2e.lab.waiting import wait_until

CAPTAIN = ("pat", ("platform-engineers",))
OUTSIDER = "stranger@example.org"
# What planning takes, and no more: who could read Secrets would have too much.
READ = ",".join(
    (
        *(f"{kind}.rbac.authorization.k8s.io" for kind in ("roles", "rolebindings")),
        *(f"cluster{kind}.rbac.authorization.k8s.io" for kind in ("roles", "rolebindings")),
        *("deployments.apps", "namespaces", "serviceaccounts"),
        "responsibilities.responsibility.2i2c.org",
        "responsibilitymodels.responsibility.2i2c.org",
    )
)
_RBAC: Any = {"apiGroup": "rbac.authorization.k8s.io"}
EXTRA: list[Any] = [
    # A role that gives two strangers too much, by two bindings: it is narrowed.
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "loose", "namespace": "coast"},
        "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}],
    },
    *(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"loose-{name}", "namespace": "coast"},
            "subjects": [{"kind": "User", "name": name} | _RBAC],
            "roleRef": {**_RBAC, "kind": "Role", "name": "loose"},
        }
        for name in ("one@example.org", "two@example.org")
    ),
    # Shared: one of the two is owed it.
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "shared", "namespace": "coast"},
        "subjects": [
            {"kind": "User", "name": OUTSIDER} | _RBAC,
            {"kind": "Group", "name": "platform-engineers"} | _RBAC,
        ],
        "roleRef": {**_RBAC, "kind": "ClusterRole", "name": "admin"},
    },
    # Who lost it could give it back to itself.
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "regrant", "namespace": "coast"},
        "subjects": [{"kind": "User", "name": OUTSIDER} | _RBAC],
        "roleRef": {**_RBAC, "kind": "Role", "name": "regrant"},
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "regrant", "namespace": "coast"},
        "rules": [
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["rolebindings"],
                "verbs": ["create"],
            },
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["clusterroles"],
                "verbs": ["bind"],
            },
        ],
    },
]


_EXTRA = json.dumps({"apiVersion": "v1", "kind": "List", "items": EXTRA})
# All that rights depend on, as it was when the demo was installed.
_INSTALLED: dict[str, Any] = {}


@pytest.fixture(scope="module")
def demo(plans_cluster: Cluster) -> Iterator[Cluster]:
    """Install the demo's organisation, and some more that is too much."""
    _install(plans_cluster)
    _INSTALLED.clear()
    _INSTALLED.update(bindings(plans_cluster))
    yield plans_cluster
    plans_cluster.kubectl("delete", "-f", "-", "--ignore-not-found", input=_EXTRA)


def _install(cluster: Cluster) -> None:
    installation.install(cluster)
    cluster.kubectl("apply", "-f", "-", input=_EXTRA)


@pytest.fixture
def captain(demo: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be somebody of the provider, in a folder of their own, with everything as it was."""
    if bindings(demo) != _INSTALLED:
        _install(demo)
    kubeconfig = impersonating_kubeconfig(demo, *CAPTAIN, tmp_path / "captain")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.chdir(tmp_path)
    return kubeconfig


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["plan", *arguments, "-o", "json"]) == 0
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    return plan


def may(cluster: Cluster, user: str, *words: str, groups: tuple[str, ...] = ()) -> bool:
    as_groups = [f"--as-group={group}" for group in groups]
    asked = cluster.kubectl("auth", "can-i", *words, f"--as={user}", *as_groups, check=False)
    return asked.stdout.split()[0] == "yes"


def bindings(cluster: Cluster) -> dict[str, Any]:
    """Return all that rights depend on, by object."""

    async def listed() -> dict[str, Any]:
        async with Api.connect(cluster.kubeconfig) as api:
            return await all_bindings(api)

    return asyncio.run(listed())


async def all_bindings(api: Api) -> dict[str, Any]:
    found = {}
    for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"):
        for raw in (await api.get(f"/apis/rbac.authorization.k8s.io/v1/{kind}"))["items"]:
            meta = raw["metadata"]
            found[f"{kind} {meta.get('namespace', '')}/{meta['name']}"] = apply.essence(raw)
    return found


def test_a_plan_is_approved_applied_proved_and_taken_back(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captain.exists()
    before = bindings(demo)
    plan = planned(capsys, "--all")
    actions = {change["action"] for change in plan["changes"]}
    assert actions == {
        *("create-role", "create-binding", "narrow-role", "edit-binding", "delete-binding")
    }
    assert may(demo, OUTSIDER, "patch", "deploy/hub", "-n", "coast")
    assert main(["apply-plan", plan["digest"], "--all", "--dry-run"]) == 0
    assert bindings(demo) == before
    assert main(["apply-plan", plan["digest"][:16], "--all", "--yes"]) == 0
    told = capsys.readouterr()
    assert "the server confirms it" in told.out
    assert "Warning" not in told.err

    # As themselves: the stranger, a member of the group, the leaver; and those who are owed it.
    wait_until(
        lambda: not may(demo, OUTSIDER, "patch", "deploy/hub", "-n", "coast"), 30, "it to end"
    )
    assert not may(demo, "lee", "delete", "pods", "-n", "leap-prod", groups=("leap-admins",))
    assert may(demo, "lee", "update", "secrets/hub", "-n", "leap-prod", groups=("leap-admins",))
    assert may(demo, "lee", "get", "pods", "-n", "leap-prod", groups=("leap-admins",))
    assert not may(demo, "former-engineer@example.org", "get", "pods", "-n", "coast")
    assert may(demo, "one@example.org", "get", "deploy", "-n", "coast")
    assert not may(demo, "one@example.org", "patch", "deploy", "-n", "coast")
    assert may(demo, "pat", "patch", "deploy/hub", "-n", "coast", groups=("platform-engineers",))
    # Nor can the stranger give it back to itself.
    again = demo.kubectl(
        *("create", "rolebinding", "back", "--clusterrole=admin", f"--user={OUTSIDER}"),
        *("-n", "coast", f"--as={OUTSIDER}"),
        check=False,
    )
    assert "forbidden" in again.stderr

    assert planned(capsys, "--all")["changes"] == []
    (undo,) = Path().glob("undo-*.json")
    assert stat.S_IMODE(undo.stat().st_mode) == 0o600
    assert main(["apply-plan", "--undo", str(undo), "--yes"]) == 0
    assert bindings(demo) == before
    assert planned(capsys, "--all")["digest"] == plan["digest"]
    assert main(["apply-plan", "--undo", str(undo), "--yes"]) == 0


def at_a_terminal(answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command whose input is a terminal, and answer its question."""
    ours, theirs = pty.openpty()
    code = "import sys; from responsibility.cli.main import main; sys.exit(main(sys.argv[1:]))"
    try:
        # The terminal keeps it until it is asked for.
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdin=theirs,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout + done.stderr


def test_a_person_is_asked_first_and_need_not_repeat_the_hub(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captain.exists()
    before = bindings(demo)
    digest = planned(capsys, "coast")["digest"]
    code, told = at_a_terminal("n", "apply-plan", digest)
    assert code != 0
    assert "Make these changes? [y/N]" in told
    assert bindings(demo) == before
    assert not list(Path().glob("undo-*.json"))
    code, told = at_a_terminal("y", "apply-plan", digest)
    assert code == 0, told
    assert "Make these changes? [y/N]" in told
    assert planned(capsys, "coast")["changes"] == []
    (undo,) = Path().glob("undo-*.json")
    assert at_a_terminal("y", "apply-plan", "--undo", str(undo))[0] == 0
    assert bindings(demo) == before


def test_a_stale_plan_is_refused(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captain.exists()
    plan = planned(capsys, "coast")
    demo.kubectl("delete", "rolebinding", "former-engineer", "-n", "coast")
    before = bindings(demo)
    assert main(["apply-plan", plan["digest"], "coast", "--yes"]) == 2
    told = capsys.readouterr()
    assert "have changed since it was made" in told.err
    assert planned(capsys, "coast")["digest"] in told.err
    assert bindings(demo) == before
    assert not list(Path().glob("undo-*.json"))


def test_a_missing_right_is_named_and_another_person_goes_on(
    demo: Cluster,
    captain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = planned(capsys, "--all")
    # May read everything, and edit RBAC in coast only.
    for words in (
        ("clusterrole", "reader", "--verb=get,list", f"--resource={READ}"),
        ("clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader"),
    ):
        demo.kubectl("delete", *words[:2], "--ignore-not-found")
        demo.kubectl("create", *words)
    monkeypatch.setenv(
        "KUBECONFIG", str(impersonating_kubeconfig(demo, "reader", (), tmp_path / "reader"))
    )
    before = bindings(demo)
    code = main(["apply-plan", planned(capsys, "--all")["digest"], "--all", "--yes"])
    told = capsys.readouterr()
    assert code == 2
    assert "stopped at step 1" in told.err
    assert 'User "reader" cannot create resource "roles"' in told.err
    assert "--resume" in told.err
    assert bindings(demo) == before
    (undo,) = Path().glob("undo-*.json")
    monkeypatch.setenv("KUBECONFIG", str(captain))
    demo.kubectl("delete", "clusterrolebinding", "reader")
    demo.kubectl("delete", "clusterrole", "reader")
    assert main(["apply-plan", "--resume", str(undo), "--yes"]) == 0
    assert planned(capsys, "--all")["changes"] == []
    assert plan["changes"]


def test_nobody_saws_off_the_branch_they_sit_on(
    demo: Cluster,
    captain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert captain.exists()
    me = "temp-contractor@example.org"
    monkeypatch.setenv("KUBECONFIG", str(impersonating_kubeconfig(demo, me, (), tmp_path / "me")))
    plan = planned(capsys, "--cluster")
    assert main(["apply-plan", plan["digest"], "--cluster", "--yes"]) == 2
    assert f"takes rights from yourself (User {me})" in capsys.readouterr().err


@pytest.fixture
async def journal(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, Journal]:
    """Write the undo file of the plan for all, and change nothing."""
    assert capsys is not None
    async with Api.connect(demo.kubeconfig) as api:
        world = await live.gather(api, ALL, namespace="default")
        plan = Maker.of(world, instant(None), routes=True).plan(Aim())
        prepared = await apply.prepare(api, plan)
    path = captain.parent / "journal.json"
    prepared.write(path)
    return path, prepared


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
        await apply.go_on(api, prepared, lambda _: None)
        intended = await all_bindings(api)
        await apply.take_back(api, prepared, lambda _: None)
        assert intended != before == await all_bindings(api)
        for number in range(1, len(prepared.steps) + 1):
            # What was deleted and made anew has another UID.
            fresh = await _prepared_again(api, prepared, path)
            assert await asyncio.to_thread(kill_at, demo, path, number, when) == -9
            states = await apply.states(api, fresh)
            made = number if when == "after" else number - 1
            expected = [apply.State.DONE] * made + [apply.State.TODO] * (len(states) - made)
            assert states == expected
            half = await all_bindings(api)
            await apply.take_back(api, fresh, lambda _: None)
            assert await all_bindings(api) == before
            # And the other way out of the same half-way state.
            fresh = await _prepared_again(api, prepared, path)
            half_way = replace(fresh, steps=fresh.steps[:made])
            await apply.go_on(api, half_way, lambda _: None)
            assert await all_bindings(api) == half
            await apply.go_on(api, Journal.read(path), lambda _: None)
            assert await all_bindings(api) == intended
            await apply.take_back(api, fresh, lambda _: None)
            assert await all_bindings(api) == before


async def _prepared_again(api: Api, prepared: Journal, path: Path) -> Journal:
    """Return the same steps for the objects as they are now, and write them."""
    steps = []
    for step in prepared.steps:
        if step.before is None:
            steps.append(step)
            continue
        live = await api.get(step.path)
        meta = {**live["metadata"], "managedFields": None}
        after = None if step.after is None else {**step.after, "metadata": meta}
        steps.append(replace(step, before={**live, "metadata": meta}, after=after))
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
        await apply.go_on(api, prepared, lambda _: None)
        shown = demo.kubectl("get", "role/loose", "-n", "coast", "-o", "json").stdout
        assert json.loads(shown)["metadata"]["labels"]["by"] == "me"
        assert json.loads(shown)["rules"][0]["verbs"] == ["get"]
        await apply.take_back(api, prepared, lambda _: None)


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
        with pytest.raises(apply.StoppedError, match="changed by somebody else") as stopped:
            await apply.go_on(api, prepared, lambda _: None)
        assert "shared" in stopped.value.step.what
        names = json.loads(demo.kubectl("get", *shared, "-o", "json").stdout)["subjects"]
        assert {each["name"] for each in names} == {OUTSIDER, "platform-engineers", "new"}
        # Once that is repaired, it goes on.
        demo.kubectl("apply", "-f", "-", input=json.dumps(EXTRA[3]))
        await apply.go_on(api, prepared, lambda _: None)
        await apply.take_back(api, prepared, lambda _: None)


def test_the_demo_has_what_this_is_about() -> None:
    assert organisation.LEAP_ADMINS["name"] == "leap-admins"
