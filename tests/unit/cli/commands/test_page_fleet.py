"""``page`` of several clusters: one site, the worst first, and whoever does not answer is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.web.reading import Page, read

AT = ("--at", "2026-02-10")
GROUP = "rbac.authorization.k8s.io"
FORGOTTEN = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "forgotten"},
    "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "User", "apiGroup": GROUP, "name": "stranger"}],
}


@pytest.fixture
def three(files: Path) -> Path:
    """Write a list of three clusters, whose hubs have the same name; of the third nothing is there.

    A stranger is cluster-admin of the second.
    """
    folder = files.parent / "clusters"
    for name in ("a", "b"):
        shutil.copytree(files, folder / name)
    (folder / "b" / "forgotten.yaml").write_text(json.dumps(FORGOTTEN), encoding="utf-8")
    entries = [{"name": f"cluster-{name}", "files": [name]} for name in ("a", "b", "gone")]
    (folder / "list.yaml").write_text(json.dumps(entries), encoding="utf-8")
    return folder / "list.yaml"


def page(path: str) -> Page:
    return read(Path(path).read_text(encoding="utf-8"))


def test_all_hubs_are_on_one_page_and_each_cluster_has_a_folder(run: Run, three: Path) -> None:
    done = run("page", "-o", "site", "--clusters", str(three), *AT, "--findings")
    assert done.code == 1, "one is missing"
    assert "cluster-gone: " in done.err
    assert "1 cluster could not be asked" in done.err
    assert "2 hubs of 3 clusters written" in done.err
    index = page("site/index.html")
    text = " ".join(index.shown.split())
    assert "2 hubs of 3 clusters. As of 10 February 2026" in text
    assert "1 cluster could not be asked: nothing is known now of the hubs there." in text
    ranked = text[text.index("All clusters") : text.index("All hubs, the worst first")]
    places = [ranked.index(f"cluster-{name}") for name in ("gone", "b", "a")]
    assert places == sorted(places), "what isn't known, then the worst"
    links = [str(each["href"]) for each in index.all("a")]
    assert {"cluster-a/hub-reef.html", "cluster-b/hub-reef.html"} <= set(links)
    for link in links:
        assert Path("site", link).is_file(), "every link leads somewhere"
    assert "stranger" not in text, "who it is stands on the cluster's own page"
    assert "stranger" in page("site/cluster-b/index.html").shown
    assert "stranger" not in page("site/cluster-a/index.html").shown
    assert "../index.html" in [e["href"] for e in page("site/cluster-b/index.html").all("a")]


def test_pages_of_a_cluster_that_does_not_answer_any_more_stay_and_say_so(
    run: Run, three: Path
) -> None:
    shutil.copytree(three.parent / "a", three.parent / "gone")
    words = ("page", "-o", "site", "--clusters", str(three), *AT)
    assert run(*words).code == 0
    before = Path("site/cluster-gone/hub-reef.html").read_bytes()
    shutil.rmtree(three.parent / "gone")
    assert run(*words).code == 1
    index = page("site/index.html")
    assert "could not be asked; its pages are of an earlier day" in index.shown
    assert "cluster-gone/index.html" in [each["href"] for each in index.all("a")]
    assert Path("site/cluster-gone/hub-reef.html").read_bytes() == before


def test_what_is_in_a_cluster_is_text_there_and_why_it_is_silent_is_not_told(
    run: Run, three: Path
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    for path in (three.parent / "a").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        changed = text.replace("displayName: Reef}", f"displayName: '{evil}'}}")
        path.write_text(changed, encoding="utf-8")
    assert run("page", "-o", "site", "--clusters", str(three), *AT).code == 1
    index = page("site/index.html")
    assert evil in index.shown
    assert index.all("img") == []
    assert str(three.parent) not in Path("site/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("", "write a list"),
        ("{a: b", "line 1"),
        ("- 7", "entry 1"),
        ("- {name: a}", "write context, kubeconfig or files"),
        ("- {name: ../a, context: c}", "a folder is called so"),
        ("- {name: index.html, context: c}", "a folder is called so"),
        ("- {name: .., context: c}", "a folder is called so"),
        ("- {name: a, contxt: c}", "unknown: contxt"),
        ("- {name: a, context: [c]}", "context is no text"),
        ("- {name: a, files: b}", "files is no list of paths"),
        ("- {name: a, files: [b], context: c}", "leave out context"),
        ("- {name: a, context: c}\n- {name: A, context: d}", "A is named twice"),
    ],
)
@pytest.mark.usefixtures("files")
def test_a_list_that_cannot_be_used_says_where(run: Run, listed: str, words: str) -> None:
    Path("list.yaml").write_text(listed, encoding="utf-8")
    done = run("page", "-o", "site", "--clusters", "list.yaml")
    assert done.code == 2
    assert words in done.err
    assert not Path("site").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--contexts", "a"),
        ("-o", "site", "--contexts", "a", "--clusters", "list.yaml"),
        ("-o", "site", "--contexts", "a", "-f", "reef"),
        ("-o", "site", "--contexts", "a", "reef"),
        ("-o", "site", "--contexts", "a", "--context", "b"),
        ("-o", "site", "--contexts", " ,"),
        ("-o", "site", "--contexts", "a/b,a:b"),
        ("-o", "site", "--clusters", "none.yaml"),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_does_not_go_together_is_an_error(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("page", *arguments).code == 2
    assert not Path("site").exists()


@pytest.mark.usefixtures("files")
def test_contexts_are_clusters_of_their_names(run: Run) -> None:
    context = "arn:aws:eks:us-west-2:1:cluster/west"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    Path("config").write_text(json.dumps(config), encoding="utf-8")
    done = run("page", "-o", "site", "--contexts", context, "--kubeconfig", "config")
    assert done.code == 1
    text = Path("site/index.html").read_text(encoding="utf-8")
    assert "arn-aws-eks-us-west-2-1-cluster-west" in read(text).shown
    assert "127.0.0.1" not in text
