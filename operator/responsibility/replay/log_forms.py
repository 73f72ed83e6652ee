"""Forms in which clouds and shippers of logs hand out audit events, and how to get at the event.

What is here follows what they document of themselves:

* AKS: diagnostic settings write ``records[].properties.log``; queries of Log Analytics return rows
  of ``AzureDiagnostics`` (``log_s``) or of ``AKSAudit`` and ``AKSAuditAdmin``, where each field of
  an event is a column (Azure Monitor's reference of tables). Those two have no column for whom a
  request was made as;
* EKS: CloudWatch's ``filter-log-events`` and subscriptions have ``events`` or ``logEvents`` with a
  ``message`` each, Logs Insights ``results`` of pairs of ``field`` and ``value``, and ``@message``
  where the console exports them;
* GKE: Cloud Audit Logs' ``protoPayload`` is another form altogether.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]

# Lists of what may be events, or their wrappings.
_LISTS = ("logEvents", "events", "records")
# What holds one event: CloudWatch, Azure, Fluent Bit, Loki.
_WRAPPED = ("@message", "message", "log", "log_s", "event", "line")
# The columns of AKSAudit, by the fields of an event.
_COLUMNS: Final[Mapping[str, str]] = {
    "Annotations": "annotations",
    "AuditId": "auditID",
    "ImpersonatedUser": "impersonatedUser",
    "Level": "level",
    "ObjectRef": "objectRef",
    "RequestObject": "requestObject",
    "RequestReceivedTime": "requestReceivedTimestamp",
    "RequestUri": "requestURI",
    "ResponseObject": "responseObject",
    "ResponseStatus": "responseStatus",
    "SourceIps": "sourceIPs",
    "Stage": "stage",
    "StageReceivedTime": "stageTimestamp",
    "User": "user",
    "UserAgent": "userAgent",
    "Verb": "verb",
}
_STRUCTURED = ("annotations", "impersonatedUser", "objectRef", "responseStatus", "sourceIPs")
_STRUCTURES = frozenset({*_STRUCTURED, "requestObject", "responseObject", "user"})

GOOGLE: Final = (
    "entries of Google's own form (protoPayload), which leaves out groups and objects: no replay "
    "is possible; a record that asks for warn refuses nobody, and tells people what deny would"
)
CUT: Final = "events that end in the middle, as where a table of logs cuts off what is long"
TEXT: Final = (
    "text that is no event, as other parts of a control plane write it: export the audit log alone"
)
OTHER: Final = "objects that are no audit events"
CSV: Final = "tables in CSV: export them as JSON"


def inner(found: Json) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what is wrapped: a list, an object or a text; None if nothing is known to be."""
    if str(found.get("apiVersion", "")).startswith("audit.k8s.io/"):
        return found.get("items")
    listed = _listed(found)
    if listed is not None:
        return listed
    properties = _structure(found.get("properties"))
    if isinstance(properties, dict) and "log" in properties:
        return properties["log"]
    wrapped = (found.get(key) for key in _WRAPPED)
    return next((each for each in wrapped if isinstance(each, (str, dict))), None)


def _listed(found: Json) -> list[Any] | None:
    """Return the list that an object is there for."""
    for key in _LISTS:
        if isinstance(found.get(key), list):
            return list(found[key])
    if isinstance(found.get("results"), list):
        return [_pairs(row) for row in found["results"]]
    if isinstance(found.get("tables"), list):
        return [row for table in found["tables"] for row in _rows(table)]
    return None


def from_columns(found: Json) -> Json | None:
    """Return the event that is a row of AKSAudit; None for anything else."""
    if "AuditId" not in found or "Stage" not in found:
        return None
    event = {field: found[name] for name, field in _COLUMNS.items() if found.get(name)}
    return {k: _structure(v) if k in _STRUCTURES else v for k, v in event.items()}


def kind(found: Json) -> str:
    """Return what an object is that holds no event, for a person."""
    return GOOGLE if "protoPayload" in found else OTHER


def kind_of_text(text: str) -> str:
    """Return what a text is that should have been an event."""
    return CUT if text.lstrip().startswith("{") else TEXT


def is_csv(line: bytes) -> bool:
    """Return whether a line is the head of a table in CSV, as consoles export results."""
    names = {name.strip(b' "\r\n\xef\xbb\xbf').partition(b" [")[0] for name in line.split(b",")}
    return len(names) > 1 and not names.isdisjoint({b"@message", b"log_s", b"AuditId"})


def _pairs(row: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a row of Logs Insights as one object."""
    if not isinstance(row, list):
        return row
    return {
        str(each["field"]): each.get("value")
        for each in row
        if isinstance(each, dict) and "field" in each
    }


def _rows(table: Any) -> list[Any]:  # noqa: ANN401 - whatever JSON holds
    """Return the rows of a table of Log Analytics, each as one object."""
    if not isinstance(table, dict) or not isinstance(table.get("rows"), list):
        return [table]
    columns = table.get("columns")
    names = [
        str(each.get("name")) if isinstance(each, dict) else ""
        for each in (columns if isinstance(columns, list) else ())
    ]
    # Cut to the shorter: what is no table of theirs becomes no event.
    return [
        dict(zip(names, row, strict=False)) if isinstance(row, list) else row
        for row in table["rows"]
    ]


def _structure(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what a text of JSON stands for; all else as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
