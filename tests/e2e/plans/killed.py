"""Go on with a plan, and be killed at a write: ``python -m … KUBECONFIG JOURNAL NUMBER WHEN``.

Nothing in this process gets to clean up: it sends itself SIGKILL.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from responsibility.cluster import apply_plan
from responsibility.cluster.undo import Journal
from responsibility.kube.client import Api


def die_at(number: int, when: str) -> None:
    """Kill this process at its write of that number, before or after the server has it."""
    send, writes = Api._call, 0

    async def call(self: Api, verb: str, *arguments: Any, **more: Any) -> Any:
        nonlocal writes
        writes += verb != "GET"
        if verb != "GET" and writes == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await send(self, verb, *arguments, **more)
        if verb != "GET" and writes == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    Api._call = call  # type: ignore[method-assign]  # on purpose


async def main(kubeconfig: str, file: str) -> None:
    async with Api.connect(Path(kubeconfig)) as api:
        await apply_plan.go_on(api, Journal.read(Path(file)), lambda _: None)


if __name__ == "__main__":
    die_at(int(sys.argv[3]), sys.argv[4])
    asyncio.run(main(*sys.argv[1:3]))
