"""Accounts of a forge act for the parties that the base's file says, and for nobody else."""

import pytest

from tests.unit.cli.review.conftest import Review
from tests.unit.cli.review.organisation import Files, edited

PATH = "accounts.yaml"
VALUES = "config/clusters/c01/prod.values.yaml"
IMAGE, MEMORY = ("image: a:1", "image: a:2"), ("limit: 2G", "limit: 4G")
ACCOUNTS = """\
accounts:
  Octo-Cat: c01-prod/community
  both: [provider, c01-prod/community]
  elsewhere: [c02-prod/community]
  provider: []
"""
OPTION = ("--accounts", PATH)


@pytest.mark.parametrize(
    ("account", "change", "code"),
    [
        ("octo-cat", IMAGE, 0),
        ("OCTO-CAT", IMAGE, 0),
        ("octo-cat", MEMORY, 1),
        ("both", IMAGE, 0),
        ("both", MEMORY, 0),
        ("elsewhere", IMAGE, 1),
        # It is called like the party, and acts for nobody.
        ("provider", MEMORY, 1),
        ("c01-prod/community", IMAGE, 1),
        ("nobody", IMAGE, 1),
        ("", MEMORY, 1),
    ],
)
def test_an_account_may_what_its_parties_may(
    account: str, change: tuple[str, str], code: int, review: Review, few: Files
) -> None:
    base = {**few, PATH: ACCOUNTS}
    done = review(edited(base, VALUES, *change), f"account:{account}", *OPTION, base=base)
    assert done.code == code, done.err


def test_a_change_says_nothing_of_its_own_author(review: Review, few: Files) -> None:
    base = {**few, PATH: ACCOUNTS}
    head = edited({**base, PATH: "accounts: {mallory: provider}\n"}, VALUES, *MEMORY)
    done = review(head, "account:mallory", *OPTION, base=base)
    assert done.code == 1
    assert f"file {PATH} (changed)" in done.what


def test_a_change_brings_no_accounts(review: Review, few: Files) -> None:
    head = {**few, PATH: "accounts: {mallory: provider}\n"}
    assert review(head, "account:mallory", *OPTION, base=few).code == 2


WRONG = {
    "a list": ("accounts: [a]\n", "document 1, line 1: write the parties of each account"),
    "nothing": ("", "document 1, line 1: write the parties of each account"),
    "no such party": ("accounts:\n  a: [xyz]\n", "line 2: no record has a party xyz"),
    "no such record": ("accounts:\n  a: x/community\n", "line 2: --as x/community: there is no"),
    "not one party": ("accounts:\n  a: [community]\n", "line 2: --as community: "),
    "a number": ("accounts:\n  a: 1\n", "line 2: name parties, as PARTY or RECORD/PARTY"),
    "twice": ("accounts:\n  a: provider\n  A: provider\n", "line 3: account A is there twice"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_file_of_accounts_is_named_with_its_line(
    name: str, review: Review, few: Files
) -> None:
    text, message = WRONG[name]
    done = review({**few, PATH: text}, "account:a", *OPTION, base={**few, PATH: text})
    assert done.code == 2
    assert PATH in done.err
    assert message in done.err


@pytest.mark.parametrize("options", [("--as", "account:a"), ("--as", "a", *OPTION), OPTION])
def test_accounts_and_their_file_belong_together(
    options: tuple[str, ...], review: Review, few: Files
) -> None:
    assert review(few, "", *options, base=few).code == 2


def test_what_is_passed_over_is_counted_and_is_nothing_that_a_hub_is_made_of(
    review: Review, few: Files
) -> None:
    record = "config/clusters/c01/records/prod.yaml"
    changed = {**few, "docs/a.md": "x", "README.md": "# New\n"}
    done = review(changed, "c01-prod/community", "--ignore", "docs", "--ignore", "*.md")
    assert (done.code, done.answer["ignored"]) == (0, ["README.md", "docs/a.md"])
    assert review(changed, "c01-prod/community", "--ignore", "docs").code == 1
    everything = ("--ignore", "config", "--ignore", "helm-charts")
    for path, change in (
        (VALUES, MEMORY),
        (record, ("leads@", "others@")),
        ("config/clusters/c01/cluster.yaml", ("provider: aws", "provider: gcp")),
        ("config/clusters/c01/support.values.yaml", ("true", "false")),
        ("helm-charts/basehub/values.yaml", ("limit: 1G", "limit: 9G")),
    ):
        done = review(edited(few, path, *change), "c02-prod/community", *everything)
        assert (done.code, done.answer["ignored"]) == (1, []), path
