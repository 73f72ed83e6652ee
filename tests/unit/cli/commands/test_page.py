"""``page``: what people see who are party to an agreement, and what they don't."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.web.reading import Page, read

AT = ("--at", "2026-02-10")
REEF = "hub-reef.html"


def written(run: Run, *arguments: str) -> Page:
    done = run("page", "-f", "reef", *AT, *arguments)
    assert done.code == 0, done.err
    return read(done.out)


def changed(files: Path, before: str, after: str) -> None:
    """Write it into whatever file has it."""
    hits = [path for path in files.rglob("*.yaml") if before in path.read_text("utf-8")]
    assert hits
    for path in hits:
        path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")


@pytest.mark.usefixtures("files")
def test_each_item_is_told_with_who_has_it_and_how_it_stands(run: Run) -> None:
    page = written(run)
    text = " ".join(page.shown.split())
    assert "As of 10 February 2026, 00:00 UTC." in text
    assert "Of 3 items, responsible are: Reef people for 2, Provider for 1." in text
    assert "1 Settings Provider Reef people until" in text
    assert "Reef people until 1 March 2026, 00:00 UTC (singleuser.memory.limit at most 8Gi)" in text
    assert "! look at it again1 finding; to be looked at again on 1 February 2026" in text
    links = {str(each["href"]) for each in page.all("a")}
    inside = {link for link in links if link.startswith("#")}
    assert links - inside == {"mailto:support@provider.example", "https://reef.example"}
    ids = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    assert inside <= ids, "every link within the page leads somewhere"
    assert "#item/reef/settings" in inside


@pytest.mark.usefixtures("files")
def test_who_can_do_what_is_told_only_where_it_was_asked_for(run: Run) -> None:
    drift = json.loads(run("drift", "-f", "reef", *AT, "-o", "json").out)
    plain, told = written(run).shown, written(run, "--findings").shown
    assert "User leaver can" in {" ".join(each["message"].split()[:3]) for each in drift}
    assert "leaver can read passwords and tokens and change what runs in this hub" in told
    causes = {line.split()[0] for line in run("drift", "-f", "reef", *AT).out.splitlines()[1:-1]}
    assert told.count("What to do") == len(causes) < len(drift), "one cause, one task"
    for finding in drift:
        assert finding["message"] not in plain
    for name in ("leaver", "reef-leads", "engineers", "RoleBinding"):
        assert name not in plain


@pytest.mark.parametrize("findings", [[], ["--findings"]])
def test_what_a_record_says_is_text_and_nothing_else(
    run: Run, files: Path, findings: list[str]
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    changed(files, "displayName: Reef people", f"displayName: '{evil}'")
    changed(files, "title: Settings", f"title: '{evil}'")
    changed(files, "displayName: Reef}", f"displayName: '{evil}'}}")
    page = written(run, *findings)
    assert page.shown.count(evil) >= 3
    assert {name for name, _ in page.elements}.isdisjoint({"img", "script", "iframe", "object"})
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]


def test_what_settings_are_agreed_to_be_is_told(run: Run, files: Path) -> None:
    agreed = "{path: singleuser.memory.limit, value: 2G}, {path: cull.timeout, min: 300, max: 3600}"
    changed(files, "  - {name: support, rev", f"    agreed: [{agreed}]\n  - {{name: support, rev")
    text = " ".join(written(run).shown.split())
    told = "singleuser.memory.limit 2G, cull.timeout at least 300 and at most 3600"
    assert f"agreed: {told}" in text


def test_several_hubs_are_side_by_side_first(run: Run, files: Path) -> None:
    record = next(
        path for path in files.rglob("*.yaml") if "kind: Responsibility\n" in path.read_text()
    )
    text = record.read_text("utf-8")
    other = text.replace("name: reef}", "name: coral}").replace(
        "namespace: reef, release: reef, displayName: Reef",
        "namespace: coral, release: coral, displayName: Coral",
    )
    other = other.replace("displayName: Reef people", "displayName: Coral people")
    assert other.count("Coral") == 2
    # A hub of which the files have another release is not there.
    other_hub = (files / "hub.yaml").read_text("utf-8").replace("reef", "coral")
    other_hub = other_hub.replace("release: coral", "release: atoll")
    (files / "other.yaml").write_text(f"{other}---\n{other_hub}", "utf-8")
    page = written(run)
    text = " ".join(page.shown.split())
    assert "2 hubs; the columns are the items by number." in text
    assert "C is the hub's community; P is Provider." in text
    hubs = {f"#{each['id']}" for name, each in page.elements if "id" in each and name == "h2"}
    assert {each["href"] for each in page.all("a")} >= hubs == {"#hub-coral", "#hub-reef"}
    assert "No such hub was found" in text
    assert "All hubs" not in written(run, "reef").shown


@pytest.mark.usefixtures("files")
def test_what_there_is_to_do_comes_first_by_whose_it_is(run: Run) -> None:
    text = " ".join(written(run, "--findings").shown.split())
    todo, items = text.index("What there is to do Reef people: "), text.index("What is agreed, and")
    assert todo < text.index("Whom to ask") < items
    # What a leaver can do touches items of both, and the page is the community's.
    assert "Write to support@provider.example" in text
    assert "Write to https://reef.example" not in text
    assert "Look at it soon. It is about Secrets" in text


@pytest.mark.usefixtures("files")
def test_what_holds_on_the_whole_cluster_is_told_once(run: Run, files: Path) -> None:
    stranger = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "stranger"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "forgotten"},
        "roleRef": role,
        "subjects": [stranger],
    }
    (files / "forgotten.yaml").write_text(json.dumps(binding), "utf-8")
    page = written(run, "--findings").shown
    assert page.count("stranger can do everything") == 1
    done = run("page", "-f", "reef", *AT, "--findings", "-o", "site")
    assert (done.code, done.out) == (0, "")
    assert "2 pages written: open site/index.html" in done.err
    index, own = (read(Path("site", name).read_text("utf-8")) for name in ("index.html", REEF))
    assert "stranger can do everything" in index.shown
    assert "stranger" not in own.shown, "whoever reads of one hub need not read of the others"
    assert index.shown.index("stranger can") < index.shown.index("All hubs"), "on top, once"
    assert {each["href"] for each in index.all("a")} >= {REEF}
    assert {each["href"] for each in own.all("a")} >= {"index.html"}


@pytest.mark.usefixtures("files")
def test_what_a_community_has_to_do_and_is_responsible_for_comes_before_the_providers(
    run: Run,
) -> None:
    text = " ".join(written(run, "--findings").shown.split())
    assert text.index("Reef people is responsible for") < text.index("Provider is responsible for")
    assert "was to be reviewed after 1 February 2026" in text, "days are as people write them"


@pytest.mark.usefixtures("files")
def test_a_site_that_cannot_be_written_is_an_error(run: Run, files: Path) -> None:
    (files / "taken").write_text("", "utf-8")
    done = run("page", "-f", "reef", *AT, "-o", str(files / "taken" / "site"))
    assert done.code == 2
    assert "--output-dir" in done.err


def test_without_any_record_it_says_so(run: Run, files: Path) -> None:
    for path in files.rglob("*.yaml"):
        if "kind: Responsibility\n" in path.read_text("utf-8"):
            path.unlink()
    assert "There is no record of any hub." in written(run).shown


@pytest.mark.usefixtures("files")
def test_no_such_hub_is_an_error(run: Run) -> None:
    done = run("page", "-f", "reef", "nowhere")
    assert (done.code, done.out) == (2, "")
    assert "there is no record of a hub nowhere" in done.err
