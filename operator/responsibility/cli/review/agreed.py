"""Settings of which a record says what they are to be, and that a change moves away from it.

The operator tells it of a hub as it is (``ownership.hub_values``); this tells it before it is so.
What is agreed stands in the record and is shown; what it is set to never is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from responsibility.hub.values.agreed import AgreedValue, Setting, deviations, settings
from responsibility.hub.values.yaml import Value
from responsibility.ownership.hub_values import items_agreed
from responsibility.ownership.results.value_wording import agreed_text
from responsibility.ownership.terms.agreement import Agreement


@dataclass(frozen=True, slots=True)
class AgreedDeparture:
    """A setting that is as agreed no longer; the item that it was agreed with, and its path."""

    item: str
    agreed: AgreedValue
    path: str

    @property
    def wanted(self) -> str:
        """Return what was agreed: ``2G``, or a range in words."""
        return agreed_text(self.agreed)


def departures(agreement: Agreement, before: Value, after: Value) -> Iterator[AgreedDeparture]:
    """Yield what was as agreed, or another deviation, before; values of the hub's chart."""
    for item in items_agreed(agreement):
        for agreed in item.agreed:
            old, new = (settings(v, [agreed.path])[agreed.path] for v in (before, after))
            if old and not new:
                yield AgreedDeparture(item.name, agreed, agreed.path)
            known = set(_wrong(old, agreed))
            for setting in _wrong(new, agreed):
                if setting not in known:
                    yield AgreedDeparture(item.name, agreed, setting.place)


def _wrong(found: tuple[Setting, ...], agreed: AgreedValue) -> Iterator[Setting]:
    return deviations(found, agreed)
