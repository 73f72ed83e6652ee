"""The page for people: who is responsible for what, as one HTML document without any program.

In reading order:

* ``agreements``: the contents of the whole page;
* ``fleet``: the page above those of several clusters;
* ``overview``, ``hub``: its parts: all hubs side by side, and one hub;
* ``filters``: filters, which leave only some hubs;
* ``tasks``: tasks for people, each with whom to write to about it;
* ``published``: tasks by what the operator has written into statuses;
* ``words``: words that the parts share;
* ``document``: HTML, made of elements;
* ``style``: the style sheet;
* ``addresses``: addresses of pages;
* ``headers``: headers of those who serve it.
"""
