"""Sessions of a hub: images that they run and what they may do, as it is in the cluster.

In reading order:

* ``aspects``: aspects of sessions that can be agreed on;
* ``identities``: cloud identities of ServiceAccounts;
* ``pods``: pods of sessions, of which little is kept;
* ``claims``: the claims to storage that these pods mount.
"""
