"""The undo file: written before the first change, enough to go on with a plan or to take it back.

It holds each object as it was and as it shall be, and the plan that was approved. How far an apply
came is not in it: that is seen from the cluster itself, so a process that is killed between any two
of its steps leaves nothing that would have to be repaired first. What may be in it stands in
``undo_form``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from responsibility import api_groups
from responsibility.cluster import undo_form, undo_wording
from responsibility.kube.protocol import Json
from responsibility.plans.change import paper

_RBAC = f"/apis/{api_groups.RBAC}/v1/"
# What of an object is sent to make it anew; all else is the server's own.
_SENT = ("name", "namespace", "labels", "annotations", "ownerReferences", "finalizers")


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One object: where it is, what it was (None: not there) and shall be (None: gone).

    ``what`` says it in a sentence that is made of the two.
    """

    action: str
    what: str
    path: str
    before: Json | None
    after: Json | None

    @classmethod
    def of(cls, action: str, path: str, before: Json | None, after: Json | None) -> UndoStep:
        """Return a step, with its sentence."""
        what = str(undo_form.change_of(action, before, after))
        return cls(action, what, path, before, after)

    @property
    def back(self) -> UndoStep:
        """The step that takes this one back."""
        return UndoStep(self.action, self.what, self.path, before=self.after, after=self.before)

    @property
    def outcome(self) -> str:
        """What the object will be, in words for all of it that is sent."""
        where = self.path.removeprefix(_RBAC)
        return undo_wording.outcome(where, self.after, created=self.before is None)

    @property
    def made(self) -> Json:
        """The object as it is sent where it is not there; it must not be gone afterwards."""
        assert self.after is not None  # noqa: S101 - else nothing is made
        metadata = self.after["metadata"]
        kept = {key: metadata[key] for key in _SENT if metadata.get(key)}
        return {**self.after, "metadata": kept}

    def edit(self, live: Json) -> Json:
        """Return what is sent of the object where it is there."""
        assert self.after is not None  # noqa: S101 - else it is deleted
        field = "subjects" if "roleRef" in live else "rules"
        return {field: self.after.get(field) or []}


@dataclass(frozen=True, slots=True)
class Journal:
    """All steps of a plan, in the order in which they are made.

    ``plan`` is what the digest is made of, see ``plans.change.Plan.content``.
    """

    digest: str
    plan: Json
    host: str
    cluster: str
    steps: tuple[UndoStep, ...]

    @property
    def aim(self) -> str:
        """What the plan was made for."""
        return str(self.plan["aim"])

    @property
    def paper(self) -> str:
        """The text that the digest was made of."""
        return paper(self.plan)

    def shown(self, *, back: bool = False) -> Iterator[str]:
        """Yield what will be, a line for each object, in the order in which it is done."""
        if back:
            yield from (step.back.outcome for step in reversed(self.steps))
        else:
            yield from (step.outcome for step in self.steps)

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
            "kind": undo_form.KIND,
            "version": undo_form.VERSION,
            "digest": self.digest,
            "host": self.host,
            "cluster": self.cluster,
            "plan": self.plan,
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
        """Read the text of one; ``path`` is for messages. Raises ValueError, with the field."""
        try:
            data = undo_form.parse(text)
        except undo_form.FormError as error:
            raise ValueError(f"{path} is not an undo file of this version: {error}") from None
        steps = tuple(UndoStep(**step) for step in data["steps"])
        return cls(data["digest"], data["plan"], data["host"], data["cluster"], steps)
