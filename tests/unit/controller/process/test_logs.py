"""The log, in both formats, as a person and as a collector read it."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import kopf
import pytest

from responsibility.api.foreign_text import REPLACEMENT
from responsibility.controller.process.logs import LogFormat, about, formatter


def line(
    log_format: LogFormat,
    extra: Mapping[str, str] | None = None,
    error: BaseException | None = None,
) -> str:
    logger = logging.getLogger("responsibility.test")
    record = logger.makeRecord(
        logger.name,
        logging.WARNING,
        "file.py",
        1,
        "record %s: %s",
        ("leap", "a\nb"),
        (type(error), error, error.__traceback__) if error else None,
        extra=extra,
    )
    return formatter(log_format).format(record)


def test_text_says_what_json_says_in_words() -> None:
    extra = about(record="leap")
    # In text, an end of line in a name would begin a line that nobody has written.
    said = f"WARNING responsibility.test: record leap: a{REPLACEMENT}b"
    assert line(LogFormat.TEXT, extra).endswith(said)
    assert json.loads(line(LogFormat.JSON, extra))["message"] == "record leap: a\nb"


def test_json_is_one_line_with_fields_of_its_own() -> None:
    fields = about(record="leap", hub="prod/prod", item="quotas", kind="X")
    text = line(LogFormat.JSON, fields)
    assert "\n" not in text
    read = json.loads(text)
    time = read.pop("time")
    assert time[:2] == "20"
    assert read == {
        "level": "WARNING",
        "logger": "responsibility.test",
        "message": "record leap: a\nb",
        "record": "leap",
        "hub": "prod/prod",
        "item": "quotas",
        "kind": "X",
    }


def test_what_a_line_is_not_about_is_no_field() -> None:
    assert about(record="leap") == {"record": "leap"}
    assert not {"record", "hub", "item", "kind"} & json.loads(line(LogFormat.JSON)).keys()


def test_json_holds_an_error_with_its_lines() -> None:
    read = json.loads(line(LogFormat.JSON, error=ValueError("broken")))
    assert "ValueError: broken" in read["exc_info"]


@pytest.mark.parametrize("kind", ["Responsibility", "ResponsibilityModel"])
def test_lines_of_the_framework_name_their_object_in_the_same_fields(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"kind": kind, "metadata": {"name": "leap", "uid": "1"}}
    with caplog.at_level(logging.INFO):
        kopf_logger(body).info("Handler %r succeeded.", "status")
    (record,) = caplog.records
    read = json.loads(formatter(LogFormat.JSON).format(record))
    assert read["kind"] == kind
    assert read.get("record") == ("leap" if kind == "Responsibility" else None)
    assert read["message"] == "Handler 'status' succeeded."
    assert "settings" not in read
    assert "k8s_ref" not in read


def kopf_logger(body: Any) -> logging.LoggerAdapter[logging.Logger]:
    """Make what the framework hands to handlers."""
    from kopf._cogs.structs.bodies import Body  # noqa: PLC0415 - not public
    from kopf._core.actions.loggers import ObjectLogger  # noqa: PLC0415 - not public

    found: logging.LoggerAdapter[logging.Logger] = ObjectLogger(
        body=Body(body), settings=kopf.OperatorSettings()
    )
    return found
