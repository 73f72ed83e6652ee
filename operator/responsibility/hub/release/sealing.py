"""Objects of a release without what may be secret in them: digests take the place of texts.

What is in Secrets and ConfigMaps, and the values of environments, is only ever asked whether it is
the same. A digest answers that. It is keyed, by a key that lives as long as the process: without it
nobody can try what a short password's digest is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any, Final

# As it stands in the place of a text; no field of Kubernetes is called so.
_SEALED: Final = "$sealed"
_KEEPERS: Final = frozenset({"Secret", "ConfigMap"})
_ENVIRONMENTS: Final = frozenset({"env"})

Json = dict[str, Any]


def sealed(found: Json, key: bytes) -> Json:
    """Return an object with digests, by ``key``, in the place of what may be secret.

    A Secret's ``stringData`` is in its ``data``, as the API server does it.
    """
    kept = {name: value for name, value in found.items() if name not in _DATA}
    kind = found.get("kind")
    if kind not in _KEEPERS:
        return {name: _environments_sealed(value, key) for name, value in found.items()}
    data: Json = {}
    for field, encoded in _DATA.items():
        below = found.get(field)
        if not isinstance(below, dict):
            continue
        in_base64 = encoded or (kind == "Secret" and field == "data")
        for name, value in below.items():
            data[name] = _digest(_bytes(value, encoded=in_base64), key)
    return {**kept, "data": data} if data or any(f in found for f in _DATA) else kept


# The fields that hold content, and whether it is in base64 whatever the kind. Later ones win.
_DATA: Final = {"data": False, "binaryData": True, "stringData": False}


def _bytes(value: object, *, encoded: bool) -> bytes:
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if encoded:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    return text.encode(errors="surrogatepass")


def _digest(content: bytes, key: bytes) -> str:
    return f"{_SEALED}:{hmac.new(key, content, hashlib.sha256).hexdigest()}"


def _environments_sealed(value: Any, key: bytes) -> Any:  # noqa: ANN401 - whatever JSON there is
    if isinstance(value, list):
        return [_environments_sealed(each, key) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: [_variable_sealed(each, key) for each in below]
        if name in _ENVIRONMENTS and isinstance(below, list)
        else _environments_sealed(below, key)
        for name, below in value.items()
    }


def _variable_sealed(variable: Any, key: bytes) -> Any:  # noqa: ANN401 - as above
    if not isinstance(variable, dict) or variable.get("value") in (None, ""):
        return variable
    return {**variable, "value": _digest(_bytes(variable["value"], encoded=False), key)}
