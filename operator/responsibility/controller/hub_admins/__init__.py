"""Asking hubs who administers them, each by its own token, which may only read.

In reading order:

* ``tokens``: the tokens, one for each hub, as they are mounted;
* ``address``: addresses of hubs, and those that are none of a hub's;
* ``answers_over_http``: one hub's answers, within bounds of time and size;
* ``asking``: the worker that asks all of them, now and again.
"""
