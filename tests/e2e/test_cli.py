"""The command line on a real cluster, with the demo's organisation on it."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import installation, organisation
from responsibility.cli import default_roles, live
from responsibility.cli.main import COMMANDS, main
from responsibility.cli.options import Where
from responsibility.cli.types import Type, Types
from responsibility.cli.world import Need, World
from responsibility.cluster.protocol import Client
from responsibility.rbac.parse import parse_role
from tests.e2e.lab import clusters
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.existing import ExistingCluster
from tests.e2e.lab.identities import impersonating_kubeconfig, service_account_kubeconfig


@pytest.fixture(scope="module")
def demo() -> Iterator[Cluster]:
    """Bring up a cluster with the organisation, its records and its model."""
    if clusters.choose() is ExistingCluster:
        pytest.skip("the demo binds strangers to cluster-admin: set E2E_CLUSTER=kwok or kind")
    with clusters.cluster(f"e2e-{os.getpid()}-cli") as fresh:
        installation.install(fresh)
        yield fresh


@pytest.fixture
def kubeconfig(demo: Cluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the command line at the demo."""
    monkeypatch.setenv("KUBECONFIG", str(demo.kubeconfig))
    return demo.kubeconfig


# Somebody with every kind of grant: user and groups, as on the command line.
PEOPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "by a group, everything": ("pat", ("platform-engineers",)),
    "by a group, in two namespaces": ("sam", ("support-engineers",)),
    "by a group, a built-in role": ("lee", ("leap-admins",)),
    "by a group, a role that is gone": ("ada", ("atlas-engineers",)),
    "by name, everything": ("temp-contractor@example.org", ()),
    "by name, in one namespace": ("former-engineer@example.org", ()),
    "an account, everything": ("system:serviceaccount:ci:deployer", ()),
    "an account, by its own Role": ("system:serviceaccount:coast:hub", ()),
    "an account, cluster-wide": ("system:serviceaccount:leap-prod:traefik-dask-gateway", ()),
    "an account in other groups": ("system:serviceaccount:ci:deployer", ("leap-admins",)),
    "before RBAC": ("root", ("system:masters",)),
    "a node": ("system:node:none", ("system:nodes",)),
    "a controller": ("system:kube-controller-manager", ()),
    "nobody": ("nobody", ()),
}
QUESTIONS = (
    ("get", "secrets/hub", "-n", "coast"),
    ("patch", "deploy/hub", "-n", "leap-prod"),
    ("create", "pods", "--subresource", "exec", "-n", "leap-prod"),
    ("list", "secrets", "-A"),
    ("delete", "namespaces/coast", "-n", "coast"),
    ("list", "nodes"),
    ("get", "/healthz"),
    ("*", "*", "-n", "atlas"),
)


def test_the_answers_are_those_of_kubectl(
    demo: Cluster, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.exists()
    pairs = [(person, words) for person in PEOPLE for words in QUESTIONS]
    asked = {pair: _arguments(*pair) for pair in pairs}

    def ask_kubectl(arguments: list[str]) -> str:
        done = demo.kubectl("auth", "can-i", *arguments, check=False)
        return done.stdout.split()[0]

    with ThreadPoolExecutor(2) as pool:
        theirs = dict(zip(pairs, pool.map(ask_kubectl, asked.values()), strict=True))
    wrong = {}
    for pair in pairs:
        code = main(["can-i", *asked[pair], "-o", "json"])
        answer = json.loads(capsys.readouterr().out)
        ours = answer["answer"]
        assert code == {"yes": 0, "no": 1, "unknown": 3}[ours]
        if ours == "yes" and theirs[pair] == "yes":
            assert answer["sources"] or answer["reason"], pair
        # Without --as-group, kubectl asks about somebody who is in no group at all.
        if ours == "unknown" and theirs[pair] == "no" and not PEOPLE[pair[0]][1]:
            assert answer["ifInGroups"], pair
        elif ours != theirs[pair]:
            wrong[pair] = (ours, theirs[pair])
    assert len(pairs) >= 60
    assert not wrong


def _arguments(person: str, words: tuple[str, ...]) -> list[str]:
    user, groups = PEOPLE[person]
    return [*words, f"--as={user}", *(f"--as-group={group}" for group in groups)]


def _examples(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return every example of every --help, as it stands there."""
    found: list[str] = []
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        examples = capsys.readouterr().out.partition("Examples:\n")[2].partition("\n\n")[0]
        found.extend(line.strip() for line in examples.splitlines())
    # Need programs that this machine may not have.
    return [line for line in found if not line.startswith("helm ") and "fish" not in line]


def _shell(line: str, where: Path) -> tuple[int, str, str]:
    """Run a line as a person would: exit code, stdout, stderr."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=where,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_every_example_of_every_help_works(
    kubeconfig: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kubeconfig.exists()
    now = datetime.now(UTC)
    documents = {
        "manifests/hubs.yaml": [*organisation.hubs(), *organisation.third_hub()],
        "manifests/people.yaml": [*organisation.communities(), *organisation.problems()],
        "rbac.yaml": organisation.provider(),
    }
    for record in (*organisation.records(now), organisation.third_record()):
        documents[f"records/{record['metadata']['name']}.yaml"] = [record]
    for name, manifests in documents.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    examples = _examples(capsys)
    assert len(examples) > 25
    failed = {}
    for line in examples:
        if plain := line.startswith("kubectl responsibility ") and not set("<|>") & set(line):
            code = main(shlex.split(line)[2:])
            told = capsys.readouterr()
            done = (code, told.out, told.err)
        else:
            done = _shell(line, tmp_path)
        if done[0] not in (0, 1, 3) or "error:" in done[2] or "Usage" in done[2]:
            failed[line] = done
        if plain and not done[1] and not done[2]:
            failed[line] = done
    assert not failed


def test_kubectl_finds_its_plugin(kubeconfig: Path, tmp_path: Path) -> None:
    assert kubeconfig.exists()
    code, out, _ = _shell("kubectl responsibility who-can delete namespaces/atlas", tmp_path)
    assert code == 0
    assert "ServiceAccount   ci/deployer" in out


def test_without_rights_it_says_so_and_gives_what_can_be_known(
    demo: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poor = service_account_kubeconfig(demo, "leap-prod", "hub", tmp_path / "poor")
    reach = [f"--kubeconfig={poor}", "-n", "leap-prod"]
    assert main(["who-can", "get", "pods", *reach]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: you may not list clusterrolebindings, clusterroles")
    # About oneself, the server always answers.
    assert main(["can-i", "get", "pods", *reach]) == 0
    told = capsys.readouterr()
    assert told.out == "yes\n"
    assert "this is the server's own word, without its sources" in told.err
    assert main(["can-i", "delete", "nodes", *reach]) == 1
    capsys.readouterr()
    assert main(["can-i", "get", "pods", "--as", "pat", *reach]) == 2
    assert "you may not list" in capsys.readouterr().err


def _answers(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    told = capsys.readouterr()
    return code, told.out + told.err


def test_who_acts_as_somebody_else_has_their_rights_and_no_others(
    demo: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not the rights of the administrator, whose credentials these are.
    lee = impersonating_kubeconfig(demo, "lee", ["leap-admins"], tmp_path / "lee")
    mine = ("-n", "leap-prod", f"--kubeconfig={lee}")
    code, told = _answers(capsys, "can-i", "patch", "deploy/hub", *mine)
    assert (code, told.splitlines()[0]) == (0, "yes")
    assert _answers(capsys, "can-i", "delete", "nodes", *mine)[0] == 1
    assert _answers(capsys, "can-i", "get", "pods", "-n", "coast", f"--kubeconfig={lee}")[0] == 1
    code, told = _answers(capsys, "drift", f"--kubeconfig={lee}")
    assert code == 2
    assert "you may not list clusterrolebindings" in told
    # The extra fields arrive: the server asks for the right to each of them.
    pat = {"as": "pat", "as-groups": ["platform-engineers"], "as-uid": "7"}
    text = yaml.safe_load(lee.read_text(encoding="utf-8"))
    text["users"][0]["user"].update(pat, **{"as-user-extra": {"example.org/Via": ["ä", "b"]}})
    lee.write_text(yaml.safe_dump(text), encoding="utf-8")
    where = Where(kubeconfig=lee)

    async def whoami(api: Client) -> dict[str, Any]:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return await api.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)

    assert live.run(where, whoami)["status"]["userInfo"] == {
        "username": "pat",
        "uid": "7",
        "groups": ["platform-engineers", "system:authenticated"],
        "extra": {"example.org/via": ["ä", "b"]},
    }
    code, told = _answers(capsys, "who-can", "delete", "namespaces/atlas", f"--kubeconfig={lee}")
    assert code == 0
    assert "Group            platform-engineers" in told


def test_as_means_what_it_means_to_kubectl(
    demo: Cluster, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.exists()
    asked = ("who-can", "get", "pods", "-n", "coast")
    assert _answers(capsys, *asked)[0] == 0
    for someone in (("--as=nobody",), ("--as=lee", "--as-group=leap-admins")):
        code, told = _answers(capsys, *asked, *someone)
        assert code == 2
        assert "you may not list" in told
        theirs = demo.kubectl("get", "clusterroles", *someone, check=False)
        assert "cannot list resource" in theirs.stderr
    as_engineer = ("--as=pat", "--as-group=platform-engineers")
    assert _answers(capsys, *asked, *as_engineer) == _answers(capsys, *asked)
    # Who may not impersonate is told so, and not answered as somebody else.
    code, told = _answers(capsys, *asked, "--as-group=platform-engineers")
    assert code == 2
    assert "need --as" in told


def test_the_same_is_found_live_and_in_files(
    demo: Cluster, kubeconfig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.exists()
    kinds = "roles,rolebindings,clusterroles,clusterrolebindings,deployments,namespaces,resp"
    dump = demo.kubectl("get", f"{kinds},respmodel", "-A", "-o", "yaml").stdout
    (tmp_path / "dump.yaml").write_text(dump, encoding="utf-8")
    found = []
    for source in ((), ("-f", str(tmp_path / "dump.yaml"))):
        assert main(["drift", "-o", "json", *source]) == 0
        listed = json.loads(capsys.readouterr().out)
        found.append({(each["id"], each["kind"], each["message"]) for each in listed})
    live_, files = found
    # In files, a role that is missing may be elsewhere: what is missing then is unknown.
    certain = {each for each in live_ if each[1] != "missing-access"}
    assert certain <= files
    assert {each[1] for each in files - certain} <= {"missing-access", "unknown"}


def test_the_default_roles_are_those_of_this_kubernetes(demo: Cluster) -> None:
    for role in default_roles.assume(default_roles.NAMES, ()):
        raw = json.loads(demo.kubectl("get", "clusterrole", role.key.name, "-o", "json").stdout)
        served = parse_role(raw)
        ours = {_spread(rule) for rule in role.rules}
        theirs = {_spread(rule) for rule in served.rules}
        if role.key == default_roles.CLUSTER_ADMIN:
            assert ours == theirs
        else:
            # At least: a later version of Kubernetes, or an add-on, may add to them.
            assert ours <= theirs


def _spread(rule: object) -> tuple[frozenset[str], ...]:
    names = ("verbs", "api_groups", "resources", "non_resource_urls")
    return tuple(frozenset(getattr(rule, name)) for name in names)


def test_the_table_of_types_is_that_of_this_kubernetes(kubeconfig: Path) -> None:
    async def discover(api: Client) -> World:
        return await live.gather(api, Need.TYPES, namespace="default")

    world: World = live.run(Where(kubeconfig=kubeconfig), discover)
    served = {_told(each) for each in world.types.known}
    assert {_told(each) for each in Types.builtin().known} <= served
    ours = world.types.find("resp")
    assert ours is not None
    assert ours.resource == "responsibilities"


def _told(it: Type) -> tuple[object, ...]:
    return (it.group, it.resource, it.kind, it.namespaced, it.short_names)
