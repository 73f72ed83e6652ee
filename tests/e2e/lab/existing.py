"""A cluster that somebody else runs, used only if its context is named as allowed.

Tests create and delete things all over a cluster. The allow-list makes that a decision: whatever
context happens to be current in somebody's kubeconfig is never enough.
"""

import os
import shutil
import subprocess

from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.errors import LabError, NotSupported

ALLOWED = "E2E_ALLOWED_CONTEXTS"
CHOSEN = "E2E_CONTEXT"


class ExistingCluster(Cluster):
    """The context E2E_CONTEXT, or the current one, of the user's own kubeconfig."""

    kind = "existing"

    @property
    def context(self) -> str:
        """As the user's kubeconfig has it."""
        return os.environ.get(CHOSEN) or self._config("current-context").strip()

    def up(self) -> None:
        """Copy the one context, so that no later command can reach any other cluster.

        Raises:
            LabError: the context is not on the allow-list, or its API server doesn't answer.
        """
        if self.options != Options():
            raise NotSupported("options can't be set on an existing cluster; use kwok")
        context = self.context
        allowed = [item.strip() for item in os.environ.get(ALLOWED, "").split(",") if item.strip()]
        if context not in allowed:
            raise LabError(
                f"context {context!r} is not allowed for tests, which create and delete objects "
                f"all over a cluster; if that is what you want, set {ALLOWED}={context} "
                f"(allowed now: {', '.join(allowed) or 'none'})"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(
            self._config("view", "--minify", "--flatten", f"--context={context}"), encoding="utf-8"
        )
        self.kubectl("get", "--raw", "/readyz")

    def down(self) -> None:
        """Leave the cluster alone and forget its kubeconfig."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_up(self) -> bool:
        """Whether it was taken into use and answers."""
        if not self.kubeconfig.exists():
            return False
        return self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0

    def _config(self, *args: str) -> str:
        """Ask kubectl about the user's own kubeconfig."""
        asked = subprocess.run(
            [str(self.kubectl_program()), "config", *args],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode:
            raise LabError(
                f"there is no context to use ({asked.stderr.strip()}): set KUBECONFIG to a file "
                f"with a current-context, or {CHOSEN} to one of its contexts"
            )
        return asked.stdout
