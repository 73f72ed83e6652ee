"""A place in files: where an object stands, for whoever goes there.

It is apart from what reads files, which a question to a cluster has no use for.
"""

from __future__ import annotations

from dataclasses import dataclass

from responsibility.api.foreign_text import harmless


@dataclass(frozen=True, slots=True)
class Location:
    """Where something stands: file, number of the document, line; or the number in a list."""

    file: str
    document: int = 1
    line: int = 0
    item: int = 0

    def __str__(self) -> str:
        """Return ``roles.yaml, document 2, line 14``."""
        # Whoever proposes a change chooses its names; a line of its own could command a forge.
        parts = [harmless(self.file), f"document {self.document}"]
        if self.item:
            parts.append(f"item {self.item}")
        if self.line:
            parts.append(f"line {self.line}")
        return ", ".join(parts)
