"""A fake API server: an answer to each request, and whatever goes wrong that a test wants."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from tests.apiserver.objects import Objects
from tests.apiserver.requests import Json, Refused, Request, refusal

Answer = Callable[[Request], Json | web.Response]


@dataclass
class Gate:
    """Where requests wait: ``arrived`` is set by the first, ``open`` lets all through."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        self.arrived.set()
        await self.open.wait()


@dataclass(frozen=True, slots=True)
class Write:
    """What was applied, and to where."""

    path: str
    subresource: str | None
    body: Json
    manager: str


@dataclass
class ApiServer(Objects):
    """Objects behind answers, as an API server has them."""

    requests: list[Request] = field(default_factory=list)
    # By path; they come before what is stored.
    answers: dict[str, Answer] = field(default_factory=dict)
    # What is at all other paths, if anything is.
    elsewhere: Answer | None = None
    # Collections that are there though nothing is in them.
    collections: set[str] = field(default_factory=set)
    # Refusals, by a part of "VERB path of the object".
    failures: dict[str, Refused] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    # What SubjectAccessReviews asked, and what they are told.
    asked: list[Json] = field(default_factory=list)
    says: Callable[[Json], bool] = lambda _: False
    # What was applied with success.
    writes: list[Write] = field(default_factory=list)
    _snapshots: dict[str, tuple[int, list[Json]]] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """How many writes were sent, those that failed included."""
        return sum(request.is_write for request in self.requests)

    def hold(self, part: str) -> Gate:
        """Have requests wait that have this in "VERB path of the object"."""
        return self.gates.setdefault(part, Gate())

    def forget_pages(self) -> None:
        """Let every continue token be too old."""
        self._snapshots.clear()

    async def answer(self, request: Request) -> web.Response:
        """Answer whatever is no watch."""
        self.requests.append(request)
        said = f"{request.method} {request.target}"
        for part, gate in list(self.gates.items()):
            if part in said:
                await gate.wait()
        try:
            for part, failure in self.failures.items():
                if part in said:
                    raise failure
            answer = self.answer_to(request.path)(request)
        except Refused as refused:
            if not refused.status:
                raise ConnectionRefusedError from refused
            return refusal(refused.status, refused.reason, refused.message)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    def answer_to(self, path: str) -> Answer:
        """Return what answers requests to a path."""
        if (answer := self.answers.get(path)) is not None:
            return answer
        if self.elsewhere is not None and not self._is_known(path):
            return self.elsewhere
        return self._from_objects

    def _is_known(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        return path in self.objects or not self.collections.isdisjoint((path, folder))

    def _from_objects(self, request: Request) -> Json | web.Response:
        if request.is_review:
            self.asked.append(request.body["spec"])
            return {"status": {"allowed": self.says(request.body["spec"])}}
        write = self._write_of(request)
        if write is None:
            return self._read(request)
        if "dryRun" in request.query:
            raise Refused(501, "NotImplemented", "this one only stores")
        return write()

    def _write_of(self, request: Request) -> Callable[[], Json] | None:
        path, body, manager = request.path, request.body, request.manager
        match request.method:
            case "POST":
                return partial(self.create, path, body, manager)
            case "PATCH" if request.is_apply:
                return partial(self._apply, request)
            case "PATCH":
                return partial(self.merge, path, body)
            case "PUT":
                return partial(self.replace, path, body)
            case "DELETE":
                return partial(self.delete, path, (body or {}).get("preconditions", {}))
        return None

    def _apply(self, request: Request) -> Json:
        path, body, manager = request.path, request.body, request.manager
        applied = self.apply(path, body, manager)
        target = path if path in self.objects else path.rpartition("/")[0]
        self.writes.append(Write(target, path[len(target) + 1 :] or None, body, manager))
        return applied

    def _read(self, request: Request) -> Json:
        path = request.path
        if path in self.objects:
            return self.objects[path]
        if path not in self.collections and not self.collection(path):
            raise Refused(404, "NotFound")
        return self._list(request)

    def _list(self, request: Request) -> Json:
        path, limit = request.path, int(request.query.get("limit", "0")) or None
        token = request.query.get("continue")
        if token is None:
            version, rest = self.version, self.collection(path)
            if wanted := _wanted_name(request.query):
                rest = [one for one in rest if one["metadata"]["name"] == wanted]
        elif token in self._snapshots:
            version, rest = self._snapshots[token]
        else:
            raise Refused(410, "Expired", "token too old")
        page, rest = rest[:limit], rest[len(rest[:limit]) :]
        metadata = {"resourceVersion": str(version)}
        if rest:
            metadata["continue"] = f"token-{len(self.requests)}"
            self._snapshots[metadata["continue"]] = (version, rest)
        *_, root, plural = path.split("/")
        group = path.split("/")[2:4] if path.startswith("/apis/") else [root]
        kind = f"{plural.removesuffix('s').capitalize()}List"
        return {"apiVersion": "/".join(group), "kind": kind, "metadata": metadata, "items": page}


def _wanted_name(query: Mapping[str, str]) -> str:
    """Return the one object that a field selector is after."""
    key, _, name = query.get("fieldSelector", "").partition("=")
    return name if key == "metadata.name" else ""
