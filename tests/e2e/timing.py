"""Where a run's time goes: the longest modules, and what clusters cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import schedule
from tests.e2e.lab import lifetime

_LONGEST = 12
_KEY = "clusters"


class Timing:
    """Adds up what each worker reports, and tells it at the end."""

    def __init__(self) -> None:
        self._modules: dict[str, float] = {}
        self._workers: dict[str, float] = {}
        self._clusters: dict[str, list[float]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count set-up, call and tear-down to the module and to the worker that ran them."""
        _add(self._modules, report.nodeid.partition("::")[0], report.duration)
        worker = str(getattr(report, "worker_id", "main"))
        _add(self._workers, worker, report.duration)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker has handed over."""
        self._add(getattr(node, "workeroutput", {}).get(_KEY) or {})

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what this process has counted."""
        output = getattr(session.config, "workeroutput", None)
        if output is None:
            self._add(lifetime.SPENT)
        else:
            output[_KEY] = lifetime.SPENT

    def _add(self, spent: dict[str, list[float]]) -> None:
        for what, seconds in spent.items():
            self._clusters.setdefault(what, []).extend(seconds)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell it, and note what a whole run took."""
        if not self._modules:
            return
        if _is_whole(terminalreporter.config):
            schedule.note(self._modules)
        say = terminalreporter.write_line
        terminalreporter.section("where the time went")
        for what, seconds in sorted(self._clusters.items()):
            say(f"{sum(seconds):7.1f} s  clusters {what}: {len(seconds)}, {_each(seconds)}")
        for worker, total in sorted(self._workers.items()):
            say(f"{total:7.1f} s  worker {worker}")
        longest = sorted(self._modules.items(), key=lambda module: -module[1])
        for module, total in longest[:_LONGEST]:
            say(f"{total:7.1f} s  {module}")


def _is_whole(config: pytest.Config) -> bool:
    """Return whether each group was run as `make e2e` runs it, so that its time is its own."""
    everything = [arg.rstrip("/") for arg in config.args] == ["tests/e2e"]
    return everything and config.option.markexpr == "not long" and not config.option.keyword


def _add(sums: dict[str, float], key: str, seconds: float) -> None:
    sums[key] = sums.get(key, 0.0) + seconds


def _each(seconds: list[float]) -> str:
    return f"{min(seconds):.1f} to {max(seconds):.1f} s each"
