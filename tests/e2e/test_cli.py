"""The command line on a real cluster, with the demo's organisation on it."""

import gzip
import json
import os
import random
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
from tests.e2e.lab.waiting import wait_until


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


# Grants of every kind beside those that the demo has; everybody here has one, named in the key.
_RBAC = "rbac.authorization.k8s.io"
_LABEL = "example.org/aggregate-to-keeper"
GRANTS: dict[str, tuple[dict[str, Any], str]] = {
    "named": (organisation.rule("", ["configmaps"], ["get"]) | {"resourceNames": ["a"]}, "coast"),
    "sub": (organisation.rule("apps", ["deployments/scale"], ["patch"]), "coast"),
    "any-scale": (organisation.rule("apps", ["*/scale"], ["patch"]), ""),
    "any-verb": (organisation.rule("apps", ["deployments"], ["*"]), "coast"),
    "any-type": (organisation.rule("apps", ["*"], ["get"]), ""),
    "any-group": (organisation.rule("*", ["jobs"], ["list"]), ""),
    "everything-here": (organisation.rule("*", ["*"], ["*"]), "coast"),
    "a-namespace": (organisation.rule("", ["namespaces"], ["get"]), "coast"),
    "nodes-here": (organisation.rule("", ["nodes"], ["get"]), "coast"),
    "url": ({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}, ""),
    "urls": ({"nonResourceURLs": ["/logs/*"], "verbs": ["*"]}, ""),
    "unknown-type": (organisation.rule("example.org", ["reefs"], ["get"]), ""),
}
# What is asked of each of them, by user and by group.
MORE = (
    ("get", "configmaps/a", "-n", "coast"),
    ("get", "configmap/b", "-n", "coast"),
    ("get", "cm", "-n", "coast"),
    ("patch", "deploy/x", "--subresource=scale", "-n", "coast"),
    ("patch", "sts", "--subresource=scale", "-n", "atlas"),
    ("delete", "deployments.apps", "-n", "coast"),
    ("get", "ds.apps", "-A"),
    ("list", "jobs.batch", "-n", "atlas"),
    ("*", "*", "-n", "coast"),
    ("get", "ns/coast", "-n", "coast"),
    ("get", "no/n1", "-n", "coast"),
    ("get", "/metrics"),
    ("post", "/logs/kubelet"),
)
# Every form that an argument may have; asked of three people.
FORMS = (
    ("get", "deployment", "-n", "coast"),
    ("get", "deploy", "-n", "coast"),
    ("get", "Deployment.apps", "-n", "coast"),
    ("get", "deployments.v1.apps", "-n", "coast"),
    ("get", "deployments.v1.apps/hub", "-n", "coast"),
    ("get", "deployments.extensions", "-n", "coast"),
    ("get", "ingresses.networking", "-n", "coast"),
    ("get", "pods/log", "-n", "coast"),
    ("get", "pods", "--subresource=log", "-n", "coast"),
    ("get", "pod/a", "--subresource=log", "-n", "coast"),
    ("*", "pods", "-n", "coast"),
    ("get", "*", "-n", "coast"),
    ("get", "*.apps", "-n", "coast"),
    ("get", "*", "--subresource=scale", "-n", "coast"),
    ("*", "*", "-A"),
    ("*", "*.*", "-A"),
    ("list", "pods", "--all-namespaces"),
    ("get", "resp/coast"),
    ("get", "responsibilities.responsibility.2i2c.org", "-n", "coast"),
    ("get", "reefs.example.org", "-n", "coast"),
    ("approve", "csr"),
    ("impersonate", "users/ann"),
    ("use", "podsecuritypolicies"),
    ("get", "/"),
    ("get", "/healthz/*"),
    ("frob", "/healthz"),
)
ASKERS = ("by a group, everything", "by a group, a built-in role", "by name, in one namespace")


@pytest.fixture(scope="module")
def granted(demo: Cluster) -> Cluster:
    """Give everybody of GRANTS what is theirs: the user directly, and a group of the same name."""
    manifests: list[dict[str, Any]] = []
    for name, (rule, namespace) in GRANTS.items():
        role = organisation.cluster_role(f"grant-{name}", rule)
        subjects = ({"kind": "User", "name": name}, {"kind": "Group", "name": f"{name}-group"})
        bound = (
            organisation.binding(namespace, f"grant-{name}", f"grant-{name}", *subjects)
            if namespace
            else organisation.cluster_binding(f"grant-{name}", f"grant-{name}", *subjects)
        )
        manifests += [role, bound]
    # Aggregated: the controller fills in the rules of what has the label.
    part = organisation.cluster_role("part", organisation.rule("", ["configmaps"], ["get"]))
    part["metadata"]["labels"] = {_LABEL: "true"}
    whole = organisation.cluster_role("grant-aggregated")
    whole["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {_LABEL: "true"}}]}
    person = {"kind": "User", "name": "aggregated"}
    manifests += [part, whole, organisation.cluster_binding("agg", "grant-aggregated", person)]
    installation.apply(demo, "grants", manifests)
    wait_until(
        lambda: (
            "configmaps" in demo.kubectl("get", "clusterrole", "grant-aggregated", "-oyaml").stdout
        ),
        60,
        "the role to be aggregated",
    )
    return demo


def _differences(
    cluster: Cluster, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> dict[str, tuple[str, str]]:
    """Ask kubectl and ourselves, and return where the answers differ."""

    def ask_kubectl(arguments: list[str]) -> str:
        return cluster.kubectl("auth", "can-i", *arguments, check=False).stdout.split()[0]

    with ThreadPoolExecutor(2) as pool:
        theirs = list(pool.map(ask_kubectl, asked))
    wrong = {}
    for arguments, expected in zip(asked, theirs, strict=True):
        main(["can-i", *arguments, "-o", "json"])
        told = capsys.readouterr()
        answer = json.loads(told.out)
        in_no_group = not any(each.startswith("--as-group") for each in arguments)
        if answer["answer"] == "unknown" and expected == "no" and in_no_group:
            # kubectl asks about somebody who is in no group at all.
            assert answer["ifInGroups"], arguments
        elif answer["answer"] != expected:
            wrong[" ".join(arguments)] = (answer["answer"], expected)
    return wrong


def test_every_kind_of_grant_is_seen_as_kubectl_sees_it(
    granted: Cluster, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.exists()
    asked = [[*words, f"--as={name}"] for name in (*GRANTS, "aggregated") for words in MORE]
    # By a group as well, for those words that are about the grant itself.
    asked += [
        [*words, "--as=ann", f"--as-group={name}-group"]
        for name, words in zip(GRANTS, MORE[: len(GRANTS)], strict=True)
    ]
    assert not _differences(granted, asked, capsys)


def test_every_form_of_an_argument_means_what_it_means_to_kubectl(
    granted: Cluster, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.exists()
    asked = [_arguments(person, words) for person in ASKERS for words in FORMS]
    assert not _differences(granted, asked, capsys)


def test_reviews_are_answered_as_the_api_server_answers_them(
    granted: Cluster, kubeconfig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert granted.is_up()
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    specs = [_spec(draw) for _ in range(400)]
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps(specs), encoding="utf-8")
    assert main(["can-i", "--requests", str(asked)]) == 0
    ours = [answer["allowed"] for answer in json.loads(capsys.readouterr().out)]

    async def ask(api: Client) -> list[bool]:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        reviews = [await api.create(path, {**body, "spec": spec}) for spec in specs]
        return [review["status"]["allowed"] for review in reviews]

    theirs = live.run(Where(kubeconfig=kubeconfig), ask)
    wrong = [(s, o, t) for s, o, t in zip(specs, ours, theirs, strict=True) if o is not t]
    assert not wrong, f"SEED={seed}"
    assert 20 < sum(theirs) < 380


def _spec(draw: random.Random) -> dict[str, Any]:
    """Draw the spec of a review: exactly these groups, whoever the user is."""
    users = ["", *GRANTS, "aggregated", *(user for user, _ in PEOPLE.values())]
    groups = [
        *(group for _, groups in PEOPLE.values() for group in groups),
        *(f"{name}-group" for name in GRANTS),
        *("system:authenticated", "system:serviceaccounts", "system:serviceaccounts:ci"),
    ]
    user = draw.choice(users)
    spec: dict[str, Any] = {"groups": draw.sample(groups, draw.choice((0, 0, 1, 2)) or (not user))}
    if user:
        spec["user"] = user
    verb = draw.choice(("get", "get", "list", "patch", "delete", "create", "*", "impersonate", ""))
    if draw.random() < 0.15:
        path = draw.choice(("/metrics", "/logs/", "/logs/x/y", "/logs", "/healthz", "/", "/api/v1"))
        return spec | {"nonResourceAttributes": {"verb": verb, "path": path}}
    group, resource = draw.choice(
        (
            *(("", "pods"), ("", "secrets"), ("", "configmaps"), ("", "nodes"), ("", "namespaces")),
            *(("apps", "deployments"), ("apps", "statefulsets"), ("batch", "jobs"), ("*", "*")),
            *(("", "*"), (_RBAC, "roles"), ("responsibility.2i2c.org", "responsibilities")),
            *(("example.org", "reefs"), ("apps", "pods"), ("", "Pods")),
        )
    )
    fields = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": draw.choice(("", "", "", "scale", "exec", "log", "*")),
        "name": draw.choice(("", "", "a", "hub", "coast", "*")),
        "namespace": draw.choice(("", "coast", "coast", "leap-prod", "atlas", "nowhere")),
    }
    return spec | {"resourceAttributes": fields}


def _arguments(person: str, words: tuple[str, ...]) -> list[str]:
    user, groups = PEOPLE[person]
    return [*words, f"--as={user}", *(f"--as-group={group}" for group in groups)]


# Somebody has read a hub's Deployment.
AUDITED = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/apis/apps/v1/namespaces/leap-prod/deployments/hub",
    "verb": "get",
    "user": {"username": "ann", "groups": ["system:authenticated"]},
    "objectRef": {
        "resource": "deployments",
        "namespace": "leap-prod",
        "name": "hub",
        "apiGroup": "apps",
        "apiVersion": "v1",
    },
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
    "stageTimestamp": "2026-01-01T00:00:00.000000Z",
}


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
    (tmp_path / "ours.yaml").write_bytes(installation.MODEL.read_bytes())
    log = json.dumps(AUDITED).encode() + b"\n"
    (tmp_path / "audit.log").write_bytes(log)
    for name in ("audit.log.gz", "audit-1.log.gz"):
        (tmp_path / name).write_bytes(gzip.compress(log))
    monkeypatch.chdir(tmp_path)
    examples = _examples(capsys)
    assert len(examples) > 25
    failed = {}
    for line in examples:
        if plain := line.startswith("kubectl responsibility ") and not set("<|>*") & set(line):
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


def test_drafts_are_accepted_by_the_api_server(
    demo: Cluster, kubeconfig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kubeconfig.exists()
    # As on a cluster where nobody has written a record yet.
    kinds = "roles,rolebindings,clusterroles,clusterrolebindings,deployments,namespaces,respmodel"
    dump = demo.kubectl("get", kinds, "-A", "-o", "yaml").stdout
    (tmp_path / "dump.yaml").write_text(dump, encoding="utf-8")
    assert main(["init", "-f", str(tmp_path / "dump.yaml")]) == 0
    drafts = capsys.readouterr().out
    names = [each["metadata"]["name"] for each in yaml.safe_load_all(drafts)]
    assert names == ["atlas", "coast", "leap-prod"]
    dry = ("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-")
    applied = demo.kubectl(*dry, input=drafts).stdout
    assert applied.count("serverside-applied (server dry run)") == len(names)


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
