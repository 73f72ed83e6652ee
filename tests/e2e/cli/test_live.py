"""The command line on a real cluster: whose rights it has, and what it knows by itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.api.names import API_GROUP, MODELS, RECORDS
from responsibility.cli.commands.matrix import RECORD_KIND
from responsibility.cli.main import main
from responsibility.cli.sources import default_roles, live
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.options import Where
from responsibility.cli.sources.resource_types import ResourceType, ResourceTypes
from responsibility.kube.protocol import Client
from responsibility.rbac.objects import Binding, Role
from responsibility.rbac.parse import parse_binding, parse_role
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.identities import impersonating_kubeconfig, service_account_kubeconfig
from tests.e2e.lab.waiting import wait_until
from tests.unit.cli.selection.offering import offered
from tools import bootstrap_roles


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


def test_who_may_only_read_records_is_told_what_was_published(
    demo: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the chart's role for viewers; no operator has been here, so there are no states yet."""
    role = ("create", "clusterrole", "records-viewer", "--verb=get,list,watch")
    kinds = ",".join(f"{plural}.{API_GROUP}" for plural in (RECORDS, MODELS))
    demo.kubectl(*role, f"--resource={kinds}")
    account = "--serviceaccount=leap-prod:hub"
    binding = ("create", "clusterrolebinding", "records-viewer", "--clusterrole=records-viewer")
    demo.kubectl(*binding, account)
    who = "system:serviceaccount:leap-prod:hub"
    _until_may(demo, "list", f"{RECORDS}.{API_GROUP}", as_user=who)
    try:
        viewer = service_account_kubeconfig(demo, "leap-prod", "hub", tmp_path / "viewer")
        code, told = _answers(capsys, "matrix", "leap-prod", f"--kubeconfig={viewer}")
        assert code == 0, told
        assert "you may not list RBAC here" in told
        assert "has not said anything yet of these records as they are now" in told
        assert {line.split()[-2] for line in told.splitlines() if "-hub " in line} == {"unknown"}
        assert _answers(capsys, "drift", f"--kubeconfig={viewer}")[0] == 0
        assert _answers(capsys, "plan", "leap-prod", f"--kubeconfig={viewer}")[0] == 2
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            demo.kubectl("delete", kind, "records-viewer")


# What the API server is asked to take, of somebody who has the right in one namespace.
_TRIED = {
    "bind": ("rolebinding", "new", "--clusterrole=admin", "--user=ann", "-n=coast"),
    "escalate": ("clusterrole", "new", "--verb=get", "--resource=secrets"),
}


@pytest.mark.parametrize(("verb", "helps"), [("bind", True), ("escalate", False)])
def test_a_right_over_cluster_roles_in_a_namespace_counts_where_the_server_asks_for_it(
    demo: Cluster, capsys: pytest.CaptureFixture[str], verb: str, helps: bool
) -> None:
    """For ``bind`` that is where the RoleBinding is; ``escalate`` is asked at the cluster."""
    writes = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterroles", "rolebindings", "clusterrolebindings"],
        "verbs": ["create"],
    }
    objects = [
        {"kind": "ClusterRole", "metadata": {"name": "writer"}, "rules": [writes]},
        {
            "kind": "Role",
            "metadata": {"name": "writer", "namespace": "coast"},
            "rules": [{**writes, "resources": ["clusterroles"], "verbs": [verb]}],
        },
    ]
    for kind, metadata in [(each["kind"], each["metadata"]) for each in objects]:
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "writer"}
        bo = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bo"}
        binding = {"metadata": metadata, "roleRef": reference, "subjects": [bo]}
        objects.append({"kind": f"{kind}Binding", **binding})
    text = yaml.safe_dump_all(
        {"apiVersion": "rbac.authorization.k8s.io/v1", **each} for each in objects
    )
    demo.kubectl("apply", "-f=-", input=text)
    _until_may(demo, "create", "clusterrolebindings.rbac.authorization.k8s.io", as_user="bo")
    _until_may(demo, verb, "clusterroles.rbac.authorization.k8s.io", "-n=coast", as_user="bo")
    try:
        tried = demo.kubectl(
            *("create", *_TRIED[verb], "--dry-run=server"), as_user="bo", check=False
        )
        assert (tried.returncode == 0) is helps, tried.stderr
        asked = ("who-can", verb, "clusterroles/admin", f"--kubeconfig={demo.kubeconfig}")
        assert ("RoleBinding coast/writer" in _answers(capsys, *asked, "-n", "coast")[1]) is helps
        assert "coast/writer" not in _answers(capsys, *asked, "-n", "atlas")[1]
        assert "coast/writer" not in _answers(capsys, *asked)[1]
        everywhere = ("create", "clusterrolebinding", "new", "--clusterrole=admin", "--user=ann")
        refused = demo.kubectl(*everywhere, "--dry-run=server", as_user="bo", check=False)
        assert "attempting to grant RBAC permissions not currently held" in refused.stderr
    finally:
        demo.kubectl("delete", "-f=-", input=text)


def _until_may(demo: Cluster, verb: str, resource: str, *options: str, as_user: str) -> None:
    """Wait until the authorizer has heard of a binding."""
    asked = ("auth", "can-i", verb, resource, *options)
    wait_until(
        lambda: demo.kubectl(*asked, as_user=as_user, check=False).stdout.strip() == "yes",
        20,
        f"{as_user} to be let {verb} {resource}",
    )


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
    """Object by object: what the API server has made by itself, and nothing that it hasn't."""
    kinds = "roles,clusterroles,rolebindings,clusterrolebindings"
    mark = "kubernetes.io/bootstrapping=rbac-defaults"
    listed = json.loads(demo.kubectl("get", kinds, "-A", "-l", mark, "-o", "json").stdout)["items"]
    served = {
        ("Role" if raw["kind"].endswith("Role") else "Binding", str(each.key)): _as_made(each)
        for raw in listed
        for each in ((parse_role if raw["kind"].endswith("Role") else parse_binding)(raw),)
    }
    own = default_roles.of(default_roles.newest())
    every: list[Role | Binding] = [*own.roles, *own.bindings, *own.control_plane]
    ours = {(type(each).__name__, str(each.key)): _as_made(each) for each in every}
    assert ours == served
    everybody = {
        binding.key
        for binding in map(parse_binding, (raw for raw in listed if raw["kind"].endswith("ng")))
        if default_roles.EVERYBODY & {subject.name for subject in binding.subjects}
    }
    assert everybody == {binding.key for binding in own.bindings}


def _as_made(each: Role | Binding) -> object:
    """Return what Kubernetes itself says of an object: of an aggregate, what it is made of."""
    if isinstance(each, Role):
        made = None if each.aggregation else each.rules
        return made, each.aggregation, dict(each.labels)
    return each.role, each.subjects, dict(each.labels)


@pytest.mark.long
def test_the_table_of_default_roles_is_what_kubernetes_files_say() -> None:
    sources = {each: bootstrap_roles.source(each) for each in bootstrap_roles.RELEASES}
    written = bootstrap_roles.TABLE.read_text(encoding="utf-8")
    assert bootstrap_roles.render(sources) == written, "make bootstrap-roles"


def test_the_table_of_types_is_that_of_this_kubernetes(kubeconfig: Path) -> None:
    async def discover(api: Client) -> ClusterView:
        return await live.gather(api, Need.TYPES, namespace="default")

    view: ClusterView = live.run(Where(kubeconfig=kubeconfig), discover)
    served = {_told(each) for each in view.types.known}
    assert {_told(each) for each in ResourceTypes.builtin().known} <= served
    ours = view.types.find("resp")
    assert ours is not None
    assert ours.resource == "responsibilities"


def _told(it: ResourceType) -> tuple[object, ...]:
    return (it.group, it.resource, it.kind, it.namespaced, it.short_names)


def test_a_shell_is_offered_the_names_of_the_cluster(demo: Cluster, kubeconfig: Path) -> None:
    hubs = [name.removeprefix(f"{RECORD_KIND}/") for name in _names(demo, "resp")]
    (first, *_) = sorted(hubs)
    found = offered("matrix", "", KUBECONFIG=str(kubeconfig))
    assert found == sorted(hubs)
    causes = demo.kubectl("get", "resp", "-o", "jsonpath={.items[*].status.causes[*].ids}").stdout
    ids = {*causes.split()}
    assert ids <= {*offered("explain", "", KUBECONFIG=str(kubeconfig))}
    assert first in offered("who-can", "get", "pods", "-n", first[:2], KUBECONFIG=str(kubeconfig))
    spaces = {name.removeprefix("namespace/") for name in _names(demo, "ns")}
    assert spaces <= {*offered("drift", "-n", "", KUBECONFIG=str(kubeconfig))}


def _names(demo: Cluster, kind: str) -> list[str]:
    return demo.kubectl("get", kind, "-o", "name").stdout.split()
