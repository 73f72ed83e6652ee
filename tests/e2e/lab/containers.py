"""What a container engine says of itself, and the limits of this machine that kind runs into."""

import shutil
import subprocess
from pathlib import Path

from tests.e2e.lab.cluster import Completed
from tests.e2e.lab.errors import LabError

# An engine that doesn't answer at once is no engine to run tests on.
_PATIENCE = 5.0
# Each node takes some hundred, and kubelet and systemd give up where there are none left: kind then
# tells of a time-out. https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
_INSTANCES = "max_user_instances"
ENOUGH = 512


def docker(*args: str, timeout: float | None = None, check: bool = True) -> Completed:
    """Run docker.

    Raises:
        LabError: it is absent or doesn't answer in time, or it failed and `check` is on.
    """
    command = ["docker", *args]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    except FileNotFoundError as error:
        raise LabError("docker is not on PATH: install it, or use E2E_CLUSTER=kwok") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(command)}` did not answer within {timeout:g} s") from error
    if check and done.returncode:
        raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done


def answers() -> bool:
    """Whether there is an engine, and it works."""
    try:
        return shutil.which("docker") is not None and not _code("info")
    except LabError:
        return False


def has_image(image: str) -> bool:
    """Whether the engine has an image already."""
    return not _code("image", "inspect", image)


def can_have_image(image: str) -> bool:
    """Whether the engine has an image, or a registry answers that it has it."""
    try:
        # A registry that can't be reached lets it wait for long.
        return has_image(image) or not _code("manifest", "inspect", image, timeout=4 * _PATIENCE)
    except LabError:
        return False


def gateway(network: str) -> str:
    """Return the address of this machine, as containers in a network see it."""
    template = "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"
    found = docker("network", "inspect", network, "--format", template).stdout.split()
    plain = [address for address in found if ":" not in address]
    if not plain:
        raise LabError(f"docker's network {network} has no IPv4 gateway; it has {found}")
    return plain[0]


def scarcity(inotify: Path = Path("/proc/sys/fs/inotify")) -> str:
    """Return what is too little for several nodes, and how to have more; empty if all is well."""
    try:
        instances = int((inotify / _INSTANCES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""  # another system, or one in a virtual machine that is not ours to look into
    if instances >= ENOUGH:
        return ""
    return (
        f"fs.inotify.{_INSTANCES} is {instances}, which is too little for more than one or two "
        f"nodes: sudo sysctl fs.inotify.{_INSTANCES}={2 * ENOUGH}"
    )


def _code(*args: str, timeout: float = _PATIENCE) -> int:
    return docker(*args, timeout=timeout, check=False).returncode
