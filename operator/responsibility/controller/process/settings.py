"""The operator's settings, read and checked once, at start."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from responsibility.api.names import SETTING_PREFIX
from responsibility.api.stages import AdmissionStage
from responsibility.controller.process.logs import LogFormat

PREFIX = SETTING_PREFIX

_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]*")


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what it may be."""


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """Peers that are believed whom they speak for: their addresses, and the headers that name it.

    Without ``groups_header``, nobody is a member of any group.
    """

    networks: tuple[Network, ...]
    user_header: str = "X-Forwarded-User"
    groups_header: str = ""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Where the page is served: with TLS if there are ``certificates``, a directory of them."""

    host: str
    port: int
    certificates: Path | None = None
    proxy: TrustedProxy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; each is an environment variable ``RESPONSIBILITY_<NAME>``.

    ``kubeconfig`` and ``context`` are for running outside of a cluster. Without
    ``webhook_certificates``, a directory with ``tls.crt`` and ``tls.key``, no webhook is served;
    with it and ``values_webhook``, the one that sees hubs' configuration is, too. ``policies`` is
    whether admission policies are meant to be there, whoever installs them.
    Without ``hub_tokens``, a directory with a file for each hub, no hub is asked anything; with it,
    each is about every ``hub_seconds``, by a name that ends in ``cluster_domain``. With
    ``hub_values``, the values of hubs are looked at about every ``hub_values_seconds``; with
    ``hub_release``, what was changed of them outside Helm every ``hub_release_seconds``; in
    ``session_namespaces``, what sessions run about every ``session_seconds``; with
    ``versions``, those of Kubernetes about every ``versions_seconds``. Without ``page``, no page
    is served.
    """

    listen_host: str = "0.0.0.0"  # noqa: S104 - a pod's own address is not known beforehand
    listen_port: int = 8080
    webhook_host: str = "0.0.0.0"  # noqa: S104 - the same
    webhook_port: int = 8443
    webhook_certificates: Path | None = None
    values_webhook: bool = False
    page: PageSettings | None = None
    cluster_name: str = ""
    namespace: str = "default"
    leader_election: bool = False
    annotate: bool = True
    routes: bool = True
    policies: bool = True
    enforcement: bool = False
    enforcement_limit: AdmissionStage = AdmissionStage.DENY
    enforcement_cluster: bool = True
    static_policies: bool = False
    grants: bool = False
    grants_cluster: bool = False
    revocation: bool = False
    hub_tokens: Path | None = None
    hub_seconds: float = 600.0
    cluster_domain: str = "cluster.local"
    hub_values: bool = False
    hub_values_seconds: float = 300.0
    hub_release: bool = False
    hub_release_seconds: float = 600.0
    session_namespaces: tuple[str, ...] = ()
    session_seconds: float = 600.0
    versions: bool = False
    versions_seconds: float = 600.0
    relist_seconds: float = 300.0
    own_relist_seconds: float = 30.0
    sample_seconds: float = 60.0
    identity: str = field(default_factory=socket.gethostname)
    kubeconfig: Path | None = None
    context: str | None = None
    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.TEXT


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process. Raises SettingsError."""
    environment = os.environ if environ is None else environ
    values = {
        name.removeprefix(PREFIX): text
        for name, text in environment.items()
        if name.startswith(PREFIX)
    }
    defaults = Settings()
    host, port = _listen(values, "LISTEN", defaults.listen_host, defaults.listen_port)
    webhook = _listen(values, "WEBHOOK_LISTEN", defaults.webhook_host, defaults.webhook_port)
    certificates = values.get("WEBHOOK_CERTIFICATES")
    hub_tokens = values.get("HUB_TOKENS")
    kubeconfig = values.get("KUBECONFIG") or environment.get("KUBECONFIG")
    return Settings(
        listen_host=host,
        listen_port=port,
        webhook_host=webhook[0],
        webhook_port=webhook[1],
        webhook_certificates=Path(certificates) if certificates else None,
        values_webhook=_switch(values, "VALUES_WEBHOOK", default=defaults.values_webhook),
        page=_page(values),
        cluster_name=values.get("CLUSTER_NAME", defaults.cluster_name),
        namespace=values.get("NAMESPACE") or defaults.namespace,
        leader_election=_switch(values, "LEADER_ELECTION", default=defaults.leader_election),
        annotate=_switch(values, "ANNOTATE", default=defaults.annotate),
        routes=_switch(values, "ROUTES", default=defaults.routes),
        policies=_switch(values, "POLICIES", default=defaults.policies),
        enforcement=_switch(values, "ENFORCEMENT", default=defaults.enforcement),
        static_policies=_switch(values, "STATIC_POLICIES", default=defaults.static_policies),
        enforcement_limit=_limit(values, defaults.enforcement_limit),
        enforcement_cluster=_switch(
            values, "ENFORCEMENT_CLUSTER", default=defaults.enforcement_cluster
        ),
        grants=_switch(values, "GRANTS", default=defaults.grants),
        grants_cluster=_switch(values, "GRANTS_CLUSTER", default=defaults.grants_cluster),
        revocation=_switch(values, "REVOCATION", default=defaults.revocation),
        hub_tokens=Path(hub_tokens) if hub_tokens else None,
        hub_seconds=_seconds(values, "HUB_SECONDS", defaults.hub_seconds),
        cluster_domain=_domain(values, defaults.cluster_domain),
        hub_values=_switch(values, "HUB_VALUES", default=defaults.hub_values),
        hub_values_seconds=_seconds(values, "HUB_VALUES_SECONDS", defaults.hub_values_seconds),
        hub_release=_switch(values, "HUB_RELEASE", default=defaults.hub_release),
        hub_release_seconds=_seconds(values, "HUB_RELEASE_SECONDS", defaults.hub_release_seconds),
        session_namespaces=_namespaces(values),
        session_seconds=_seconds(values, "SESSION_SECONDS", defaults.session_seconds),
        versions=_switch(values, "VERSIONS", default=defaults.versions),
        versions_seconds=_seconds(values, "VERSIONS_SECONDS", defaults.versions_seconds),
        relist_seconds=_seconds(values, "RELIST_SECONDS", defaults.relist_seconds),
        own_relist_seconds=_seconds(values, "OWN_RELIST_SECONDS", defaults.own_relist_seconds),
        sample_seconds=_seconds(values, "SAMPLE_SECONDS", defaults.sample_seconds),
        identity=values.get("IDENTITY") or defaults.identity,
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        context=values.get("CONTEXT") or None,
        log_level=_level(values, defaults.log_level),
        log_format=_log_format(values, defaults.log_format),
    )


def _listen(
    values: Mapping[str, str], name: str, default_host: str, default_port: int
) -> tuple[str, int]:
    text = values.get(name, "")
    if not text:
        return default_host, default_port
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:  # noqa: PLR2004 - the last port
        raise SettingsError(f"{PREFIX}{name} is {text!r}: write host:port, such as 0.0.0.0:8080")
    return host.strip("[]") or default_host, int(port)


def _page(values: Mapping[str, str]) -> PageSettings | None:
    if not values.get("PAGE_LISTEN"):
        return None
    host, port = _listen(values, "PAGE_LISTEN", "0.0.0.0", 0)  # noqa: S104 - a pod's own address is not known
    certificates = values.get("PAGE_CERTIFICATES")
    return PageSettings(host, port, Path(certificates) if certificates else None, _proxy(values))


def _proxy(values: Mapping[str, str]) -> TrustedProxy | None:
    networks: list[Network] = []
    for text in filter(None, map(str.strip, values.get("PAGE_PROXY_FROM", "").split(","))):
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            network = None
        # From everywhere is from anybody, who can write any header.
        if network is None or network.prefixlen == 0:
            raise SettingsError(
                f"{PREFIX}PAGE_PROXY_FROM has {text!r}: write the addresses of your proxy, such "
                "as 10.0.3.0/24"
            )
        networks.append(network)
    if not networks:
        return None
    defaults = TrustedProxy(())
    return TrustedProxy(
        tuple(networks),
        _header(values, "PAGE_PROXY_USER_HEADER") or defaults.user_header,
        _header(values, "PAGE_PROXY_GROUPS_HEADER"),
    )


def _header(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "").strip()
    if text and not _HEADER.fullmatch(text):
        raise SettingsError(
            f"{PREFIX}{name} is {text!r}: write the name of a header, such as X-Forwarded-User"
        )
    return text


def _switch(values: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = values.get(name, "").lower()
    if not text:
        return default
    if text not in {"true", "false"}:
        raise SettingsError(f"{PREFIX}{name} is {text!r}: write true or false")
    return text == "true"


def _seconds(values: Mapping[str, str], name: str, default: float) -> float:
    text = values.get(name, "")
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:  # noqa: PLR2004 - a second and a day
        raise SettingsError(f"{PREFIX}{name} is {text!r}: write seconds between 1 and 86400")
    return seconds


def _namespaces(values: Mapping[str, str]) -> tuple[str, ...]:
    named = tuple(filter(None, map(str.strip, values.get("SESSION_NAMESPACES", "").split(","))))
    for name in named:
        if not _LABEL.fullmatch(name):
            raise SettingsError(
                f"{PREFIX}SESSION_NAMESPACES has {name!r}: write names of namespaces, such as prod"
            )
    return named


def _domain(values: Mapping[str, str], default: str) -> str:
    text = values.get("CLUSTER_DOMAIN") or default
    if not _DOMAIN.fullmatch(text):
        raise SettingsError(
            f"{PREFIX}CLUSTER_DOMAIN is {text!r}: write the domain of the cluster's names, such as "
            f"{default}"
        )
    return text


def _limit(values: Mapping[str, str], default: AdmissionStage) -> AdmissionStage:
    text = values.get("ENFORCEMENT_LIMIT") or default
    stage = AdmissionStage.of(text)
    if stage is None or stage is AdmissionStage.OBSERVE:
        raise SettingsError(f"{PREFIX}ENFORCEMENT_LIMIT is {text!r}: write warn or deny")
    return stage


def _level(values: Mapping[str, str], default: str) -> str:
    text = (values.get("LOG_LEVEL") or default).upper()
    if text not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingsError(f"{PREFIX}LOG_LEVEL is {text!r}: write DEBUG, INFO, WARNING or ERROR")
    return text


def _log_format(values: Mapping[str, str], default: LogFormat) -> LogFormat:
    text = (values.get("LOG_FORMAT") or default).lower()
    try:
        return LogFormat(text)
    except ValueError:
        raise SettingsError(f"{PREFIX}LOG_FORMAT is {text!r}: write text or json") from None
