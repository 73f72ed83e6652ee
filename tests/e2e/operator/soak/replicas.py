"""Operators behind proxies, each started again when it ends, as a node does."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.e2e.lab.connection import administrator
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import leases, process
from tests.e2e.operator.process import Operator
from tests.e2e.operator.soak.proxy import Proxy
from tests.e2e.operator.world import World

# What an operator says that ends because it may not go on: what a new start cures.
STARTED_AGAIN = "it has to be started again"


@dataclass(frozen=True, slots=True)
class Exit:
    """An end: whose, with which code and last words, and whether it was asked for."""

    replica: str
    code: int
    words: str
    asked: bool

    @property
    def orderly(self) -> bool:
        """Whether it has said why, in a line."""
        return self.code == 1 and STARTED_AGAIN in self.words


@dataclass(slots=True)
class Replica:
    """One replica: its proxy, and the process that runs now."""

    name: str
    proxy: Proxy
    credential: str
    """By what the audit log knows its requests."""

    operator: Operator
    _kubeconfig: Path
    _settings: Mapping[str, str]
    exits: list[Exit] = field(default_factory=list)
    _starts: int = 1
    _asked: bool = False

    def kill(self) -> None:
        """End it without a word."""
        self._asked = True
        self.operator.kill()

    def stop(self) -> None:
        """Ask it to end."""
        self._asked = True
        self.operator.stop()

    def look(self) -> None:
        """Start it again if it has ended."""
        if self.operator.running:
            return
        code = self.operator.process.returncode
        assert code is not None
        self.exits.append(Exit(self.name, code, self.operator.log[-3000:], self._asked))
        self._asked = False
        self._starts += 1
        log = self._kubeconfig.with_suffix(f".{self._starts}.log")
        self.operator = process.start(self._kubeconfig, log, settings=self._settings)

    def leads(self) -> bool:
        """Return whether it says so."""
        status, text = self.operator.page("/metrics")
        return status == 200 and "responsibility_leader 1.0" in text

    def memory(self) -> float:
        """Return what the process takes, in MiB."""
        text = Path(f"/proc/{self.operator.process.pid}/status").read_text(encoding="utf-8")
        (line,) = [line for line in text.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) / 1024


@dataclass(frozen=True, slots=True)
class Replicas:
    """All replicas of an installation."""

    every: list[Replica]

    def look(self) -> None:
        """Start those again that have ended."""
        for replica in self.every:
            replica.look()

    def leader(self) -> Replica:
        """Wait for one that leads, and return it."""

        def found() -> Replica | None:
            self.look()
            return next((r for r in self.every if r.leads()), None)

        leader = wait_until(found, 60, "a leader")
        assert leader is not None
        return leader


@contextmanager
def replicas(
    world: World, number: int, settings: list[Mapping[str, str]], seed: int
) -> Iterator[Replicas]:
    """Run so many replicas, each with its settings; at the end each must stop when asked."""
    connection = administrator(world.cluster)
    leases.give_back(world.admin)
    with ExitStack() as stack:
        every: list[Replica] = []
        for index in range(number):
            proxy = Proxy(connection.host, connection.anonymous_tls(), seed + index)
            stack.enter_context(proxy.running())
            name, kubeconfig = f"replica-{index}", world.identity()
            credential = _through(kubeconfig, proxy.address)
            given = {**settings[index], "LEADER_ELECTION": "true", "IDENTITY": name}
            running = process.start(kubeconfig, kubeconfig.with_suffix(".log"), settings=given)
            every.append(Replica(name, proxy, credential, running, kubeconfig, given))
        try:
            yield Replicas(every)
        except BaseException:
            for replica in every:
                replica.operator.kill()
            raise
        for replica in every:
            assert replica.operator.stop() == 0, replica.operator.log[-3000:]


def _through(kubeconfig: Path, address: str) -> str:
    """Have a kubeconfig lead to a proxy; return what the audit log calls its token."""
    document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    (cluster,), (user,) = document["clusters"], document["users"]
    cluster["cluster"] = {"server": address}
    kubeconfig.write_text(yaml.safe_dump(document), encoding="utf-8")
    claims = user["user"]["token"].split(".")[1]
    padded = claims + "=" * (-len(claims) % 4)
    return f"JTI={json.loads(base64.urlsafe_b64decode(padded))['jti']}"
