"""The programs a control plane is made of, built once from pinned Go modules.

A download would be faster, but there is none that covers all of these, for every platform, with
one way to verify it. Go's checksum database does: `gomods/*/go.mod` and `go.sum` are the pins, and
whoever has Go gets the same programs. They land in a per-user cache that the pins are the key of,
so a new pin builds anew and an old checkout still finds its own.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.lab.directories import LAB, cache_root, locked
from tests.e2e.lab.errors import LabError

GO_MODULES = LAB / "gomods"
MINIMUM_GO = (1, 26)


@dataclass(frozen=True, slots=True)
class Command:
    """One program and how it is built. `need` names the occasion; only `cluster` is implied."""

    name: str
    module: str
    package: str
    need: str = "cluster"
    tags: str = ""


# In this order: the longest first, so that a machine too small for it fails early.
COMMANDS = (
    Command("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    Command(
        "kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"
    ),
    Command("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl"),
    Command("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    Command("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok"),
    Command("kwokctl", "kwok", "sigs.k8s.io/kwok/cmd/kwokctl"),
    Command("helm", "helm", "helm.sh/helm/v4/cmd/helm", need="helm"),
    Command("helm3", "helm3", "helm.sh/helm/v3/cmd/helm", need="helm"),
)

_PROMETHEUS = "github.com/prometheus/prometheus"
# Of all its ways to find targets, Prometheus needs one; the clouds' libraries are most of the rest.
_DISCOVERY = "remove_all_sd,enable_kubernetes_sd"
# These have a directory and a key of their own: a new pin of theirs builds no control plane anew.
# Prometheus' web pages are left out, since they would need npm. `go mod tidy` would look at what
# the tags leave out; `GOFLAGS=-tags=… go get -tool …@v…` in its directory moves the pins.
MONITORING = (
    Command(
        "prometheus",
        "prometheus",
        f"{_PROMETHEUS}/cmd/prometheus",
        need="monitoring",
        tags=_DISCOVERY,
    ),
    Command(
        "promtool",
        "prometheus",
        f"{_PROMETHEUS}/cmd/promtool",
        need="monitoring",
        tags=_DISCOVERY,
    ),
)
# Of a release, of GitOps and of alerts, and apart for the same reason: the linter of workflows, who
# installs the plugin, what makes definitions of Go types, and who tells people of alerts (the last
# version that has its web pages in the module; with a later one, they would need npm).
RELEASING = (
    Command(
        "actionlint", "actionlint", "github.com/rhysd/actionlint/cmd/actionlint", need="workflows"
    ),
    Command("krew", "krew", "sigs.k8s.io/krew/cmd/krew", need="krew"),
    Command(
        "controller-gen", "flux", "sigs.k8s.io/controller-tools/cmd/controller-gen", need="gitops"
    ),
    Command(
        "alertmanager",
        "alertmanager",
        "github.com/prometheus/alertmanager/cmd/alertmanager",
        need="monitoring",
    ),
)


def build(need: Collection[str] = ()) -> Path:
    """Build the programs that are missing, and return the directory that holds them all.

    `need` adds to the control plane's own: `{"helm"}` for `helm` (version 4) and `helm3`.
    Safe to call at once from several processes: one builds, the others wait and find the result.

    Raises:
        LabError: Go is absent or too old, or a build failed.
    """
    if unknown := set(need) - {command.need for command in COMMANDS}:
        raise LabError(f"nothing to build for {sorted(unknown)}; the lab knows cluster and helm")
    wanted = [command for command in COMMANDS if command.need in {"cluster", *need}]
    return _built(wanted, cache_root() / _key(_go_version(), COMMANDS) / "bin")


def build_helm() -> Path:
    """Build `helm` and `helm3` if they are missing; the directory that holds at least them.

    Raises:
        LabError: Go is absent or too old, or a build failed.
    """
    wanted = [command for command in COMMANDS if command.need == "helm"]
    return _built(wanted, cache_root() / _key(_go_version(), COMMANDS) / "bin")


def build_monitoring() -> Path:
    """Build `prometheus` and `promtool` if they are missing; the directory that holds just them.

    Raises:
        LabError: Go is absent or too old, or a build failed.
    """
    return _built(MONITORING, cache_root() / _key(_go_version(), MONITORING) / "bin")


def build_releasing(name: str) -> Path:
    """Build one of ``RELEASING`` if it is missing, and return it.

    Raises:
        LabError: Go is absent or too old, or the build failed.
    """
    wanted = [command for command in RELEASING if command.name == name]
    return _built(wanted, cache_root() / _key(_go_version(), wanted) / "bin") / name


def _built(wanted: Collection[Command], directory: Path) -> Path:
    if _missing(wanted, directory):
        with locked(directory.parent / "build.lock"):
            missing = _missing(wanted, directory)  # another process may have built them meanwhile
            for position, command in enumerate(missing, start=1):
                _build_one(command, directory, f"[{position}/{len(missing)}]")
    return directory


def pinned_version(module: str, dependency: str) -> str:
    """Look up the version of a dependency in one of the pinned modules, e.g. `v1.37.2`."""
    text = (GO_MODULES / module / "go.mod").read_text(encoding="utf-8")
    match = re.search(rf"^\s*(?:require )?{re.escape(dependency)} (v\S+)", text, re.MULTILINE)
    if match is None:
        raise LabError(f"gomods/{module}/go.mod pins no {dependency}; run `go get` there to add it")
    return match[1]


def module_source(module: str, dependency: str) -> Path:
    """Fetch the source of a pinned dependency, and return its directory, which is read-only.

    Raises:
        LabError: it cannot be had, or is not what was pinned.
    """
    fetched = subprocess.run(
        ["go", "mod", "download", "-json", dependency],
        cwd=GO_MODULES / module,
        env={**os.environ, "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(fetched.stdout or "{}")
    if fetched.returncode or "Dir" not in told:
        problem = told.get("Error") or fetched.stderr.strip()
        raise LabError(f"{dependency} cannot be fetched, which needs GOPROXY: {problem}")
    return Path(told["Dir"])


def _missing(commands: Collection[Command], directory: Path) -> list[Command]:
    return [command for command in commands if not (directory / command.name).exists()]


def _go_version() -> str:
    """Name the Go toolchain the pins are built with, e.g. `go1.26.8`."""
    wanted = ".".join(map(str, MINIMUM_GO))
    remedy = f"install Go {wanted} or newer from https://go.dev/dl/ and put it on PATH"
    if shutil.which("go") is None:
        raise LabError(
            f"Go is not installed, and the control plane is built with it: {remedy}; "
            "or choose another cluster with E2E_CLUSTER=kind|existing"
        )
    # Asked inside a module, since Go may switch to the toolchain that the module names.
    asked = subprocess.run(
        ["go", "env", "GOVERSION"],
        cwd=GO_MODULES / "kubernetes",
        capture_output=True,
        text=True,
        check=False,
    )
    version = asked.stdout.strip()
    match = re.match(r"(?:go|devel go)(\d+)\.(\d+)", version)
    if asked.returncode or match is None:
        raise LabError(f"Go cannot build the pinned modules ({asked.stderr.strip()}): {remedy}")
    if (int(match[1]), int(match[2])) < MINIMUM_GO:
        raise LabError(f"{version} is too old: {remedy}")
    return version


def _key(go_version: str, commands: Collection[Command]) -> str:
    """Give a short name to "these pins, these flags, this compiler"."""
    digest = hashlib.sha256(go_version.encode())
    modules = {command.module for command in commands}
    for path in sorted(GO_MODULES.glob("*/go.*")):
        if path.parent.name not in modules:
            continue
        digest.update(path.relative_to(GO_MODULES).as_posix().encode())
        digest.update(path.read_bytes())
    for command in commands:
        flags = " ".join(filter(None, (_linker_flags(command), command.tags)))
        digest.update(f"{command.name} {command.package} {flags}".encode())
    return digest.hexdigest()[:12]


def _linker_flags(command: Command) -> str:
    """Small binaries that know their version.

    Unstamped, a Kubernetes server calls itself v0.0.0 and Helm refuses charts with a `kubeVersion`.
    """
    stamps: dict[str, str] = {}
    if command.module == "kubernetes":
        version = pinned_version("kubernetes", "k8s.io/kubernetes")
        major, minor, _ = version.removeprefix("v").split(".", 2)
        prefix = "k8s.io/component-base/version."
        stamps = {
            prefix + "gitVersion": version,
            prefix + "gitMajor": major,
            prefix + "gitMinor": minor,
            prefix + "gitTreeState": "clean",
            # Fixed, so that the same pins give the same bytes.
            prefix + "buildDate": "1970-01-01T00:00:00Z",
        }
    if command.module == "prometheus":
        # Its modules are numbered v0.316.0 where the release is 3.16.0.
        _, minor, patch = pinned_version("prometheus", _PROMETHEUS).split(".")
        release = f"{minor[0]}.{int(minor[1:])}.{patch}"
        stamps = {"github.com/prometheus/common/version.Version": release}
    if command.need == "helm":
        root = command.package.removesuffix("/cmd/helm")
        stamps = {f"{root}/internal/version.version": pinned_version(command.module, root)}
    if command.name == "helm3":
        # `helm template` takes this for the cluster's version; Helm 4 finds it out by itself.
        _, minor, _ = pinned_version("helm3", "k8s.io/client-go").split(".", 2)
        for package in ("pkg/chartutil", "pkg/lint/rules"):
            stamps[f"{root}/{package}.k8sVersionMajor"] = "1"
            stamps[f"{root}/{package}.k8sVersionMinor"] = minor
    return " ".join(["-s -w", *(f"-X {key}={value}" for key, value in stamps.items())])


def _build_one(command: Command, directory: Path, progress: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _say(f"{progress} {command.name} … building in {directory}")
    started = time.monotonic()
    # Renamed into place when complete: a half-written binary is never found under its name.
    unfinished = directory / f".{command.name}.unfinished"
    built = subprocess.run(
        [
            *("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly"),
            *(("-tags", command.tags) if command.tags else ()),
            *("-ldflags", _linker_flags(command), "-o", str(unfinished), command.package),
        ],
        cwd=GO_MODULES / command.module,
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if built.returncode:
        raise LabError(
            f"building {command.name} failed; a link that was killed ran out of memory (3 GB are "
            f"needed), a module that was not found needs GOPROXY:\n{built.stderr[-4000:]}"
        )
    unfinished.rename(directory / command.name)
    _say(f"{progress} {command.name} … {time.monotonic() - started:.0f} s")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
