"""Authenticators of JupyterHub that differ in what a user's name is worth, by what they are called.

A hub's configuration names its authenticator by an entry point (``dummy``) or by its class; the
chart's image has those of JupyterHub, OAuthenticator and a few more. Most make names lower-case
before anything else is done with them (``Authenticator.normalize_username``).
"""

from __future__ import annotations

from typing import Final

# Whoever comes is whom they like: no password, or one that is the same for all (``dummy``), or one
# that is the same for all admins (``shared-password``). Source: ``jupyterhub/authenticators/``.
_OPEN: Final = frozenset({"dummy", "dummyauthenticator"})
_SHARED: Final = frozenset({"shared-password", "sharedpasswordauthenticator"})

# They leave capitals as they are, since names of their provider differ by them, and put "_" for
# spaces. Source: ``oauthenticator/mediawiki.py``.
_KEEP_CAPITALS: Final = frozenset(
    {"mediawiki", "mwoauthenticator", "local-mediawiki", "localmwoauthenticator"}
)


def proves_nobody(authenticator: str) -> bool:
    """Return whether who signs in by it may be anybody, or anybody who knows one password."""
    return _short(authenticator) in _OPEN | _SHARED


def normalised(name: str, authenticator: str) -> str:
    """Return what becomes of a name when it signs in by an authenticator."""
    if _short(authenticator) in _KEEP_CAPITALS:
        return name.replace(" ", "_")
    return name.lower()


def _short(authenticator: str) -> str:
    """Return the entry point or the class, without the module that it is from."""
    return authenticator.rpartition(".")[2].casefold()
