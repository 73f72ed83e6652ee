"""An author of one community who wants to slip a provider's setting past the review."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.repositories import git
from tests.unit.cli.review import organisation
from tests.unit.cli.review.conftest import NOW, Review
from tests.unit.cli.review.organisation import Files, HubLine, edited, record, text

COMMUNITY = "c01-prod/community"
FOLDER = "config/clusters/c01"
PROD, COMMON, CLUSTER = (
    f"{FOLDER}/{name}" for name in ("prod.values.yaml", "common.values.yaml", "cluster.yaml")
)
RECORD = f"{FOLDER}/records/prod.yaml"
LIMITS, DEPLOY, KEEP = "kubernetes-configuration", "deploy-configure-hub", "record"
Change = Callable[[Files], Files]


def prod(old: str, new: str) -> Change:
    return lambda found: edited(found, PROD, old, new)


def more(path: str, content: str) -> Change:
    """Put something at the end of a file, or make one."""
    return lambda found: {**found, path: found.get(path, "") + content}


def both(*changes: Change) -> Change:
    def change(found: Files) -> Files:
        for each in changes:
            found = each(found)
        return found

    return change


def listed(name: str) -> Change:
    """Have one more file listed for the hub, over the others."""
    last = "enc-prod.secret.values.yaml"
    return lambda found: edited(found, CLUSTER, f"- {last}", f"- {last}\n  - {name}")


def moved(found: Files, old: str, new: str) -> Files:
    return {new if path == old else path: content for path, content in found.items()}


HUGE = "jupyterhub: {singleuser: {memory: {limit: 64G}}}\n"
MEMORY = "    memory:\n      limit: 2G\n"
OWNED = text(
    record(HubLine("c01", "prod", "basehub"), items=[{"name": LIMITS, "owner": "community"}])
)

# What it does, and items of which one of each is to be asked for.
TRIES: dict[str, tuple[Change, set[str]]] = {
    "an anchor": (
        both(
            prod("jupyterhub:", "x: &x {limit: 64G}\njupyterhub:"), prod(MEMORY, "    memory: *x\n")
        ),
        {LIMITS, DEPLOY},
    ),
    "an anchor in a comment of its own": (
        prod(MEMORY, "    cpu: &x {limit: 64}\n    memory: *x\n"),
        {LIMITS},
    ),
    "a merge": (prod(MEMORY, "    memory:\n      <<: {limit: 64G}\n"), {LIMITS}),
    "a dotted key": (more(PROD, "jupyterhub.singleuser.memory.limit: 64G\n"), {DEPLOY}),
    "a dotted key inside": (prod(MEMORY, f"{MEMORY}    memory.limit: 64G\n"), {DEPLOY}),
    "an escaped key": (
        prod("  singleuser:", '  "single\\u0075ser":\n    memory: {limit: 64G}\n  single:'),
        {LIMITS},
    ),
    "a key in another case": (more(PROD, "JupyterHub: {singleuser: {}}\n"), {DEPLOY}),
    "a null for a default": (prod(MEMORY, "    memory: null\n"), {LIMITS}),
    "a null for all of a section": (
        prod("    memory:\n      limit: 2G\n", "    memory: ~\n    cpu: ~\n"),
        {LIMITS},
    ),
    "a null for the hub": (more(f"{FOLDER}/enc-prod.secret.values.yaml", ""), set()),
    "a null in a layer above": (
        both(listed("more.yaml"), more(f"{FOLDER}/more.yaml", "jupyterhub: {singleuser: null}\n")),
        {LIMITS, DEPLOY},
    ),
    "a null for the whole chart": (
        both(listed("more.yaml"), more(f"{FOLDER}/more.yaml", "jupyterhub: null\n")),
        {LIMITS, DEPLOY},
    ),
    "a text in the place of a section": (
        both(listed("more.yaml"), more(f"{FOLDER}/more.yaml", "jupyterhub: {singleuser: x}\n")),
        {LIMITS, DEPLOY},
    ),
    "a file added to the list": (
        both(listed("more.yaml"), more(f"{FOLDER}/more.yaml", HUGE)),
        {LIMITS},
    ),
    "another hub's file with the same limits": (listed("../c02/prod.values.yaml"), set()),
    "a file taken off the list": (
        lambda found: edited(found, CLUSTER, "  - prod.values.yaml\n", ""),
        {LIMITS, DEPLOY},
    ),
    "the order of the list": (
        both(
            more(COMMON, "  memory: {limit: 64G}\n"),
            lambda found: edited(
                edited(found, COMMON, "  memory:", "    memory:"),
                CLUSTER,
                "  - common.values.yaml\n  - prod.values.yaml",
                "  - prod.values.yaml\n  - common.values.yaml",
            ),
        ),
        {LIMITS},
    ),
    "a file that moves and changes": (
        lambda found: edited(
            moved(edited(found, PROD, "limit: 2G", "limit: 64G"), PROD, f"{FOLDER}/p.yaml"),
            CLUSTER,
            "prod.values.yaml\n  - enc-prod",
            "p.yaml\n  - enc-prod",
        ),
        {LIMITS},
    ),
    "Python in the hub": (
        prod("  hub:", "  hub:\n    extraConfig: {x: import os}"),
        {DEPLOY},
    ),
    "a list replaced": (
        prod("mem_limit: 8G", "mem_limit: 64G"),
        {LIMITS},
    ),
    "a list that is emptied": (
        lambda found: {
            **found,
            PROD: found[PROD].split("    profileList:")[0] + "    profileList: []\n",
        },
        {LIMITS, DEPLOY},
    ),
    "a subchart's alias": (
        both(
            lambda found: edited(
                found,
                "helm-charts/basehub/Chart.yaml",
                "{name: jupyterhub,",
                "{name: jupyterhub, alias: other,",
            ),
            more(PROD, "other: {singleuser: {memory: {limit: 64G}}}\n"),
        ),
        {LIMITS, DEPLOY},
    ),
    "a chart's template": (more("helm-charts/basehub/templates/claim.yaml", "a: b\n"), {DEPLOY}),
    "a chart of one's own": (
        both(
            lambda found: edited(found, CLUSTER, "helm_chart: basehub", "helm_chart: ./mine"),
            more(f"{FOLDER}/mine/Chart.yaml", "name: mine\n"),
        ),
        {DEPLOY},
    ),
    "another domain": (
        lambda found: edited(found, CLUSTER, "domain: prod.c01", "domain: evil.c01"),
        {DEPLOY},
    ),
    "the record, and the setting": (
        lambda found: {**edited(found, PROD, "limit: 2G", "limit: 64G"), RECORD: OWNED},
        {LIMITS, KEEP},
    ),
    "a second record": (
        both(prod("limit: 2G", "limit: 64G"), more(f"{FOLDER}/records/zz.yaml", OWNED)),
        {LIMITS, KEEP},
    ),
    "a record with an escaped group": (
        more(
            "zz.yaml",
            OWNED.replace("responsibility.2i2c", '"responsibility\\u002e2i2c').replace(
                "v1alpha1", 'v1alpha1"'
            ),
        ),
        {KEEP},
    ),
    "the model": (more("model.yaml", "  record: {owner: community}\n"), {KEEP}),
    "a hub taken off the list": (
        lambda found: edited(found, CLUSTER, "- name: prod\n", "- name: elsewhere\n"),
        {DEPLOY, KEEP},
    ),
    "the workflow": (more(".github/workflows/review.yaml", "on: push\n"), {KEEP}),
    "a file that nobody knows": (more("deployer/deploy.py", "pass\n"), {KEEP}),
    "the cluster's own settings": (
        more(f"{FOLDER}/support.values.yaml", "grafana: {admin: x}\n"),
        {KEEP},
    ),
    "where the cluster is": (
        lambda found: edited(found, CLUSTER, "provider: aws", "provider: kubeconfig"),
        {KEEP},
    ),
    "a file of another cluster": (
        lambda found: edited(found, "config/clusters/c02/prod.values.yaml", "lead@c02", "evil@c02"),
        {"user-access"},
    ),
    "a list of a new cluster": (
        more("config/clusters/c99/cluster.yaml", "name: c99\nhubs: [{name: prod}]\n"),
        {KEEP},
    ),
}


@pytest.mark.parametrize("name", TRIES)
def test_a_try_needs_the_approval_of_whose_it_is(name: str, review: Review, few: Files) -> None:
    change, items = TRIES[name]
    done = review(change(few), COMMUNITY)
    assert done.err == ""
    assert items <= done.needed, done.answer["changes"]
    assert done.code == (1 if items else 0)


# What is not read at all, since Helm might read it as something else; and what is said of it.
REFUSED: dict[str, tuple[Change, str]] = {
    "a key twice": (
        prod(MEMORY, f"{MEMORY}    memory: {{limit: 64G}}\n"),
        f"{PROD}, document 1, line 9: 'memory' is written twice",
    ),
    "a key before a merge": (
        prod("      limit: 2G\n", "      limit: 2G\n      <<: {limit: 64G}\n"),
        "readers differ about <<",
    ),
    "two merges": (
        prod("      limit: 2G\n", "      <<: {limit: 2G}\n      <<: {limit: 64G}\n"),
        "readers differ about <<",
    ),
    "a second document": (more(PROD, f"---\n{HUGE}"), "a second document"),
    "a tag": (prod("limit: 2G", "limit: !other 2G"), "'!other'"),
    "a key that is a truth value": (more(PROD, "1.5: x\n"), "readers differ about the key"),
    "a template": (more(PROD, "x: {{ y }}\n"), "line 23: a key has to be a text (a template?"),
    "half of a merge": (
        prod(MEMORY, f"<<<<<<< HEAD\n{MEMORY}=======\n{MEMORY}>>>>>>> other\n"),
        f"{PROD}, document 1, line 7: a merge that is not finished",
    ),
    "a list": (
        lambda found: {**found, PROD: "- a\n"},
        f"{PROD}, document 1, line 1: this is a list",
    ),
    "a file that isn't there": (listed("gone.yaml"), "there is no file 'gone.yaml'"),
    "a file in another case": (listed("Prod.values.yaml"), "there is no file 'Prod.values.yaml'"),
    "a file out of the tree": (listed("../../../../../etc/passwd"), "leads out of after"),
    "a hub twice": (
        lambda found: edited(found, CLUSTER, "- name: staging\n", "- name: prod\n"),
        f"hub c01/prod is there twice, also in {CLUSTER}, document 1, line",
    ),
    "a cluster twice": (
        more("config/clusters/c98/cluster.yaml", "name: c01\nhubs: [{name: x}]\n"),
        "cluster c01 is there twice, also in",
    ),
    "a bomb": (
        more(
            PROD,
            "a0: &a0 [x]\n"
            + "".join(
                f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 20)
            ),
        ),
        "this is larger, or nested deeper",
    ),
    "an endless alias": (more(PROD, "a: &a [*a]\n"), "nested deeper"),
    "no text": (lambda found: {**found, PROD: "a: \x00\n"}, f"{PROD}, document 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_with_its_place(
    name: str, review: Review, few: Files
) -> None:
    change, message = REFUSED[name]
    done = review(change(few), COMMUNITY)
    assert (done.code, done.answer) == (2, {})
    assert message in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


def _link(target: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / PROD).unlink()
        (folder / PROD).symlink_to(target)

    return change


def test_a_link_is_what_it_leads_to(review: Review, few: Files) -> None:
    huge = {**few, f"{FOLDER}/h.yaml": few[PROD].replace("limit: 2G", "limit: 64G")}
    done = review(_link("h.yaml"), COMMUNITY, base=huge)
    assert done.needed == {LIMITS}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../x", "prod.values.yaml"])
def test_a_link_that_leads_nowhere_is_refused(review: Review, target: str) -> None:
    done = review(_link(target), COMMUNITY)
    assert done.code == 2
    assert PROD in done.err


def test_a_folder_called_like_the_base_is_not_the_base(
    run: Run, few: Files, tmp_path: Path
) -> None:
    """Whoever makes a change could add a folder in which everything is theirs."""
    organisation.write(tmp_path, few)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "as it is")
    changed = edited(few, PROD, "limit: 2G", "limit: 64G")
    organisation.write(tmp_path, changed)
    for name in ("main", "0123456789abcdef"):
        organisation.write(tmp_path / name, {PROD: changed[PROD], RECORD: OWNED})
        done = run("review", "--base", name, "--as", COMMUNITY, "--at", NOW)
        assert done.code == (1 if name == "main" else 2)


def test_records_of_the_change_itself_are_no_records(review: Review, few: Files) -> None:
    base = {path: content for path, content in few.items() if "/records/" not in path}
    head = {**base, "mine/record.yaml": OWNED}
    assert "there is no record in the base" in review(head, COMMUNITY, base=base).err
    done = review(head, COMMUNITY, "--records", "after/mine", base=base)
    assert done.code == 2
    assert "this is not in the base" in done.err


def test_an_account_called_like_a_party_is_none(review: Review, few: Files) -> None:
    head = edited(few, PROD, "limit: 2G", "limit: 64G")
    assert review(head, "provider").code == 0
    assert review(head, "user:provider").code == 1
    assert review(head, "provider", "--as-group", "strangers").code == 1
    assert review(head, "user:ann", "--as-group", "engineers").code == 0


def test_a_name_of_a_file_commands_no_forge(run: Run, few: Files) -> None:
    name = f"{FOLDER}/x\n::set-env name=evil::1\x1b[2K.yaml"
    organisation.write(Path("before"), few)
    organisation.write(Path("after"), {**few, name: f"{RECORD}: [\napiVersion: {OWNED}"})
    for output in ("table", "github", "markdown"):
        done = run("review", "--base", "before", "--head", "after", "-o", output)
        assert done.code == 2
        assert done.err.count("\n") == 1
    organisation.write(Path("after"), {**few, name: "x: 1\n"})
    for output in ("table", "github", "markdown"):
        done = run("review", "--base", "before", "--head", "after", "-o", output)
        assert done.code == 1
        assert "\n::set-env" not in done.out
        assert "\x1b" not in done.out


def test_markup_in_a_name_is_no_markup(run: Run, few: Files) -> None:
    evil = "`](https://evil.example) @org/everybody | <img>"
    organisation.write(Path("before"), few)
    head = {**few, PROD: few[PROD] + f"{evil!r}: 1\n"}
    organisation.write(Path("after"), head)
    done = run("review", "--base", "before", "--head", "after", "-o", "markdown")
    (line,) = (line for line in done.out.splitlines() if "evil" in line)
    assert line.startswith('| `"\'](https://evil.example) @org/everybody \\| <img>"` | 15 ')


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_of_many_files_the_one_that_cant_be_read_is_named(
    review: Review, few: Files, count: int
) -> None:
    many = {f"config/clusters/c02/more/{n % 50}/{n}.values.yaml": "a: 1\n" for n in range(count)}
    path = "config/clusters/c01/records/zz.yaml"
    base = {**few, **many}
    assert review(base, COMMUNITY, base=base).code == 0
    done = review({**base, path: f"{OWNED}  - [\n"}, COMMUNITY, base=base)
    assert done.code == 2
    assert f"{path}, document 1, line" in done.err
