"""The answers of ``check`` for machines: JUnit, SARIF, Markdown, GitHub's workflow commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from responsibility.api.names import PLUGIN
from responsibility.cli.answers.locations import location_of
from responsibility.cli.answers.report import Report, place_text, whom
from responsibility.cli.sources.location import Location
from responsibility.cli.terminal.output import clean, to_json
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.results.findings import INSIDE, KINDS, Finding
from responsibility.ownership.results.severity import Severity
from responsibility.phrases import counted

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "error", Severity.LOW: "warning"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A base, what a change ends of it, and how many findings both have."""

    base: str
    ended: tuple[Finding, ...]
    as_before: int


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of ``check``: findings, and records that can't be followed.

    With a base, only what is new; ``comparison`` says what else there is. Drift less severe than
    ``fail_on`` doesn't fail.
    """

    report: Report
    findings: tuple[Finding, ...]
    problems: tuple[tuple[str, str], ...]
    fail_on: Severity = Severity.LOW
    comparison: Comparison | None = None

    @property
    def failed(self) -> bool:
        """Whether a pull request should not be merged like this."""
        return bool(self.problems) or any(map(self.fails, self.findings))

    def fails(self, finding: Finding) -> bool:
        """Return whether one finding is reason enough."""
        return finding.is_drift and finding.severity <= self.fail_on

    def level(self, finding: Finding) -> str:
        """Return ``error`` for drift, ``warning`` for what only asks for attention."""
        if not finding.is_drift:
            return "note"
        return _LEVELS[finding.severity] if self.fails(finding) else "warning"

    @property
    def summary(self) -> str:
        """Return in one line what a change brings and ends; empty without a base."""
        if self.comparison is None:
            return ""
        return (
            f"this change brings {counted(len(self.findings), 'finding')} and ends "
            f"{len(self.comparison.ended)}; {self.comparison.as_before} as before, compared with "
            f"{self.comparison.base}"
        )


def as_json(checked: Checked) -> dict[str, Any]:
    """Return everything, as documented in the reference."""
    return {
        "failed": checked.failed,
        "problems": [{"name": name, "message": text} for name, text in checked.problems],
        "findings": [
            {**checked.report.json(finding), "place": _place_json(checked, finding)}
            for finding in checked.findings
        ],
        **_comparison_json(checked),
    }


def _comparison_json(checked: Checked) -> dict[str, Any]:
    compared = checked.comparison
    if compared is None:
        return {}
    ended = [checked.report.json(finding) for finding in compared.ended]
    return {"base": compared.base, "ended": ended, "asBefore": compared.as_before}


def _place_json(checked: Checked, finding: Finding) -> dict[str, Any] | None:
    place = location_of(checked.report, finding)
    if place is None:
        return None
    return {"file": place.file, "document": place.document, "line": place.line}


def junit(checked: Checked) -> str:
    """Return JUnit's XML: a suite for each hub, a case for each item, so that a CI shows them."""
    suites = [_suite(checked, hub) for hub in checked.report.hubs(())]
    cluster = [finding for finding in checked.findings if finding.hub is None]
    if cluster:
        cases = [_case(checked, "(cluster)", finding.id, [finding]) for finding in cluster]
        suites.append(_wrap("(cluster)", cases))
    if checked.problems:
        cases = [
            f'    <testcase classname="records" name={quoteattr(name)}>'
            f"<failure message={_attribute(text)}/></testcase>"
            for name, text in checked.problems
        ]
        suites.append(_wrap("records", cases))
    body = "\n".join(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{body}\n</testsuites>'


def _suite(checked: Checked, hub: HubAssessment) -> str:
    name = hub.agreement.record
    by_item: dict[str, list[Finding]] = {}
    for finding in checked.findings:
        if finding.hub == hub.agreement.hub:
            by_item.setdefault(finding.item, []).append(finding)
    return _wrap(
        name,
        [
            _case(checked, name, result.item.name, by_item.get(result.item.name, []))
            for result in hub.items
        ],
    )


def _wrap(name: str, cases: list[str]) -> str:
    failures = sum("<failure" in case for case in cases)
    head = f'name={quoteattr(name)} tests="{len(cases)}" failures="{failures}"'
    lines = "\n".join(cases)
    return f"  <testsuite {head}>\n{lines}\n  </testsuite>"


def _case(checked: Checked, suite: str, name: str, findings: list[Finding]) -> str:
    head = f"    <testcase classname={quoteattr(suite)} name={quoteattr(name)}"
    elements = [
        f"<failure type={quoteattr(f.kind)} message={_attribute(wording.message(f))}>"
        f"{_content(wording.remedy(f))}</failure>"
        for f in findings
        if checked.fails(f)
    ]
    elements += [
        f"<system-out>{_content(f'{f.kind}: {wording.message(f)}')}</system-out>"
        for f in findings
        if not checked.fails(f)
    ]
    return f"{head}/>" if not elements else f"{head}>{''.join(elements)}</testcase>"


def _attribute(text: str) -> str:
    # XML has no way to write control characters.
    return quoteattr(clean(text))


def _content(text: str) -> str:
    return escape(clean(text))


def sarif(checked: Checked) -> str:
    """Return SARIF 2.1.0, which code hosts show beside the lines it is about."""
    results = [_sarif_result(checked, finding) for finding in checked.findings]
    results.extend(
        {"ruleId": "record", "level": "error", "message": {"text": f"{name}: {text}"}}
        for name, text in checked.problems
    )
    rules: list[dict[str, Any]] = [
        {
            "id": kind.name,
            "shortDescription": {"text": kind.title},
            "help": {"text": kind.remedy},
        }
        for kind in KINDS.values()
        # No file has what only a hub can say.
        if kind.name not in INSIDE
    ]
    rules.append({"id": "record", "shortDescription": {"text": "A record can't be followed"}})
    driver = {"name": PLUGIN, "rules": rules}
    return to_json(
        {
            "$schema": _SARIF,
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "results": results}],
        }
    )


def _sarif_result(checked: Checked, finding: Finding) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.kind,
        "level": checked.level(finding),
        "message": {"text": f"{wording.message(finding)}. {wording.remedy(finding)}"},
        "partialFingerprints": {"finding/v1": finding.id},
    }
    place = location_of(checked.report, finding)
    if place is not None:
        where: dict[str, Any] = {"artifactLocation": {"uri": _uri(place)}}
        if place.line:
            where["region"] = {"startLine": place.line}
        result["locations"] = [{"physicalLocation": where}]
    return result


def _uri(place: Location) -> str:
    from pathlib import PurePath
    from urllib.parse import quote

    return quote(PurePath(place.file).as_posix())


def markdown(checked: Checked) -> str:
    """Return a comment for a pull request."""
    return "\n".join(_markdown(checked))


def _markdown(checked: Checked) -> Iterator[str]:
    new = "new " if checked.comparison is not None else ""
    word = f"{new}drift" if checked.failed else f"no {new}drift"
    yield f"### Shared responsibility: {word}"
    yield ""
    if checked.comparison is not None:
        yield f"{markdown_cell(checked.summary[0].upper() + checked.summary[1:])}."
        yield ""
        ended = list(_ended(checked))
        yield from [*ended, ""] if ended else ()
    yield from (
        f"* **{markdown_cell(name)}**: {markdown_cell(text)}" for name, text in checked.problems
    )
    if checked.problems:
        yield ""
    if not checked.findings:
        hubs = counted(len(checked.report.assessment.hubs), "hub")
        new = "new " if checked.comparison is not None else ""
        yield f"Nothing {new}differs from what is agreed ({hubs})."
        return
    yield f"{counted(len(checked.findings), 'finding')}, worst first:"
    yield ""
    yield "| | Hub | Item | Who | What | Fix |"
    yield "|---|---|---|---|---|---|"
    for finding in checked.findings:
        sources = "; ".join(wording.source_texts(finding.sources))
        message = f"{wording.message(finding)} ({sources})" if sources else wording.message(finding)
        cells = (
            finding.severity.name.lower(),
            place_text(finding),
            finding.item,
            whom(finding),
            message,
            wording.remedy(finding),
        )
        yield f"| {' | '.join(markdown_cell(cell) for cell in cells)} |"


def _ended(checked: Checked) -> Iterator[str]:
    ended = checked.comparison.ended if checked.comparison is not None else ()
    yield from (f"* ends: {markdown_cell(wording.message(finding))}" for finding in ended)


def markdown_cell(text: str) -> str:
    """Return a text as a cell of a table, in which nothing of it is markup."""
    for special in ("\\", "|", "*", "_", "`", "<"):
        text = text.replace(special, f"\\{special}")
    return clean(text)


def github(checked: Checked) -> str:
    """Return workflow commands, which GitHub Actions turns into annotations."""
    lines = [
        f"::error title=record::{github_data(f'{name}: {text}')}" for name, text in checked.problems
    ]
    for finding in checked.findings:
        level = {"note": "notice"}.get(checked.level(finding), checked.level(finding))
        place = location_of(checked.report, finding)
        where = f"file={github_property(place.file)}," if place else ""
        where += f"line={place.line}," if place and place.line else ""
        title = github_property(f"{finding.kind}: {finding.item} of {place_text(finding)}")
        text = github_data(f"{wording.message(finding)}. {wording.remedy(finding)}")
        lines.append(f"::{level} {where}title={title}::{text}")
    return "\n".join(lines)


def github_data(text: str) -> str:
    """Return a text escaped as the message of a workflow command."""
    return clean(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def github_property(text: str) -> str:
    """Return a text escaped as the value of a property of a workflow command."""
    return github_data(text).replace(":", "%3A").replace(",", "%2C")
