"""The undo file: written before the first change, enough to go on with a plan or to take it back.

It holds each object as it was and as it shall be. How far an apply came is not in it: that is seen
from the cluster itself, so a process that is killed between any two of its steps leaves nothing
that would have to be repaired first.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from responsibility import api_groups
from responsibility.kube.client import Json

_KIND = "ResponsibilityUndo"
_VERSION = 1
_RBAC = f"/apis/{api_groups.RBAC}/v1/"


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One object: where it is, what it was (None: not there) and shall be (None: gone)."""

    action: str
    what: str
    path: str
    before: Json | None
    after: Json | None

    def outcome(self, *, back: bool = False) -> str:
        """Return what the object will be, in words made from the object itself.

        ``what`` is only what the file says of the step, and somebody may have written the file.
        """
        manifest = self.before if back else self.after
        where = self.path.removeprefix(_RBAC)
        if manifest is None:
            return f"{where}: gone"
        if "roleRef" in manifest:
            role = manifest["roleRef"]
            who = ", ".join(map(_subject, manifest.get("subjects") or ())) or "nobody"
            return f"{where}: {role.get('kind')} {role.get('name')} to {who}"
        rules = manifest.get("rules") or ()
        return f"{where}: {'; '.join(map(_rule, rules)) or 'no rules'}"


def _subject(subject: Json) -> str:
    namespace = f"{subject['namespace']}/" if subject.get("namespace") else ""
    return f"{subject.get('kind')} {namespace}{subject.get('name')}"


def _word(text: str) -> str:
    return text or '""'


def _rule(rule: Json) -> str:
    parts = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    return " ".join(",".join(map(_word, rule[p])) for p in parts if rule.get(p))


@dataclass(frozen=True, slots=True)
class Journal:
    """All steps of a plan, in the order in which they are made."""

    digest: str
    aim: str
    host: str
    cluster: str
    steps: tuple[UndoStep, ...]

    def write(self, path: Path) -> None:
        """Write it for its owner's eyes only, and not return before it is on the disk.

        Raises OSError; FileExistsError if there is such a file: it may be the only way back.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.text())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def text(self) -> str:
        """Return it as it is written."""
        return json.dumps(self._data(), indent=2, ensure_ascii=False) + "\n"

    def _data(self) -> Json:
        return {
            "kind": _KIND,
            "version": _VERSION,
            "digest": self.digest,
            "aim": self.aim,
            "host": self.host,
            "cluster": self.cluster,
            "steps": [
                {
                    "action": step.action,
                    "what": step.what,
                    "path": step.path,
                    "before": step.before,
                    "after": step.after,
                }
                for step in self.steps
            ],
        }

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Read what was written. Raises OSError, and ValueError that says what is wrong."""
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not an undo file, or was cut off: {error}") from None
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, path: str) -> Journal:
        """Read the text of one; ``path`` is for messages. Raises ValueError."""
        try:
            data: Any = json.loads(text)
            if data["kind"] != _KIND or data["version"] != _VERSION:
                raise ValueError(f"{path} is not an undo file of this version")
            steps = tuple(
                UndoStep(s["action"], s["what"], s["path"], s["before"], s["after"])
                for s in data["steps"]
            )
            if not all(s.path.startswith(_RBAC) for s in steps):
                raise ValueError(f"{path} names an object that no plan is about")
            for step in steps:
                for back in (False, True):
                    step.outcome(back=back)
            return cls(data["digest"], data["aim"], data["host"], data["cluster"], steps)
        except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not an undo file, or was cut off: {error}") from None
