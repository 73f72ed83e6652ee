"""``render webhook``: the configuration by which the operator is asked about hubs' values."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from responsibility.cli.sources.options import note
from responsibility.cli.terminal.errors import CliError

if TYPE_CHECKING:
    from responsibility.api.model import ResponsibilityModel


def text(model: ResponsibilityModel, *, namespace: str, service: str, authority: str) -> str:
    """Return the manifest; ``authority`` is a file with the certificate, or empty."""
    from responsibility.admission.webhooks.values_configuration import webhook_configuration
    from responsibility.api.crd import to_yaml

    where: dict[str, Any] = {"service": {"name": service, "namespace": namespace, "port": 443}}
    if authority:
        where["caBundle"] = base64.b64encode(_certificate(authority)).decode()
    try:
        manifest = webhook_configuration(model, where)
    except ValueError as error:
        raise CliError(f"no webhook can be rendered: {error}") from None
    if not manifest["webhooks"]:
        raise CliError(f"no item of model {model.name} speaks of values: give one valuesPaths")
    note(
        "let the chart serve it, and not install its own: chart values valuesWebhook.enabled=true, "
        "valuesWebhook.install=false"
    )
    return to_yaml(manifest)


def _certificate(file: str) -> bytes:
    try:
        found = Path(file).read_bytes()
    except OSError as error:
        raise CliError(f"--ca {file}: {error.strerror or error}") from None
    if b"BEGIN CERTIFICATE" not in found:
        raise CliError(f"--ca {file}: there is no certificate in it; give the PEM of the authority")
    return found
