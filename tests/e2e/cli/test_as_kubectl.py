"""The answers are those of kubectl, for people with every kind of grant."""

import json
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest

from demo import installation, organisation
from responsibility.cli.main import COMMANDS, cli, main
from responsibility.cli.sources import live
from responsibility.cli.sources.options import Where
from responsibility.cli.terminal.output import show
from responsibility.kube.protocol import Client
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.seeds import SEED
from tests.unit.cli.terminal.templates import DATA, FOLLOWED, REFUSED

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
    draw = random.Random(SEED)
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
    assert not wrong, f"SEED={SEED}"
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


def test_templates_are_filled_in_as_by_kubectl(demo: Cluster) -> None:
    """Kubectl reads its own ConfigMap, without asking a server; ours is held to the same table."""

    def theirs(template: str) -> str | None:
        words = ("label", "--local", "-f", "-", f"-o=jsonpath={template}", "a=b")
        done = demo.kubectl(*words, input=json.dumps(DATA), check=False)
        return done.stdout if done.returncode == 0 else None

    with ThreadPoolExecutor(2) as pool:
        told = dict(
            zip((*FOLLOWED, *REFUSED), pool.map(theirs, (*FOLLOWED, *REFUSED)), strict=True)
        )
    assert told == {**FOLLOWED, **dict.fromkeys(REFUSED)}


def test_columns_are_those_of_kubectl(demo: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    columns = (
        "NAME:.metadata.name,SPLIT:{.status.ownerSplit},NONE:.spec.nothing,"
        "WORST:status.causes[0].kind,ITEMS:.status.items[*].name"
    )
    theirs = demo.kubectl("get", "resp", "-o", f"custom-columns={columns}").stdout
    records = json.loads(demo.kubectl("get", "resp", "-o", "json").stdout)["items"]
    show(f"custom-columns={columns}", records)
    assert capsys.readouterr().out == theirs


# What kubectl takes with every command, and ours don't: the kubeconfig has it, or it is about
# kubectl's own workings. An option that a newer kubectl has is in none of the two lists.
NOT_TAKEN = frozenset(
    {
        *("as-user-extra", "cache-dir", "certificate-authority", "client-certificate"),
        *("client-key", "disable-compression", "insecure-skip-tls-verify", "kuberc"),
        *("log-flush-frequency", "match-server-version", "password", "profile", "profile-output"),
        *("proxy-url", "server", "tls-server-name", "token", "username", "vmodule"),
        "warnings-as-errors",
    }
)
# By option: the commands to which it means something of their own, as their help says. `can-i --as`
# asks about somebody instead of acting as them, and no rule of RBAC speaks of a UID.
OF_THEIR_OWN = {"cluster": {"plan", "apply-plan"}, "as-uid": {"can-i"}}
# Commands that never ask a cluster, and the one that only may be asked to.
OFFLINE = frozenset({"render", "version", "completion", "review"})


def test_options_of_every_command_are_spelt_and_take_a_value_as_to_kubectl(demo: Cluster) -> None:
    told = demo.kubectl("options").stdout
    theirs = {
        name: (short, default in ("true", "false"), default == "[]")
        for short, name, default in re.findall(
            r"^ +(?:-(\w), )?--([\w-]+)=(.*):$", told, re.MULTILINE
        )
    }
    assert {"namespace", "context", "request-timeout", "v"} <= theirs.keys() - NOT_TAKEN
    # An older kubectl than the cluster knows fewer of them.
    unknown = NOT_TAKEN - theirs.keys()
    assert not unknown or _minor_of_kubectl(demo) < _minor_of_server(demo), unknown
    shorts = {short: name for name, (short, _, _) in theirs.items() if short}
    wrong: dict[tuple[str, str], object] = {}
    for command in COMMANDS:
        options = _options(command)
        for name, form in theirs.items():
            if command in OF_THEIR_OWN.get(name, ()):
                continue
            ours = options.get(name)
            needed = name not in NOT_TAKEN and command not in OFFLINE
            if (needed and ours is None) or ours not in (None, form):
                wrong[command, name] = (ours, form)
        # A letter of kubectl's is no other option.
        for name, (short, _, _) in options.items():
            if short in shorts and name != shorts[short]:
                wrong[command, short] = (name, shorts[short])
    assert wrong == {}


def _minor_of_kubectl(cluster: Cluster) -> int:
    told = json.loads(cluster.kubectl("version", "--client", "-o", "json").stdout)
    return int(told["clientVersion"]["minor"])


def _minor_of_server(cluster: Cluster) -> int:
    told = json.loads(cluster.kubectl("version", "-o", "json").stdout)
    return int(told["serverVersion"]["minor"].rstrip("+"))


def _options(command: str) -> dict[str, tuple[str, bool, bool]]:
    """Return by name: its letter, whether it is a switch, and whether it may be repeated."""
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {
        spelling.removeprefix("--"): (
            next((each[1] for each in option.opts if re.fullmatch(r"-\w", each)), ""),
            option.is_flag,
            option.multiple,
        )
        for option in found.params
        if isinstance(option, click.Option)
        for spelling in option.opts
        if spelling.startswith("--")
    }
