"""What others have called things, at every way out of the operator.

The fields of statuses are those that the models have, and so are the metrics.
"""

import enum
import logging
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from responsibility.api import status
from responsibility.api.foreign_text import harmless
from responsibility.controller.process.logs import LogFormat, formatter
from responsibility.controller.reporting import metrics_collector, metrics_table
from responsibility.controller.reporting.event_poster import EventPoster

EVIL = "eve\x1b[2J\x9b1m\r\nkind: Forged\u2028x\u202egnp.\u2066y\u200b\ufeff\U000e0041\uffff"
LONG = EVIL + "x" * 100_000
_MOST = 1_024


def _texts() -> list[tuple[str, str, Any]]:
    """Return the fields of statuses that take a text, or a list of texts."""
    found = []
    for model in vars(status).values():
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for name, field in model.model_fields.items():
            whole: Any = Annotated[field.annotation, *(field.metadata or [None])]
            adapter: TypeAdapter[Any] = TypeAdapter(whole)
            for value in (LONG, [LONG]):
                try:
                    read = adapter.validate_python(value)
                except ValidationError:
                    # No field for a text, or for one of few.
                    continue
                found.append((model.__name__, name, read))
    return found


def test_no_field_of_a_status_takes_a_text_as_it_is() -> None:
    texts = [t for t in _texts() if not isinstance(t[2], enum.Enum)]
    assert len(texts) > 20
    for model, name, read in texts:
        for text in [read] if isinstance(read, str) else read:
            assert harmless(str(text)) == str(text), (model, name)
            assert len(str(text)) <= _MOST, (model, name)


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_a_line_of_the_log_is_one_line(log_format: LogFormat) -> None:
    error = ValueError(EVIL)
    failure = (ValueError, error, None)
    extra = {"hub": EVIL}
    for told in (None, failure):
        record = logging.LogRecord("x", logging.INFO, "x", 1, "said of %s", (EVIL,), told)
        vars(record).update(extra)
        text = formatter(log_format).format(record)
        assert harmless(text, lines=True) == text
        assert not text.splitlines()[0].startswith("kind")
        assert told or len(text.splitlines()) == 1


def test_labels_of_metrics_are_harmless() -> None:
    for name in metrics_table.BY_NAME:
        gauge = metrics_collector._gauge(name)
        labels = metrics_table.BY_NAME[name].labels
        gauge.add_metric([EVIL] * len(labels), 1)
        for sample in gauge.samples:
            assert all(harmless(value) == value for value in sample.labels.values())


def test_events_are_harmless_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[dict[str, Any]] = []
    poster = EventPoster(None, "test")  # type: ignore[arg-type]  # nothing is sent
    monkeypatch.setattr(poster._queue, "put_nowait", posted.append)
    about = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "uid": "1"}}
    poster(about, type="Warning", reason="Drift", message=LONG)
    [event] = posted
    assert harmless(event["message"]) == event["message"]
    assert len(event["message"]) <= _MOST
