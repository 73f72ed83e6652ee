"""Options of requests: how long to wait, and what is told of each."""

import click
import pytest

from responsibility.cli.main import main
from responsibility.cli.sources.options import Where, where_options
from responsibility.kube.request_options import ANSWER, RequestOptions


def asked(*words: str) -> RequestOptions:
    """Return what a command is given with these words."""
    found: list[RequestOptions] = []

    @click.command()
    @where_options
    def command(*, where: Where) -> None:
        found.append(where.requests)

    command.main(list(words), standalone_mode=False)
    (requests,) = found
    return requests


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10", 10.0), ("1.5s", 1.5), ("500ms", 0.5), ("1m30s", 90.0), ("2h", 7200.0), ("0", None)],
)
def test_a_time_is_what_it_is_to_kubectl(written: str, seconds: float | None) -> None:
    assert asked(f"--request-timeout={written}").answer == seconds


def test_without_words_it_is_the_usual_and_nothing_is_told() -> None:
    assert asked() == RequestOptions(ANSWER, None)
    assert asked("-v", "5").tell is None


@pytest.mark.parametrize("written", ["soon", "-1", "10 s", "1d", ""])
def test_what_is_no_time_is_said(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", f"--request-timeout={written}"]) == 2
    assert "is no time: write one such as 10s" in capsys.readouterr().err


def test_a_password_in_the_address_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell = asked("-v", "6").tell
    assert tell is not None
    tell("GET", "https://ann:secret@api.example/api/v1/nodes?limit=5&x=a@b", 200, 0.005)
    told = "GET https://api.example/api/v1/nodes?limit=5&x=a@b: 200 in 5 ms\n"
    assert capsys.readouterr().err == told


def test_equals_signs_are_taken_as_kubectl_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "-o=json"]) == 0
    with_sign = capsys.readouterr().out
    assert main(["version", "-o", "json"]) == 0
    assert capsys.readouterr().out == with_sign
