"""The copy equals what the server holds, and no change is lost between lists and watches."""

from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange
from tests.apiserver.over_http import HttpApiServer
from tests.unit.kube.reflecting import Listener, names, running, until, watched


async def test_lists_all_pages_before_it_is_synced(api: Api, server: HttpApiServer) -> None:
    for number in range(7):
        server.put(f"t{number}", value="v")
    listener = Listener()
    async with running(api, listener, page=3) as reflector:
        await reflector.wait_synced(5)
        assert len(reflector.items) == 7
        assert [len(change.put) for change in listener.changes] == [7]
        assert listener.changes[0].relisted
    lists = [request for request in server.requests if request.is_list]
    assert [request.query["limit"] for request in lists] == ["3", "3", "3"]
    assert "resourceVersion" not in lists[0].query, "a list must show the latest state"


async def test_an_empty_collection_is_news_too(api: Api, server: HttpApiServer) -> None:
    listener = Listener()
    async with running(api, listener) as reflector:
        await until(lambda: listener.changes)
        assert listener.changes == [CacheChange({}, frozenset(), relisted=True)]
        assert reflector.synced.is_set()
    assert server.requests


async def test_follows_the_watch(api: Api, server: HttpApiServer) -> None:
    server.put("kept", value="1")
    server.put("dropped", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.put("new", value="1")
        server.put("kept", value="2")
        server.remove("dropped")
        await until(lambda: names(reflector) == {"kept": "2", "new": "1"})
        assert not any(change.relisted for change in listener.changes[1:])
    watch = next(request for request in server.requests if request.is_watch)
    assert watch.query["resourceVersion"] == "102"
    assert watch.query["allowWatchBookmarks"] == "true"


async def test_an_event_that_changes_nothing_of_interest_is_no_change(
    api: Api, server: HttpApiServer
) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener):
        await watched(server)
        server.put("a", value="1", noise="yes")
        server.put("b", value="1")
        await until(lambda: len(listener.changes) > 1)
        assert listener.changes[1:] == [CacheChange({("ns", "b"): "1"}, frozenset())]


async def test_what_turns_uninteresting_is_dropped(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    server.put("never", value="1", boring=True)
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        assert names(reflector) == {"a": "1"}
        server.put("a", value="1", boring=True)
        await until(lambda: not reflector.items)
        assert listener.changes[-1].dropped == {("ns", "a")}
        server.put("a", value="2")
        await until(lambda: names(reflector) == {"a": "2"})


async def test_resumes_where_it_was_after_a_normal_end(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.put("b", value="1")
        await until(lambda: len(reflector.items) == 2)
        server.end_watches()
        await watched(server, 2)
        server.put("c", value="1")
        await until(lambda: len(reflector.items) == 3)
        assert reflector.relists == 0
    lists = [request for request in server.requests if request.is_list]
    second = [request for request in server.requests if request.is_watch][1]
    assert len(lists) == 1
    assert second.query["resourceVersion"] == "102"


async def test_bookmarks_move_the_point_to_resume_from(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.bookmark()
        server.forget()
        server.end_watches()
        await watched(server, 2)
        server.put("b", value="1")
        await until(lambda: len(reflector.items) == 2)
        assert reflector.relists == 0
        assert len(listener.changes) == 2, "a bookmark is no change"


async def test_deletions_in_a_gap_leave_no_ghost(api: Api, server: HttpApiServer) -> None:
    for name in ("a", "b", "c"):
        server.put(name, value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        # All in one go, while the reflector can't see any of it.
        watchers = list(server.watchers)
        server.watchers.clear()
        server.remove("a")
        server.put("b", value="2")
        server.put("d", value="1")
        server.forget()
        server.watchers.extend(watchers)
        server.drop_watches()
        await until(lambda: reflector.relists == 1)
        assert names(reflector) == {"b": "2", "c": "1", "d": "1"}
        assert listener.changes[1:] == [
            CacheChange(
                {("ns", "b"): "2", ("ns", "d"): "1"}, frozenset({("ns", "a")}), relisted=True
            )
        ]
