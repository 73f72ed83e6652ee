"""Waiting for an API server, and for our kinds, to be there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from responsibility.kube import errors
from responsibility.kube.backoff import Backoff
from responsibility.kube.client import Api

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

# Seconds between two looks for kinds that a person, or a chart, is about to install.
_CRD_CAP = 2.0


async def wait_for_server(
    api: Api,
    *,
    deadline: float | None = None,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Return when the server says that it is ready; log each reason why not once.

    ``deadline`` is in seconds from now. Raises the last ApiError when it has passed.
    """

    async def ready() -> str | None:
        try:
            await api.get("/readyz")
        except (errors.ForbiddenError, errors.NotFoundError):
            # Some clusters close /readyz to all but their own; /version is open to everyone.
            await api.version()
        return None

    await _until(
        ready,
        f"the API server at {api.host}",
        deadline=deadline,
        clock=clock,
        sleep=sleep,
        backoff=Backoff(),
    )


async def wait_for_crds(
    api: Api,
    names: Iterable[str],
    *,
    deadline: float | None = None,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Return when all kinds are served; ``names`` are like ``<plural>.<group>``.

    Asked through discovery, which everyone may read, and which lists a kind once it can be used:
    a CRD that merely exists is not served yet. Raises ApiError when the deadline has passed.
    """

    async def served() -> str | None:
        missing = await missing_crds(api, names)
        return (
            f"not installed: {', '.join(missing)} (apply the project's CRDs)" if missing else None
        )

    await _until(
        served,
        "custom resources",
        deadline=deadline,
        clock=clock,
        sleep=sleep,
        backoff=Backoff(cap=_CRD_CAP),
    )


async def missing_crds(api: Api, names: Iterable[str]) -> list[str]:
    """Return which of these kinds are not served; ``names`` are like ``<plural>.<group>``.

    Raises ApiError.
    """
    wanted = set(names)
    return sorted(wanted - await _served(api, {name.partition(".")[2] for name in wanted}))


async def _served(api: Api, groups: Iterable[str]) -> set[str]:
    """Return the kinds, ``<plural>.<group>``, that are served in any version of these groups."""
    found: set[str] = set()
    for group in groups:
        try:
            versions = (await api.get(f"/apis/{group}")).get("versions")
            if not isinstance(versions, list):
                raise errors.bad_answer("GET", f"/apis/{group}", "an API group")
            for version in versions:
                path = f"/apis/{version['groupVersion']}"
                kinds = (await api.get(path)).get("resources")
                if not isinstance(kinds, list):
                    # Not that there are none.
                    raise errors.bad_answer("GET", path, "the kinds of an API group")
                found |= {f"{kind['name']}.{group}" for kind in kinds}
        except errors.NotFoundError:
            continue
    return found


async def _until(
    done: Callable[[], Awaitable[str | None]],
    what: str,
    *,
    deadline: float | None,
    clock: Clock,
    sleep: Sleep,
    backoff: Backoff,
) -> None:
    """Call ``done`` until it returns None; a string, or an ApiError, says why not yet."""
    began = clock()
    logged: str | None = None
    while True:
        failure: errors.ApiError
        try:
            reason = await done()
            failure = errors.UnavailableError(0, "NotReady", reason or "", "WAIT", what)
        except errors.ApiError as error:
            reason, failure = str(error), error
        if reason is None:
            if logged is not None:
                logger.info("%s: ready", what)
            return
        if reason != logged:
            logger.warning("waiting for %s: %s", what, reason)
            logged = reason
        delay = backoff.next(at_least=failure.retry_after)
        if deadline is not None and clock() - began + delay > deadline:
            raise failure
        await sleep(delay)
