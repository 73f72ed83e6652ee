"""Forms of a review: for a terminal, a comment, annotations of a forge, and a CODEOWNERS file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from responsibility.api.item import RECORD_ITEM
from responsibility.cli.answers.formats import github_data, github_property, markdown_cell
from responsibility.cli.review.agreements import Agreements
from responsibility.cli.review.answer import (
    MOST_NAMED,
    ReviewGroup,
    common,
    contact,
    departures,
    groups,
    touched,
    verdict,
)
from responsibility.cli.review.judgement import ReviewResult
from responsibility.cli.review.layout import Layout
from responsibility.cli.terminal.output import Table, clean, columns
from responsibility.phrases import some

_MOST_FILES = 5


def table(judgement: ReviewResult) -> Table:
    """Return the answer for a terminal."""
    rows = [
        [
            "no" if group.may else "yes",
            group.numbered,
            group.owners,
            group.where,
            ", ".join(map(contact, group.to_ask)) or "-",
            " ".join(filter(None, (group.shown, group.range_text))),
        ]
        for group in groups(judgement)
    ]
    left = _few(iter(departures(judgement)))
    lines = [*_few(common(judgement)), *left, touched(judgement), verdict(judgement)]
    asked = [name for group in groups(judgement) if not group.may for name in group.items]
    return Table(
        names=list(dict.fromkeys(asked)),
        columns=columns("NEEDED", "ITEM", "OWNER", "HUBS", detail=("ASK", "WHAT")),
        rows=rows,
        footer="\n".join(clean(line) for line in lines),
    )


def markdown(judgement: ReviewResult) -> str:
    """Return a comment for a pull request."""
    return "\n".join(_markdown(judgement))


def _markdown(judgement: ReviewResult) -> Iterator[str]:
    said = verdict(judgement)
    yield f"### Shared responsibility: {markdown_cell(said)}"
    yield ""
    yield f"{markdown_cell(touched(judgement))}."
    yield from (f"* {markdown_cell(each)}" for each in _few(common(judgement)))
    yield from (f"* {_code(each)}" for each in _few(iter(departures(judgement))))
    for may, title in ((False, "Needs approval"), (True, "The author's to decide")):
        found = [group for group in groups(judgement) if group.may is may]
        if not found:
            continue
        yield ""
        yield f"**{title}**"
        yield ""
        yield "| What | Item | Owner | Hubs | Ask |"
        yield "|---|---|---|---|---|"
        for group in found:
            yield f"| {' | '.join(_cells(group))} |"


def _cells(group: ReviewGroup) -> Iterator[str]:
    asked = "" if group.may else ", ".join(map(contact, group.to_ask))
    what = some([_code(each) for each in group.what], MOST_NAMED)
    yield " ".join(filter(None, (what, markdown_cell(group.range_text))))
    yield from map(markdown_cell, (group.numbered, group.owners, group.where, asked or "-"))


def _code(text: str) -> str:
    """Return a name out of the change as code: in it nothing is markup, nor calls anybody."""
    inside = clean(text).replace("`", "'").replace("|", "\\|")
    return f"`{inside}`"


def _few(lines: Iterator[str]) -> list[str]:
    found = list(lines)
    more = [f"and {len(found) - _MOST_FILES} more"] if len(found) > _MOST_FILES else []
    return [*found[:_MOST_FILES], *more]


def github(judgement: ReviewResult) -> str:
    """Return workflow commands, which GitHub Actions turns into annotations."""
    found = []
    for group in groups(judgement):
        if group.may:
            continue
        where = ""
        if group.places:
            place = group.places[0]
            where = f"file={github_property(place.file)},"
            where += f"line={place.line}," if place.line else ""
        title = github_property(f"{group.numbered}: {group.owners}")
        asked = ", ".join(map(contact, group.to_ask))
        text = f"{group.shown} needs the approval of {group.owners}" + f" ({asked})" * bool(asked)
        found.append(f"::error {where}title={title}::{github_data(text)}")
    found += [f"::warning::{github_data(each)}" for each in _few(iter(departures(judgement)))]
    return "\n".join([*found, f"::notice::{github_data(verdict(judgement))}"])


def owners_file(layout: Layout, agreements: Agreements, handles: Mapping[str, str]) -> str:
    """Return a CODEOWNERS file: for each file of hubs, who may approve whatever changes in it.

    Such a file knows no settings, only files, and any one of those named is enough. So these are
    the owners of whatever deploys a hub; of all hubs that the file is for, if they are the same.
    """
    lines = [
        "# Written by `kubectl responsibility review -o codeowners`. A file is for those who may",
        "# change all that can stand in it, so it asks for more than a review does.",
    ]
    keeper = agreements.default_model("")
    lines.append(f"* {_handles(keeper.defaults.owner(RECORD_ITEM), handles)}")
    for path, hubs in sorted(layout.users().items()):
        owners = {
            agreements.of_hub(hub).agreement.owner(item)
            for hub in hubs
            for item in agreements.of_hub(hub).model.guard.rest
        }
        named = [_handles(name, handles) for name in sorted(owners)]
        # Any one would do: where they differ, only who keeps the agreements is safe.
        if len(named) == 1:
            lines.append(f"/{_escaped(path)} {named[0]}")
    return "\n".join(lines)


def _handles(party: str, handles: Mapping[str, str]) -> str:
    return handles.get(party, f"@{party}")


def _escaped(path: str) -> str:
    return "".join(f"\\{c}" if c in " #*?[]!\\" else c for c in path)
