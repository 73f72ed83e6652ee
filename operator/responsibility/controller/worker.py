"""The base of what runs beside the reconcile loop: granting, asking, planning, revoking, proving.

Each runs in a task of its own; it may follow the passes, and ask the loop to wait a moment for
what it is doing. ``capabilities`` has the one list of them; what works in every replica, leading or
not, is started in ``main``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from responsibility.cluster.moment import Moment
from responsibility.ownership.results.assessment import Assessment


@dataclass(frozen=True, slots=True)
class Pass:
    """One look at everything: how it was at one moment, and what that comes to."""

    moment: Moment
    assessment: Assessment


class Worker:
    """Something that goes on in the background; each method does nothing unless it is needed.

    With ``from_start``, it runs while the cluster is still being listed, before there is a pass.
    """

    from_start: ClassVar[bool] = False

    def follow(self, found: Pass) -> None:
        """Take note of a pass, without blocking; ``run`` does what follows from it."""

    async def settle(self, until: float) -> bool:  # noqa: ARG002 - for those who wait
        """Wait for work that a pass should not be published without; return whether to look again.

        ``until`` is the time (of the event loop's clock) at which waiting ends with False.
        """
        return False

    def retry_refused(self) -> None:
        """Try again soon what was refused: our rights have changed.

        Whatever remembers refusals has a method of this name, which its owner's calls.
        """

    async def run(self) -> None:
        """Run until cancelled. An error that it raises ends the operator."""
        await asyncio.Event().wait()
