"""Bodies of requests and answers: written as the server reads them, and read up to a bound."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import aiohttp

from responsibility.kube import errors
from responsibility.kube.protocol import Json


def of_object(answer: Json, verb: str, path: str) -> Json:
    """Return an answer that is an object, as it is after a write."""
    if not isinstance(answer.get("metadata"), dict):
        raise errors.bad_answer(verb, path, "an object")
    return answer


async def read(
    response: aiohttp.ClientResponse, largest: int | None, verb: str, path: str
) -> bytes:
    """Return the body. Raises TooLargeError, having read no more than that, where it is larger."""
    if largest is None:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > largest:
            why = f"there is more than {largest >> 20} MiB of it"
            raise errors.TooLargeError(0, "TooLarge", why, verb, path)
    return bytes(body)


# An escape sequence of JSON; the first alternative is a character beyond the basic plane, as two.
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)")


def as_yaml(body: Mapping[str, Any]) -> str:
    """Return an object as JSON that is YAML too, which it is not always.

    YAML knows no surrogate pairs: a name with an emoji in it would be refused. Other characters
    stay escaped, since some of them are line breaks or not allowed in YAML.
    """
    return _ESCAPE.sub(_unescaped, json.dumps(body))


def _unescaped(match: re.Match[str]) -> str:
    return str(json.loads(f'"{match[0]}"')) if match[1] else match[0]
