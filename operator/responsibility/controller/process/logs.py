"""The operator's log: lines of text for people, or a JSON object a line for collectors.

In both, a line says the same in words. In JSON, what it is about stands in fields of its own as
well (``record``, ``hub``, ``item``, ``kind``), so that a collector finds all that was said of one
hub without reading sentences. The framework names the object it logs about in an attribute of its
own, ``k8s_ref`` (``kopf._core.actions.loggers``); its kind and name become the same fields.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from responsibility.api.foreign_text import harmless
from responsibility.api.record import Responsibility

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"
_RENAMED = {"asctime": "time", "levelname": "level", "name": "logger"}
# The framework's attributes of a line; what they say of the object is in our fields.
_FRAMEWORK = ("k8s_ref", "k8s_skip", "settings", "taskName", "color_message")


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


def about(
    *,
    record: str | None = None,
    hub: object = None,
    item: str | None = None,
    kind: str | None = None,
) -> dict[str, str]:
    """Return what a line is about as fields of it, for the argument ``extra`` of a logger.

    ``record`` is the name of a Responsibility, ``hub`` a hub (``namespace/release``), ``item`` an
    item of its model, ``kind`` the kind of the object that is written or read.
    """
    fields = {"record": record, "hub": hub, "item": item, "kind": kind}
    return {name: str(value) for name, value in fields.items() if value is not None}


def configure(level: str, log_format: LogFormat) -> None:
    """Have all lines of the process written to standard error in one format."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(log_format))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def formatter(log_format: LogFormat) -> logging.Formatter:
    """Return what writes lines in a format."""
    if log_format is LogFormat.TEXT:
        return _TextFormatter(_TEXT)
    return _JsonFormatter(
        _FIELDS,
        rename_fields=_RENAMED,
        reserved_attrs=[*logging.makeLogRecord({}).__dict__, "message", "asctime", *_FRAMEWORK],
    )


class _TextFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the base class
        # A name with an end of line in it would begin a line that nobody has written.
        return harmless(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        # With the story of an exception, which may say of what it tells.
        return harmless(super().format(record), lines=True)


class _JsonFormatter(JsonFormatter):
    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        reference = getattr(record, "k8s_ref", None)
        if isinstance(reference, dict):
            kind, name = reference.get("kind"), reference.get("name")
            log_data.setdefault("kind", kind)
            if kind == Responsibility.__name__:
                log_data.setdefault("record", name)
