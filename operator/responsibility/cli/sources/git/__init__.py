"""Git as a source: the program, and files as they were at another revision.

In reading order:

* ``program``: repositories, commits and contents, as git tells of them;
* ``base``: the same files at another revision.
"""
