"""The manifest by which krew installs the plugin, as its index takes it.

Source: ``pkg/index/types.go`` and ``internal/index/validation/validate.go`` of krew, and its guide
for developers: the name of the file is that of the plugin, versions begin with v.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from responsibility.api.names import PLUGIN
from tools.release.plugin_archive import LICENCE, Platform
from tools.release.plugin_launcher import SUPPORTED

NAME: Final = PLUGIN.removeprefix("kubectl-")
FILE: Final = f"{NAME}.yaml"


def manifest(
    version: str, homepage: str, archives: Mapping[Platform, tuple[str, bytes]]
) -> dict[str, Any]:
    """Return the manifest for archives, by platform: their names, and what is in them."""
    oldest, newest = (".".join(map(str, each)) for each in (SUPPORTED[0], SUPPORTED[-1]))
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": NAME},
        "spec": {
            "version": f"v{version}",
            "homepage": homepage,
            "shortDescription": "Who owns what on a JupyterHub, and who can do it",
            "description": "Says of each JupyterHub on a cluster which party owns which kind of\n"
            "action, who can do it by RBAC, and where the two differ; checks manifests\n"
            "in pull requests; and plans the changes that end what is too much.\n",
            "caveats": f"Needs Python {oldest} to {newest} on PATH; all else is inside.\n",
            "platforms": [
                {
                    "selector": {"matchLabels": {"os": platform.os, "arch": platform.arch}},
                    "uri": f"{homepage}/releases/download/v{version}/{name}",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "bin": PLUGIN,
                    "files": [{"from": path, "to": "."} for path in (PLUGIN, LICENCE.name, "lib")],
                }
                for platform, (name, content) in archives.items()
            ],
        },
    }
