"""Whose approval a change of hubs' files needs."""

from pathlib import Path

import pytest
import yaml

from responsibility.cli.review.agreements import in_tree
from responsibility.cli.review.author import Author
from responsibility.cli.review.judgement import TreeComparison
from responsibility.cli.review.layout import LayoutReader
from responsibility.cli.review.trees import FolderTree
from responsibility.cli.sources.options import instant
from tests.unit.cli.conftest import Run
from tests.unit.cli.repositories import git
from tests.unit.cli.review import organisation
from tests.unit.cli.review.conftest import NOW, Review
from tests.unit.cli.review.organisation import Files, HubLine, edited, record, text

ACCESS, IMAGE, LIMITS, DEPLOY = (
    "user-access",
    "basic-environment",
    "kubernetes-configuration",
    "deploy-configure-hub",
)
COMMUNITY, PROVIDER = "c01-prod/community", "provider"
PROD = "config/clusters/c01/prod.values.yaml"
RECORD = "config/clusters/c01/records/prod.yaml"
WRAPPED = "config/clusters/c05/prod.values.yaml"

ADMIN = ("lead@c01.example", "somebody@c01.example")
MEMORY = ("limit: 2G", "limit: 4G")


def added(found: Files, path: str, more: str) -> Files:
    """Return the files, with settings of a hub merged into one of them."""
    layers = [yaml.safe_load(found[path]), yaml.safe_load(more)]
    return {**found, path: text(_over(*layers))}


def _over(one: object, other: object) -> object:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{k: _over(one[k], v) if k in one else v for k, v in other.items()}}
    return other


def test_nothing_needs_nobody(review: Review, few: Files) -> None:
    done = review(few)
    assert (done.code, done.answer["changes"], done.answer["files"]) == (0, [], [])


@pytest.mark.parametrize(
    ("author", "code"), [(COMMUNITY, 0), (PROVIDER, 1), ("c02-prod/community", 1), ("", 1)]
)
def test_a_setting_is_its_owners(review: Review, few: Files, author: str, code: int) -> None:
    done = review(edited(few, PROD, *ADMIN), author)
    assert done.code == code
    assert done.needed == ({ACCESS} if code else set())
    (line,) = done.answer["changes"]
    assert line["what"] == "jupyterhub.hub.config.Authenticator.admin_users[0]"
    assert line["hub"] == {"cluster": "c01", "namespace": "prod", "release": "prod"}
    lines = few[PROD].splitlines()
    assert "lead@c01.example" in lines[line["place"]["line"] - 1]
    assert line["place"]["file"] == PROD


@pytest.mark.parametrize(("groups", "code"), [(("c01-leads",), 0), ((), 1), (("c02-leads",), 1)])
def test_a_user_is_known_by_its_groups(
    review: Review, few: Files, groups: tuple[str, ...], code: int
) -> None:
    options = [word for group in groups for word in ("--as-group", group)]
    assert review(edited(few, PROD, *ADMIN), "bob@c01.example", *options).code == code


@pytest.mark.parametrize(
    ("author", "path", "code"),
    [
        # Nothing is said of the provider anywhere: it is the model's, and one.
        ("provider", "c01", 0),
        ("c01-prod/provider", "c01", 0),
        # Nor of this hub's community: it is known by its record alone.
        ("c02-prod/community", "c02", 0),
        ("c02-prod/community", "c05", 1),
        ("community", "c02", 2),
    ],
)
def test_a_party_that_nothing_is_said_of_is_its_models_or_its_hubs(
    review: Review, few: Files, author: str, path: str, code: int
) -> None:
    silent = {path: text for path, text in few.items() if path != "model.yaml"}
    for cluster, chart in (("c02", "basehub"), ("c05", "daskhub")):
        hub = HubLine(cluster, "prod", chart)
        silent[f"config/clusters/{cluster}/records/prod.yaml"] = text(record(hub, parties=[]))
    changed = MEMORY if "provider" in author else (f"lead@{path}", f"other@{path}")
    head = edited(silent, f"config/clusters/{path}/prod.values.yaml", *changed)
    assert review(head, author, base=silent).code == code


# What 2i2c writes down for partners whose engineers merge by themselves, by the model as shipped:
# whose each of these is. Resources are the provider's unless a record delegates them.
@pytest.mark.parametrize(
    ("more", "items"),
    [
        ("hub: {config: {Authenticator: {admin_users: [a]}}}", {ACCESS}),
        ("singleuser: {image: {tag: '2'}}", {IMAGE}),
        ("singleuser: {memory: {limit: 3G}}", {LIMITS}),
        ("hub: {extraConfig: {x: import os}}", {DEPLOY}),
        ("singleuser: {extraContainers: [{name: x, image: y}]}", {"complex-environment"}),
        ("singleuser: {storage: {capacity: 10Gi}}", {"data"}),
        ("hub: {networkPolicy: {enabled: false}}", {DEPLOY}),
        ("anything: {else: 1}", {DEPLOY}),
    ],
)
@pytest.mark.parametrize("path", [PROD, WRAPPED])
def test_settings_belong_to_items_wherever_the_chart_is(
    review: Review, few: Files, more: str, items: set[str], path: str
) -> None:
    cluster = path.split("/")[2]
    hub = HubLine(cluster, "prod", "daskhub" if path == WRAPPED else "basehub")
    done = review(added(few, path, text(hub.values(yaml.safe_load(more)))))
    assert done.needed == items
    assert {line["hub"]["cluster"] for line in done.answer["changes"]} == {cluster}


@pytest.mark.parametrize(
    ("limit", "at", "code"),
    [
        ("4G", NOW, 0),
        ("8G", NOW, 0),
        ("9G", NOW, 1),
        ("null", NOW, 1),
        ("text", NOW, 1),
        ("4G", "2026-03-02", 1),
    ],
)
def test_a_delegate_may_until_its_date_and_inside_its_bounds(
    review: Review, few: Files, limit: str, at: str, code: int
) -> None:
    delegate = {
        "party": "community",
        "until": "2026-03-01T00:00:00Z",
        "bounds": [{"path": "singleuser.memory.limit", "max": "8G"}],
    }
    spec = {"items": [{"name": LIMITS, "delegates": [delegate]}]}
    base = {**few, RECORD: text(record(HubLine("c01", "prod", "basehub"), **spec))}
    head = edited(base, PROD, "limit: 2G", f"limit: {limit}")
    done = review(head, COMMUNITY, "--at", at, base=base)
    assert done.code == code
    (line,) = done.answer["changes"]
    in_time = at == NOW
    assert (line["bounds"] is not None) is (code == 1 and in_time)


def test_a_common_file_is_counted_and_no_address_is_told_to_others(
    review: Review, few: Files
) -> None:
    common = "config/clusters/c01/common.values.yaml"
    done = review(edited(few, common, "2026.01", "2026.02"), COMMUNITY)
    assert done.code == 0
    assert done.answer["files"] == [{"path": common, "change": "changed", "hubs": 3}]
    assert done.answer["hubs"]["touched"] == 3
    chart = "helm-charts/basehub/values.yaml"
    done = review(edited(few, chart, "guarantee: 256M", "guarantee: 512M"), PROVIDER)
    assert done.code == 0
    head = edited(few, chart, "admin_access: true", "admin_access: false")
    done = review(head, PROVIDER)
    asked = done.answer["ask"]
    assert [len(each["hubs"]) for each in asked] == [3, 6]
    assert [each["owners"] for each in asked] == ["c05 people", "c01 people, c02 people"]
    # Those of one cluster have one address; of two communities, none is told to the other.
    assert [each["contacts"] for each in asked] == [["c05 people: leads@c05.example"], []]


def test_what_another_layer_overrides_changes_nothing(review: Review, few: Files) -> None:
    chart = "helm-charts/basehub/values.yaml"
    done = review(edited(few, chart, "limit: 1G", "limit: 64G"), COMMUNITY)
    assert (done.code, done.answer["changes"]) == (0, [])
    assert done.answer["files"][0]["hubs"] == 9


def test_of_encrypted_files_only_the_names_are_told(review: Review, few: Files) -> None:
    path = "config/clusters/c01/enc-prod.secret.values.yaml"
    head = edited(few, path, "ENC[AES256,x]", "ENC[AES256,canary-5f0c]")
    head = edited(head, path, "ENC[AES256,y]", "ENC[AES256,z]")
    done = review(head, COMMUNITY)
    assert done.needed == {DEPLOY}
    assert done.what == {"jupyterhub.hub.config.CILogonOAuthenticator.client_secret"}
    assert "canary" not in str(done.answer) + done.err


def test_one_hub_is_reviewed_without_reading_the_others(tmp_path: Path) -> None:
    """A ratio: of the values of 171 hubs, those of the one that changes."""
    found = organisation.files()
    assert len({hub.cluster for hub in organisation.hubs()}) == organisation.CLUSTERS
    assert len(organisation.hubs()) == organisation.HUBS
    changed = edited(found, PROD, *ADMIN)
    trees = [
        FolderTree(organisation.write(tmp_path / name, files), name)
        for name, files in (("before", found), ("after", changed))
    ]
    reader = LayoutReader()
    before, after = (reader.layout(tree, None) for tree in trees)
    listed = reader.files_read
    agreements = in_tree(trees[0], before)
    done = TreeComparison(
        trees[0], trees[1], before, after, agreements, Author(), instant(NOW), reader
    ).judge()
    assert [line.what for line in done.needed] == [
        "jupyterhub.hub.config.Authenticator.admin_users[0]"
    ]
    # One more for each of its layers, and one that is in both versions.
    assert reader.files_read - listed == 5
    values = sum("values.yaml" in path for path in found)
    assert (reader.files_read - listed) / values < 0.02
    assert listed == organisation.CLUSTERS + 2


@pytest.mark.parametrize("folder", [".", "hubs"])
def test_revisions_are_compared_without_checking_them_out(
    run: Run, few: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    organisation.write(tmp_path / folder, few)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "as it is")
    monkeypatch.chdir(tmp_path / folder)
    organisation.write(Path(), edited(few, PROD, *MEMORY))
    asked = ("review", "--as", COMMUNITY, "--at", NOW, "-o", "json", "--base", "main")
    of_folder = run(*asked)
    git(tmp_path, "checkout", "-q", "-b", "change")
    git(tmp_path, "commit", "-q", "-a", "-m", "more memory")
    organisation.write(Path(), few)
    of_revision = run(*asked, "--head", "change")
    assert (of_folder.code, of_revision.code) == (1, 1)
    one, other = (yaml.safe_load(done.out) for done in (of_folder, of_revision))
    assert one["changes"] == other["changes"]
    assert [line["what"] for line in one["changes"]] == ["jupyterhub.singleuser.memory.limit"]
    assert run(*asked).code == 0


def test_hubs_may_be_listed_in_a_file_of_ones_own(review: Review, few: Files) -> None:
    base = {
        "hubs.yaml": "hubs:\n- cluster: c01\n  namespace: prod\n  values: [a.yaml, b.yaml]\n"
        "  under: j.h\n",
        "a.yaml": "j: {h: {singleuser: {image: {tag: '1'}}}}\n",
        "b.yaml": "j: {h: {singleuser: {memory: {limit: 2G}}}}\nother: 1\n",
        "records.yaml": few[RECORD],
    }
    for path, old, new, items in (
        ("a.yaml", "'1'", "'2'", {IMAGE}),
        ("b.yaml", "2G", "3G", {LIMITS}),
        ("b.yaml", "other: 1", "other: 2", {DEPLOY}),
        ("hubs.yaml", "b.yaml", "a.yaml", {"record"}),
    ):
        done = review(edited(base, path, old, new), "", "--hubs", "hubs.yaml", base=base)
        assert done.needed == items
    assert review(base, "", "--hubs", "gone.yaml", base=base).code == 2


def test_an_owners_file_names_who_may_change_all_of_a_file(run: Run, few: Files) -> None:
    organisation.write(Path("before"), few)
    done = run(
        *("review", "--base", "before", "--head", "before", "-o", "codeowners"),
        *("--handle", "provider=@org/engineers"),
    )
    lines = done.out.splitlines()
    assert "* @org/engineers" in lines
    assert f"/{PROD} @org/engineers" in lines
    assert not [line for line in lines if "community" in line]


def test_what_leaves_what_was_agreed_is_told(run: Run, review: Review, few: Files) -> None:
    hub = HubLine("c01", "prod", "basehub")
    path = "config/clusters/c01/prod.values.yaml"
    agreed = [
        {"path": "singleuser.memory.limit", "value": "2G"},
        {"path": "singleuser.profileList[*].kubespawner_override.mem_limit", "max": "8G"},
    ]
    item = {"name": "kubernetes-configuration", "agreed": agreed}
    base = {**few, "config/clusters/c01/records/prod.yaml": text(record(hub, items=[item]))}
    as_it_was = review(edited(base, path, "defaultUrl: /lab", "defaultUrl: /x"), base=base)
    assert as_it_was.answer["leavesAgreed"] == []
    head = edited(
        edited(base, path, "limit: 2G", "limit: 1G"), path, "mem_limit: 8G", "mem_limit: 9G"
    )
    done = review(head, "provider", base=base)
    assert done.code == 0
    (first, second) = done.answer["leavesAgreed"]
    assert (first["what"], first["agreed"]) == ("jupyterhub.singleuser.memory.limit", "2G")
    assert first["place"] == {
        "file": path,
        "line": head[path][: head[path].index("limit: 1G")].count("\n") + 1,
    }
    assert second["what"].endswith("profileList[1].kubespawner_override.mem_limit")
    assert second["agreed"] == "at most 8G"
    shown = run("review", "--base", "before", "--head", "after", "--as", "provider")
    assert (
        "jupyterhub.singleuser.memory.limit is no longer as agreed (2G; item 14 Resource limits) "
        "on c01/prod"
    ) in shown.out
    gone = review(edited(base, path, "      limit: 2G\n", "      guarantee: 1G\n"), base=base)
    assert [each["what"] for each in gone.answer["leavesAgreed"]] == [
        "jupyterhub.singleuser.memory.limit"
    ]
