"""``render hub-service``: the values by which a hub tells the operator who administers it."""

from __future__ import annotations

from typing import Any, Final

from responsibility.api.names import HUB_TOKENS_SECRET
from responsibility.cli.sources.options import note
from responsibility.hub.admins import registration

_HEAD: Final = f"""\
# Values of the hub's own chart (Zero to JupyterHub; below its name where it is a dependency). The
# service "{registration.SERVICE}" can read who administers the hub, and change nothing. The chart
# makes its token, and keeps it in the hub's Secret as {registration.TOKEN_KEY}.
"""


def text(namespace: str) -> str:
    """Return the values; ``namespace`` is the operator's, for the note on what comes after."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as they are."""

    def texts(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, texts)
    note(
        "then give the operator the token: kubectl get secret hub -n HUB -o go-template="
        f'\'{{"data":{{"HUB.RELEASE":"{{{{index .data "{registration.TOKEN_KEY}"}}}}"}}}}\''
        f" | kubectl patch secret {HUB_TOKENS_SECRET} -n {namespace} --type merge "
        "--patch-file /dev/stdin"
    )
    values = yaml.dump(_values(), Dumper=Dumper, sort_keys=False, width=100)
    return f"{_HEAD}{values}"


def _values() -> dict[str, Any]:
    service = registration.SERVICE
    return {
        "hub": {
            "services": {service: {"display": False}},
            "loadRoles": {
                service: {
                    "description": "Read who administers the hub",
                    "services": [service],
                    "scopes": list(registration.SCOPES),
                }
            },
            "extraConfig": {registration.EXTRA_CONFIG: registration.TELLING},
        }
    }
