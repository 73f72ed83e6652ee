"""Images of containers, by where they lie: registry, folders and name, without tag and digest.

A name without a registry is one of Docker's, as container runtimes take it
(``splitDockerDomain`` in ``reference/normalize.go`` of github.com/distribution/reference).
"""

from __future__ import annotations

from typing import Final

_DOCKER: Final = "docker.io"
_ALIASES: Final = {"index.docker.io": _DOCKER, "registry-1.docker.io": _DOCKER}


def lies_within(image: str, repository: str) -> bool:
    """Return whether an image is that repository's, or of one below it.

    ``quay.io/coast`` has ``quay.io/coast/env:2031.1`` in it, and not ``quay.io/coastal/env``.
    """
    own, wanted = _image(image), _place(repository.rstrip("/"))
    return bool(own) and bool(wanted) and own[: len(wanted)] == wanted


def _image(reference: str) -> tuple[str, ...]:
    """Return the parts of an image's name, the registry first; none of what no registry knows."""
    name, _, _ = reference.partition("@")
    first, slash, rest = name.partition("/")
    if not slash:
        parts = [_DOCKER, "library", first]
    elif _is_registry(first):
        parts = [_ALIASES.get(first, first), *rest.split("/")]
    else:
        parts = [_DOCKER, *name.split("/")]
    parts[-1] = parts[-1].partition(":")[0]
    return () if any(part in ("", ".", "..") for part in parts) else tuple(parts)


def _place(repository: str) -> tuple[str, ...]:
    """Return the same of where images lie, which may be a whole registry, or all of somebody's."""
    if "/" not in repository:
        known = _is_registry(repository)
        return (_ALIASES.get(repository, repository),) if known else (_DOCKER, repository)
    return _image(repository)


def _is_registry(first: str) -> bool:
    return first == "localhost" or any(c in ".:" or c.isupper() for c in first)
