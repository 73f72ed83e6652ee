"""A list of SubjectAccessReviews, answered as the API server answers each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from responsibility.cli.answers.decision import ViewAuthorizer
from responsibility.cli.sources import manifests
from responsibility.cli.sources.access_question import AskedUser
from responsibility.cli.sources.cluster_view import Need
from responsibility.cli.sources.folders import STDIN
from responsibility.cli.sources.options import Where
from responsibility.cli.sources.yaml.composer import Value
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import is_data, show, source_json
from responsibility.rbac.objects import Attributes

if TYPE_CHECKING:
    from responsibility.kube.protocol import Client

_FIELDS = ("verb", "group", "resource", "subresource", "name", "namespace")
# Stands for an empty path, which a rule on all URLs covers and no other.
_NO_PATH = "\0"


def answer_file(file: str, where: Where, output: str) -> None:
    """Read the questions, answer them, write the answers. Raises CliError."""
    if file == STDIN and STDIN in where.files:
        raise CliError("standard input can't be both -f and --requests: put one into a file")
    asked = read(file)
    view = where.load(Need.ACCESS)
    judge = ViewAuthorizer(view)
    decisions = [judge.decide(who, attributes) for who, attributes in asked]
    allowed = [decision.allowed for decision in decisions]
    if where.live:
        allowed = _completed(where, asked, allowed)
    answers = [
        {"allowed": answer, "sources": [source_json(source) for source in decision.sources]}
        for answer, decision in zip(allowed, decisions, strict=True)
    ]
    show(output if is_data(output) else "json", answers)


def _completed(
    where: Where, asked: list[tuple[AskedUser, Attributes]], allowed: list[bool | None]
) -> list[bool | None]:
    """Put to the server what RBAC can't tell, if we may."""
    open_ = [number for number, answer in enumerate(allowed) if answer is None]
    if not open_:
        return allowed
    from responsibility.cli.sources import live

    async def work(api: Client) -> list[bool | None]:
        found = list(allowed)
        for number in open_:
            who, attributes = asked[number]
            found[number] = await live.ask(api, who.user, who.groups, attributes)
        return found

    result: list[bool | None] = where.run(work)
    return result


def read(file: str) -> list[tuple[AskedUser, Attributes]]:
    """Return the questions of a file. Raises CliError, with the number of the entry."""
    found = list(manifests.parse_any(manifests.text_of(file), file))
    values: list[Any] = [value for value, _ in found]
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    elif not values or not all(isinstance(value, Mapping) for value in values):
        raise CliError(f"{file}: this is not a list of SubjectAccessReview specs")
    return [_entry(value, f"{file}, entry {number}") for number, value in enumerate(values, 1)]


def _entry(raw: Value, where: str) -> tuple[AskedUser, Attributes]:
    spec = raw.get("spec", raw) if isinstance(raw, Mapping) else None
    if not isinstance(spec, Mapping):
        raise CliError(f"{where}: this is not the spec of a SubjectAccessReview")
    user, groups = spec.get("user") or "", spec.get("groups") or []
    if not isinstance(user, str):
        raise CliError(f"{where}: user is not text")
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise CliError(f"{where}: groups is not a list of names")
    if not user and not groups:
        raise CliError(f"{where}: at least one of user and groups must be there")
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        raise CliError(
            f"{where}: exactly one of resourceAttributes and nonResourceAttributes must be there"
        )
    attributes = _attributes(resource, path, where)
    # Exactly these groups: the API server adds none to a review either.
    return AskedUser(user, tuple(groups), complete=True), attributes


def _attributes(resource: Value, path: Value, where: str) -> Attributes:
    if path is not None:
        return Attributes(
            _field(path, "verb", where, "nonResourceAttributes"),
            path=_field(path, "path", where, "nonResourceAttributes") or _NO_PATH,
        )
    return Attributes(
        **{name: _field(resource, name, where, "resourceAttributes") for name in _FIELDS}
    )


def _field(fields: Value, name: str, where: str, parent: str) -> str:
    if not isinstance(fields, Mapping):
        raise CliError(f"{where}: {parent} is not a mapping")
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise CliError(f"{where}: {parent}.{name} is not text")
    return value or ""
