"""A Helm release as it was deployed, held against what is there.

In reading order:

* ``changes``: changes outside Helm, and reasons why they are not known;
* ``storage``: Helm's memory of a release: which revision counts, and what it deployed;
* ``sealing``: objects without what may be secret in them;
* ``field_managers``: writers of an object's fields, and when they wrote;
* ``sameness``: values that are written differently and mean the same;
* ``difference``: differences from what was deployed, field by field;
* ``listing``: a list of them that is cut without hiding whose they are.
"""
