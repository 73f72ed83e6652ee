"""The search for the smallest change that ends excess rights.

In reading order:

* ``targets``: subjects that have to leave bindings;
* ``removals``: the same, by role and binding;
* ``narrow``: roles without what they give too much of;
* ``new_grants``: roles and bindings that give just what is meant;
* ``preserve``: bindings that keep what somebody is entitled to;
* ``build``: changes, made of all these;
* ``remaining``: findings that changes leave;
* ``subcluster``: the part of the cluster in which that is quickly told;
* ``guard``: outcomes that no plan may have;
* ``minimise``: plans without what is superfluous;
* ``outcome``: the outcome of a search;
* ``search``: the loop over all that.
"""
