"""Visitors of the page, as the hub knows them: JupyterHub's own login, and less than it offers.

Only browsers come here, after they have signed in at the hub, so a cookie is all that says who
somebody is: no token in a header or in an address, with which anybody could have the hub asked
about made-up ones. Where a sign-in leads is always the page, whatever address was asked for.

Source: ``HubOAuth`` and ``HubAuth`` in ``jupyterhub/services/auth.py`` (5.5).
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Final

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError, RequestHandler

from responsibility.hub_page.no_page import NoPage, NoPageError
from responsibility.hub_page.registration import ACCESS, CLIENT
from responsibility.hub_page.settings import HubPageSettings

logger = logging.getLogger(__name__)

# Seconds for which the hub's word is taken again; a right that ends is heeded as late as that. Who
# signs out is asked about at once: the session is part of what is remembered.
REMEMBERED: Final = 10
# Sign-ins under way of which more is known than their cookie says.
_MOST: Final = 1_000


class Visitors(HubOAuth):  # type: ignore[misc]  # JupyterHub has no types
    """JupyterHub's own OAuth, bound to this hub and this page, whatever the environment says."""

    @classmethod
    def of(cls, settings: HubPageSettings) -> Visitors:
        """Return the visitors of a hub. Raises OSError where its token can't be read."""
        found = cls(
            api_url=f"{settings.hub}{settings.base}hub/api",
            api_token=_token(settings),
            hub_host="",
            hub_prefix=f"{settings.base}hub/",
            base_url=settings.prefix,
            oauth_client_id=CLIENT,
            oauth_redirect_uri=f"{settings.prefix}oauth_callback",
            access_scopes={ACCESS},
            cache_max_age=REMEMBERED,
            allow_token_in_url=False,
            allow_websocket_cookie_auth=False,
            cookie_host_prefix_enabled=False,
            # For as long as the browser is open, or the hub says so.
            cookie_options={"expires_days": None, "samesite": "Lax"},
        )
        found.settings = settings
        return found

    settings: HubPageSettings

    def get_token(self, handler: RequestHandler, in_cookie: bool = True) -> str | None:
        """Return the token of the cookie, and no other."""
        return self._get_token_cookie(handler) if in_cookie else None

    def set_state_cookie(self, handler: RequestHandler, next_url: str | None = None) -> str:
        """Begin a sign-in that leads to the page."""
        del next_url
        if len(self._oauth_states) >= _MOST:
            # The cookie is what counts: without the rest, a sign-in ends the same way.
            self._oauth_states.clear()
        state: str = super().set_state_cookie(handler, next_url=self.base_url)
        return state

    async def _api_request(self, method: str, url: str, **kwargs: Any) -> dict[str, Any] | None:
        """Ask the hub. Raises NoPageError where it doesn't answer as a hub does."""
        try:
            answer = await super()._api_request(method, url, **kwargs)
        except (HTTPError, OSError, ValueError, NameError, TypeError) as error:
            logger.warning("the hub was asked in vain who somebody is: %s", _words(error))
            raise NoPageError(NoPage.NO_HUB) from None
        if answer is not None and not isinstance(answer, dict):
            raise NoPageError(NoPage.NO_HUB)
        return answer

    async def _token_for_code(self, code: str) -> str:
        try:
            # The hub's chart may have made another one.
            self.api_token = _token(self.settings)
            token = await super()._token_for_code(code)
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("a sign-in could not be ended: %s", type(error).__name__)
            raise NoPageError(NoPage.NO_HUB) from None
        if not isinstance(token, str):
            raise NoPageError(NoPage.NO_HUB)
        return token


def _token(settings: HubPageSettings) -> str:
    return settings.token.read_text(encoding="ascii").strip()


def _words(error: Exception) -> str:
    """Return what went wrong, without anything that a hub has said."""
    if isinstance(error, HTTPError):
        cause = error.__context__
        return type(cause).__name__ if cause is not None else HTTPStatus(error.status_code).phrase
    return type(error).__name__
