"""A scrape, and what it says."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "responsibility_"


class Samples:
    """All samples of one scrape, found by name (without the prefix) and labels."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._all = [
            (sample.name.removeprefix(PREFIX), dict(sample.labels), sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    def of(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return the series of a metric that carry these labels."""
        return [
            (found, value)
            for known, found, value in self._all
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
