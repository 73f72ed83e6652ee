"""The page's registration in a hub: a service with no scopes, and who may open it.

The service's token can do nothing in the hub but end sign-ins: it is the secret of the OAuth client
(``jupyterhub/app.py``, ``service_from_spec``). It is another service than the one by which the
operator asks hubs for their admins, whose token can read them. What the page learns of a visitor is
a name, groups and whether that is an admin (``identify_scopes`` in ``jupyterhub/scopes.py``): no
scope is asked for beside.
"""

from __future__ import annotations

from typing import Final

from responsibility.api.names import HUB_PAGE

# The service in the hub; its path there is /services/<name>/.
SERVICE: Final = HUB_PAGE
# As the hub names an OAuth client that isn't told otherwise (``Service.oauth_client_id``).
CLIENT: Final = f"service-{SERVICE}"
# What somebody needs who is to see the page; JupyterHub's admins have it.
ACCESS: Final = f"access:services!service={SERVICE}"

# Values of the hub's own chart by which it is registered.
VALUES: Final = f"""\
# Values of the hub's own chart (Zero to JupyterHub; below its name where it is a dependency). The
# service "{SERVICE}" shows who is responsible for what on the hub, at /services/{SERVICE}/,
# to whoever is signed in, and what was found to the hub's admins. The chart makes its token, by
# which nothing can be read or changed in the hub, and keeps it in the hub's Secret as
# hub.services.{SERVICE}.apiToken.
hub:
  services:
    {SERVICE}:
      url: http://{SERVICE}
      # It is a part of the hub, and asks nobody for anything.
      oauth_no_confirm: true
  loadRoles:
    # What all users have: themselves, as without this, and the page. Where your hub says already
    # what they have, add the second line there. For some of them only: a role of another name, with
    # users or groups.
    user:
      scopes:
      - self
      - {ACCESS}
"""
