"""The operator's registration in a hub: a service with scopes that only read, and what it tells.

The scopes are the least that answers: names with their admin flags, roles and members. They show
neither e-mail, activity, servers nor tokens of anybody. The REST API has no place that says what a
role gives (``jupyterhub/apihandlers/``), so the hub's configuration puts that into ``info`` of our
own service, which ``read:services`` of that one service shows.

Source of the scopes' meaning: ``jupyterhub/scopes.py`` and ``APIHandler.user_model``,
``group_model`` and ``service_model``, which leave out, without a word, whatever the scopes do not
cover.
"""

from __future__ import annotations

from textwrap import indent
from typing import Final

from responsibility.hub.admins.scopes import READING

# The service in the hub, and the role that it has there.
SERVICE: Final = "responsibility"

SCOPES: Final = (
    "list:users",
    "read:roles:users",
    "list:groups",
    "read:groups",
    "read:roles:groups",
    "list:services",
    "read:roles:services",
    f"read:services!service={SERVICE}",
)

# The key of the Secret in a hub's namespace in which its chart keeps the service's token.
TOKEN_KEY: Final = f"hub.services.{SERVICE}.apiToken"

# What is narrowed to our own service, or to whoever holds it, is nobody else's.
_OF_ITSELF: Final = (f"!service={SERVICE}", "!user", "!server")

# What the hub runs at its start, after all else that configures it (the chart runs them by name).
EXTRA_CONFIG: Final = "zz-responsibility"
TELLING: Final = f"""\
# For the service "{SERVICE}" alone: what each role gives, by what people sign in, and whom the
# configuration makes an admin. The REST API tells none of that.
def _tell_responsibility():
    def known(section, name, empty):
        value = section.get(name, empty)
        return value.get_value(empty) if hasattr(value, "get_value") else value

    roles = known(c.JupyterHub, "load_roles", [])
    kind = known(c.JupyterHub, "authenticator_class", "")
    admins = {{user for role in roles if role["name"] == "admin" for user in role.get("users", ())}}
    for section in [*c.values()]:
        if hasattr(section, "get"):
            admins.update(known(section, "admin_users", set()) or ())
    for service in known(c.JupyterHub, "services", []):
        if service["name"] == "{SERVICE}":
            service["info"] = {{
                "roles": {{r["name"]: list(r["scopes"]) for r in roles if "scopes" in r}},
                "authenticator": kind if isinstance(kind, str) else kind.__name__,
                "admins": sorted(admins),
            }}


_tell_responsibility()
"""


_SCOPES_LISTED: Final = "".join(f"      - {scope}\n" for scope in SCOPES)

# Values of the hub's own chart by which it is registered.
VALUES: Final = f"""\
# Values of the hub's own chart (Zero to JupyterHub; below its name where it is a dependency). The
# service "{SERVICE}" can read who administers the hub, and change nothing. The chart makes its
# token, and keeps it in the hub's Secret as {TOKEN_KEY}.
hub:
  services:
    {SERVICE}:
      display: false
  loadRoles:
    {SERVICE}:
      description: Read who administers the hub
      services: [{SERVICE}]
      scopes:
{_SCOPES_LISTED}\
  extraConfig:
    {EXTRA_CONFIG}: |
{indent(TELLING, "      ")}\
"""


def lacking(scopes: frozenset[str]) -> tuple[str, ...]:
    """Return which of the scopes that it takes are not there, in full and for all."""
    return tuple(scope for scope in SCOPES if scope not in scopes)


def changing(scopes: frozenset[str]) -> tuple[str, ...]:
    """Return the scopes by which something could be changed, or somebody's work be entered."""
    return tuple(
        sorted(
            scope
            for scope in scopes
            if not scope.startswith(READING) and not any(own in scope for own in _OF_ITSELF)
        )
    )
