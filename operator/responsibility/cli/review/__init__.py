"""Review of a change to files: whose approval it needs, before it is merged.

In reading order:

* ``trees``: a folder or a revision, as files by their paths;
* ``values_files``: files of values, as Helm reads them;
* ``layout``: the hubs of a tree, and what Helm is given for each;
* ``agreements``: the records and models of the base;
* ``objects``: objects that come, go or differ, and the items that entitle to it;
* ``agreed``: settings that a change moves away from what was agreed;
* ``author``: the author of the change, as agreements know them;
* ``accounts``: accounts of a forge, and the parties that each acts for;
* ``judgement``: each thing that changes, whose it is, and whether the author may;
* ``answer``: the same in the fewest lines;
* ``formats``: forms of it for people and forges.
"""
