"""A small part of the organisation before a change, and reviews of changes of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.review import organisation
from tests.unit.cli.review.organisation import Files

NOW = "2026-02-15"
FEW = {"c01", "c02", "c05"}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a review."""

    code: int
    answer: dict[str, Any]
    err: str = ""

    @property
    def needed(self) -> set[str]:
        """Return the items whose owners have to approve something."""
        lines = [line for line in self.answer["changes"] if not line["may"]]
        return {item["name"] for line in lines for item in line["items"]}

    @property
    def what(self) -> set[str]:
        """Return the settings and files that change."""
        return {line["what"] for line in self.answer["changes"]}


Review = Callable[..., Reviewed]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    """Return the repository of a few clusters; the current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return organisation.files(lambda hub: hub.cluster in FEW)


@pytest.fixture
def review(run: Run, few: Files, tmp_path: Path) -> Review:
    """Review a change, from the few clusters or another base, as somebody."""

    def call(
        head: Files | Callable[[Path], object], author: str = "", *options: str, base: Files = few
    ) -> Reviewed:
        organisation.write(tmp_path / "before", base)
        after = organisation.write(tmp_path / "after", base if callable(head) else head)
        if callable(head):
            head(after)
        who = ("--as", author) if author else ()
        done = run(
            *("review", "--base", "before", "--head", "after", "--at", NOW, "-o", "json"),
            *(*who, *options),
        )
        return Reviewed(done.code, json.loads(done.out or "{}"), done.err)

    return call
