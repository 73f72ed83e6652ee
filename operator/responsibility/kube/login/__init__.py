"""Logging in: who we are to an API server, by a kubeconfig, a pod's account or a helper.

In reading order:

* ``impersonation``, ``kubeconfig``: configurations, merged as kubectl does it;
* ``credential_helper``, ``credentials``: logins, kept fresh;
* ``fast_login``: a certificate or a token as it stands, on the standard library alone.
"""
