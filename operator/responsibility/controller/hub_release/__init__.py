"""Looking at what was changed outside Helm, by a right on the objects of releases.

In reading order:

* ``objects``: objects of a release as they are, each read by its name;
* ``memory``: a release between two looks;
* ``looking``: the worker that looks at all hubs, now and again.
"""
