"""Options that select and order what differs, as kubectl has them for objects."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from responsibility.cli.sources.options import Where, Words

_F = TypeVar("_F", bound=Callable[..., Any])

# By name: what it takes, and what it asks for.
_OPTIONS = {
    "severity": ("HOW-BAD", "What is so bad: high, medium or low."),
    "kind": ("KIND", "This kind of finding, such as excess-access."),
    "item": ("ITEM", "What touches this item, by its name."),
    "party": ("PARTY", "What is about this party, or about an item that it owns."),
    "subject": ("[KIND/]NAME", "What this subject can do, such as user/ann."),
}
_SORTS = ("severity", "kind", "hub", "item", "who", "age")

all_namespaces_option = click.option(
    "-A",
    "--all-namespaces",
    is_flag=True,
    help="Hubs of all namespaces, and the whole cluster, which is so without -n.",
)


def namespace_of(where: Where, *, everywhere: bool) -> str:
    """Return the namespace that -n names for hubs, empty for all; the context's has no say."""
    if everywhere and where.namespace is not None:
        raise click.UsageError("-A asks for all namespaces, and -n for one: give one of them")
    return where.namespace or ""


def selection_options(function: _F) -> _F:
    """Add the options; the command gets ``selection``."""

    @functools.wraps(function)
    def wrapper(**values: Any) -> object:
        from responsibility.cli.selection.choice import Selection, span

        wanted = {
            name: tuple(each for text in values.pop(name) for each in text.split(",") if each)
            for name in _OPTIONS
        }
        if where := namespace_of(values["where"], everywhere=values.pop("all_namespaces")):
            wanted["namespace"] = (where,)
        since, sort_by = values.pop("since"), values.pop("sort_by")
        selection = Selection(
            {name: texts for name, texts in wanted.items() if texts},
            span(since, "--since") if since else None,
            sort_by or "",
        )
        return function(selection=selection, **values)

    decorated: Any = wrapper
    for option in reversed(
        (
            *(
                click.option(
                    f"--{name}",
                    name,
                    multiple=True,
                    metavar=metavar,
                    help=f"{text} Several with commas, or once more.",
                )
                for name, (metavar, text) in _OPTIONS.items()
            ),
            click.option(
                "--since",
                metavar="SPAN",
                help="What was first found within this time, such as 24h; only where the operator "
                "notes that.",
            ),
            click.option("--sort-by", type=Words(_SORTS), help="Another order."),
            all_namespaces_option,
        )
    ):
        decorated = option(decorated)
    found: _F = decorated
    return found
