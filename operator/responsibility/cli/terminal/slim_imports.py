"""The async half of the Kubernetes client, imported without the rest of it.

``import kubernetes.aio`` first runs ``kubernetes/__init__.py``, which imports the whole synchronous
client with requests, oauthlib and websockets: a fifth of a second, which is half of what a question
to a cluster takes. Standing in for these two packages with empty ones skips that; their other
modules can still be imported by name.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_PACKAGES = ("kubernetes", "kubernetes.aio")


def import_async_client_only() -> None:
    """Put the stand-ins in place; nothing happens where the client was imported already."""
    if _PACKAGES[0] in sys.modules:
        return
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            return
        sys.modules[name] = _stand_in(name, spec)
    sys.modules["kubernetes"].__dict__["aio"] = sys.modules["kubernetes.aio"]


def _stand_in(name: str, spec: ModuleSpec) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = list(spec.submodule_search_locations or ())
    module.__spec__ = spec
    return module
