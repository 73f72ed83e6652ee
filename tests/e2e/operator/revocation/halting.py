"""The operator, halted at a write of a revocation.

``python -m tests.e2e.operator.revocation.halting`` starts it.

``RESPONSIBILITY_TEST_HALT`` says where: ``<number> <before|after> <kill|wait> [<folder>]``. Killed,
nothing in the process gets to clean up. Waiting, it makes the file ``reached`` in the folder, and
goes on once there is a file ``go``. ``RESPONSIBILITY_TEST_GRACE`` are the seconds for which what is
forbidden is tried again, where those of the product would be waited for.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from responsibility.controller.main import main
from responsibility.controller.plans.revocation import Revocation
from responsibility.kube.client import Api


def is_revoking(verb: str, path: str) -> bool:
    """Return whether a request is one of those that are counted: documents and deletions."""
    if verb == "GET":
        return False
    return "/configmaps" in path or (
        verb == "DELETE" and "/rolebindings/" in path and "/responsibility-grant-" not in path
    )


async def halt(how: str, folder: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    (Path(folder) / "reached").touch()
    while not (Path(folder) / "go").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.05)


def install(number: int, when: str, how: str, folder: str = "") -> None:
    send, writes = Api._call, 0

    async def call(self: Api, verb: str, path: str, *arguments: Any, **more: Any) -> Any:
        nonlocal writes
        counted = is_revoking(verb, path)
        writes += counted
        here = counted and writes == number
        if here and when == "before":
            await halt(how, folder)
        answer = await send(self, verb, path, *arguments, **more)
        if here and when == "after":
            await halt(how, folder)
        return answer

    Api._call = call  # type: ignore[method-assign]  # on purpose


if __name__ == "__main__":
    number, when, *rest = os.environ["RESPONSIBILITY_TEST_HALT"].split()
    install(int(number), when, *rest)
    if grace := os.environ.get("RESPONSIBILITY_TEST_GRACE"):
        (Revocation.__init__.__kwdefaults__ or {})["grace"] = float(grace)
    main()
