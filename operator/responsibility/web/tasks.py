"""Tasks: what there is to do about what differs, and whom to write to.

They come first on the page. A task is one cause, whatever number of items it touches. What holds on
the whole cluster is told once, for all hubs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from responsibility.phrases import counted
from responsibility.web.document import Child, isolated, joined, link, tag
from responsibility.web.words import dated

# Tasks told in one place; more of them are counted, worst first.
MOST = 50
# Tasks of the whole cluster that stand above all hubs; the rest is folded.
_ON_TOP = 3
_SEVERITIES = {"high": "soon", "medium": "this week", "low": "when there is time"}


@dataclass(frozen=True, slots=True)
class Task:
    """One cause for people: how soon, which items, what differs, what ends it, whom to ask."""

    severity: str
    items: tuple[str, ...]
    message: str
    remedy: str
    whose: str = ""
    contacts: tuple[str, ...] = ()


def tasks(found: Sequence[Task], *, first: Collection[str] = ()) -> Iterable[Child]:
    """Yield what there is to do, by whose it is, each with the worst first.

    Those of the parties in ``first`` come before all others: the page is theirs.
    """
    if not found:
        yield tag("p", "Nothing: what was checked is as agreed.")
        return
    told = found[:MOST]
    groups = dict.fromkeys(task.whose for task in told)
    for whose in sorted(groups, key=lambda whose: whose not in first):
        of_them = [task for task in told if task.whose == whose]
        count = counted(len(of_them), "thing")
        yield tag("p", tag("b", isolated(whose) if whose else "Nobody in particular", f": {count}"))
        yield tag("ul", *map(_task, of_them))
    if left := len(found) - len(told):
        yield tag("p", f"And {counted(left, 'thing')} more that matter less.")


def folded_tasks(found: Sequence[Task]) -> Iterable[Child]:
    """Yield tasks that stand above something else: the worst in full, the others folded."""
    yield from tasks(found[:_ON_TOP])
    if rest := found[_ON_TOP:]:
        yield tag("details", tag("summary", f"{len(rest)} more"), *tasks(rest))


def _task(task: Task) -> Element:
    ask = (" Write to ", *joined(map(link, task.contacts)), ".") if task.contacts else ()
    about = joined((isolated(item) for item in task.items), ", ")
    return tag(
        "li",
        isolated(dated(task.message)),
        tag("small", f"Look at it {_SEVERITIES[task.severity]}. It is about ", *about, ".", *ask),
        # For whoever does it. It may be a command, and is to be pasted as it is.
        tag("small", "What ends it: ", isolated(task.remedy)),
    )
