"""Settings: what may be set, and what is said of a value that cannot be used."""

from pathlib import Path

import pytest

from responsibility.api.stages import AdmissionStage
from responsibility.controller.process.logs import LogFormat
from responsibility.controller.process.settings import (
    PageSettings,
    Settings,
    SettingsError,
    read,
)

PREFIX = "RESPONSIBILITY_"


def test_without_a_word_everything_has_a_default() -> None:
    assert read({"IDENTITY": "ignored"}) == Settings()
    assert read({f"{PREFIX}{n}": "" for n in ("LISTEN", "ANNOTATE", "KUBECONFIG")}) == Settings()


def test_everything_can_be_set() -> None:
    given = {
        "LISTEN": "[::1]:9000",
        "CLUSTER_NAME": "leap",
        "NAMESPACE": "ours",
        "LEADER_ELECTION": "true",
        "ANNOTATE": "False",
        "ENFORCEMENT_LIMIT": "warn",
        "RELIST_SECONDS": "600",
        "OWN_RELIST_SECONDS": "1",
        "SAMPLE_SECONDS": "86400",
        "IDENTITY": "pod-1",
        "KUBECONFIG": "/etc/kubeconfig",
        "CONTEXT": "admin",
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
    }
    assert read({PREFIX + name: value for name, value in given.items()}) == Settings(
        listen_host="::1",
        listen_port=9000,
        cluster_name="leap",
        namespace="ours",
        leader_election=True,
        annotate=False,
        enforcement_limit=AdmissionStage.WARN,
        relist_seconds=600.0,
        own_relist_seconds=1.0,
        sample_seconds=86_400.0,
        identity="pod-1",
        kubeconfig=Path("/etc/kubeconfig"),
        context="admin",
        log_level="DEBUG",
        log_format=LogFormat.JSON,
    )


@pytest.mark.parametrize(
    ("name", "values", "may_be"),
    [
        (
            "LISTEN",
            ["8080x", "localhost", "0.0.0.0:", "0.0.0.0:70000", ":-1"],
            "host:port, such as 0.0.0.0:8080",
        ),
        ("LEADER_ELECTION", ["1", "yes", "on"], "true or false"),
        ("ANNOTATE", ["no", "0", "tru"], "true or false"),
        ("ENFORCEMENT_LIMIT", ["observe", "DENY", "off"], "warn or deny"),
        ("RELIST_SECONDS", ["0", "-1", "nan", "inf", "5m", "86401"], "between 1 and 86400"),
        ("OWN_RELIST_SECONDS", ["0.5"], "between 1 and 86400"),
        ("SAMPLE_SECONDS", ["never"], "between 1 and 86400"),
        ("LOG_LEVEL", ["LOUD", "CRITICAL"], "DEBUG, INFO, WARNING or ERROR"),
        ("LOG_FORMAT", ["yaml", "plain"], "text or json"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_it_may_be(
    name: str, values: list[str], may_be: str
) -> None:
    for value in values:
        with pytest.raises(SettingsError) as told:
            read({PREFIX + name: value})
        assert f"{PREFIX}{name} is {value!r}: write " in str(told.value)
        assert may_be in str(told.value)


def test_the_usual_kubeconfig_counts_unless_ours_is_named() -> None:
    assert read({"KUBECONFIG": "/a"}).kubeconfig == Path("/a")
    assert read({"KUBECONFIG": "/a", f"{PREFIX}KUBECONFIG": "/b"}).kubeconfig == Path("/b")


def test_a_port_alone_listens_everywhere() -> None:
    settings = read({f"{PREFIX}LISTEN": ":0"})
    assert (settings.listen_host, settings.listen_port) == ("0.0.0.0", 0)  # noqa: S104 - the setting's default


def test_variables_of_a_service_named_like_us_are_no_settings() -> None:
    assert read({f"{PREFIX}PORT": "tcp://10.0.0.1:80", f"{PREFIX}SERVICE_HOST": "x"}) == Settings()


def test_no_page_is_served_unless_it_is_said_where() -> None:
    assert read({}).page is None
    assert read({"RESPONSIBILITY_PAGE_PROXY_FROM": "10.0.3.0/24"}).page is None
    page = read({"RESPONSIBILITY_PAGE_LISTEN": ":8090"}).page
    assert page == PageSettings("0.0.0.0", 8090)  # noqa: S104 - the setting's default


def test_a_proxy_is_believed_where_its_addresses_are_named() -> None:
    said = {
        "RESPONSIBILITY_PAGE_LISTEN": "[::]:8090",
        "RESPONSIBILITY_PAGE_CERTIFICATES": "/tls",
        "RESPONSIBILITY_PAGE_PROXY_FROM": "10.0.3.0/24, fd00::7",
        "RESPONSIBILITY_PAGE_PROXY_GROUPS_HEADER": "X-Groups",
    }
    page = read(said).page
    assert page is not None
    assert (page.host, page.certificates) == ("::", Path("/tls"))
    assert page.proxy is not None
    assert [str(network) for network in page.proxy.networks] == ["10.0.3.0/24", "fd00::7/128"]
    assert (page.proxy.user_header, page.proxy.groups_header) == ("X-Forwarded-User", "X-Groups")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("FROM", text) for text in ("0.0.0.0/0", "::/0", "proxy", "10.0.3.1/24", "10.0.3.0/24;")),
        *(("USER_HEADER", text) for text in ("X Y", "X-Y:", "-X", "X\nY: z")),
    ],
)
def test_a_proxy_that_could_be_anybody_is_refused_by_name(name: str, wrong: str) -> None:
    said = {"RESPONSIBILITY_PAGE_LISTEN": ":1", "RESPONSIBILITY_PAGE_PROXY_FROM": "10.0.0.1"}
    said |= {f"RESPONSIBILITY_PAGE_PROXY_{name}": wrong}
    with pytest.raises(SettingsError, match=f"RESPONSIBILITY_PAGE_PROXY_{name}"):
        read(said)
