"""What can go wrong in the lab. Each message ends with what the reader can do about it."""


class LabError(Exception):
    """Something about the machine or the cluster keeps the lab from doing what was asked."""


class NotSupported(LabError):  # noqa: N818 - it is a statement about the cluster, not a fault
    """This kind of cluster cannot do that; tests turn it into a skip."""


class KubectlError(LabError):
    """kubectl exited with an error; `stderr` says why, in the API server's words."""

    def __init__(self, command: list[str], returncode: int, stdout: str, stderr: str) -> None:
        super().__init__(
            f"`{' '.join(command)}` exited with {returncode}:\n{stderr.strip() or stdout.strip()}"
        )
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
