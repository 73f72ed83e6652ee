"""The search for the smallest change that ends excess rights.

In reading order: ``targets`` is what has to go, ``removals`` puts it in order, ``build`` makes
changes of it (``narrow`` roles, cut bindings), ``preserve`` gives back what somebody is entitled to
by ``new_grants``, ``remaining`` says what findings are left (``subcluster`` quickly), ``guard``
what must not happen, ``minimise`` leaves out what is superfluous. ``search`` is the loop over all
that, and ``outcome`` what it found.
"""
