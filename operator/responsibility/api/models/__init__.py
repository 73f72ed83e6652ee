"""Models that come with the package: the shipped one, and what it was in earlier versions.

In reading order:

* ``versions``: the shipped model of each version, found by what another model says of itself;
* ``changes``: three models, compared.
"""
