"""The page, served by any replica to whoever reaches its port: read-only, and off by default.

In reading order:

* ``server``: addresses, and the headers of every answer;
* ``callers``: callers, and whether they may read what was found;
* ``editions``: editions of the page, each written once and as far as somebody asks for it.
"""
