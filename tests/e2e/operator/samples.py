"""A scrape, and what it says."""

from __future__ import annotations

from functools import cached_property

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "responsibility_"
_Sample = tuple[str, dict[str, str], float]


class Samples:
    """All samples of one scrape, found by name (without the prefix) and labels."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _all(self) -> list[_Sample]:
        return _read(self.text)

    def _named(self, name: str) -> list[_Sample]:
        """Read the lines of one metric: who waits for it asks often, and all are many."""
        begins = tuple(f"{prefix}{name}{end}" for prefix in (PREFIX, "") for end in "{ ")
        lines = [line for line in self.text.splitlines() if line.startswith(begins)]
        return _read("\n".join([*lines, ""]))

    def of(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return the series of a metric that carry these labels."""
        return [
            (found, value)
            for known, found, value in self._named(name)
            if known == name and labels.items() <= found.items()
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over the series that carry these labels; 0 where there is none."""
        return sum(value for _, value in self.of(name, **labels))

    def value(self, name: str, **labels: str) -> float:
        """Return the value of the one series that carries these labels."""
        found = self.of(name, **labels)
        assert len(found) == 1, f"{len(found)} series of {name} with {labels}"
        return found[0][1]

    def hubs(self) -> set[str]:
        """Return the hubs that any series is about, as ``namespace/release``."""
        return {
            f"{labels['hub_namespace']}/{labels['hub']}"
            for _, labels, _ in self._all
            if labels.get("hub")
        }


def _read(text: str) -> list[_Sample]:
    return [
        (sample.name.removeprefix(PREFIX), dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
