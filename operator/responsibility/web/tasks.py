"""Tasks: what there is to do about what differs, and whom to write to.

They come first on the page. A task is one cause, whatever number of items it touches. What holds on
the whole cluster is told once, for all hubs. What a lead has to do stands in plain words; what an
engineer has to do on the cluster is folded, and kept from paper.
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
_EXPLAIN = "kubectl responsibility explain"
_SEVERITIES = {"high": "soon", "medium": "this week", "low": "when there is time"}


@dataclass(frozen=True, slots=True)
class Task:
    """One cause for people: how soon, which items, what differs, what ends it, whom to ask.

    ``todo`` is what a lead does, and ``remedy`` what an engineer does, who knows more by ``id``.
    """

    severity: str
    items: tuple[str, ...]
    message: str
    remedy: str
    todo: str = ""
    id: str = ""
    whose: str = ""
    contacts: tuple[str, ...] = ()


def tasks(
    found: Sequence[Task],
    *,
    first: Collection[str] = (),
    helpers: Sequence[str] = (),
    readers: Collection[str] = (),
) -> Iterable[Child]:
    """Yield what there is to do, by whose it is, each with the worst first.

    Those of the parties in ``first`` come before all others: the page is theirs. They are told to
    write to the ``helpers``, if there are any, and not to their own addresses, the ``readers``.
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
        helped = helpers if whose in first else ()
        yield tag("ul", *(_task(task, helped or _others(task, readers)) for task in of_them))
    if left := len(found) - len(told):
        yield tag("p", f"And {counted(left, 'thing')} more that matter less.")


def folded_tasks(found: Sequence[Task]) -> Iterable[Child]:
    """Yield tasks that stand above something else: the worst in full, the others folded."""
    yield from tasks(found[:_ON_TOP])
    if rest := found[_ON_TOP:]:
        yield tag("details", tag("summary", f"{len(rest)} more"), *tasks(rest))


def _others(task: Task, readers: Collection[str]) -> Sequence[str]:
    return [each for each in task.contacts if each not in readers] or task.contacts


def _task(task: Task, contacts: Sequence[str]) -> Element:
    ask = ("Write to ", *joined(map(link, contacts)), ".") if contacts else ()
    about = joined((isolated(item) for item in task.items), ", ")
    soon = f"Look at it {_SEVERITIES[task.severity]}. It is about "
    return tag(
        "li",
        isolated(dated(task.message)),
        tag("span", tag("b", "What to do: "), f"{task.todo} ", *ask, class_="todo")
        if task.todo or ask
        else None,
        tag("small", soon, *about, "."),
        # For whoever does it. It may be a command, and is to be pasted as it is.
        tag(
            "details",
            tag("summary", "For engineers"),
            tag("p", "What ends it: ", isolated(task.remedy)),
            tag("p", "By what it is so: ", tag("code", f"{_EXPLAIN} {task.id}"))
            if task.id
            else None,
        ),
    )
