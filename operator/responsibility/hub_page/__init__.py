"""A hub's page in the hub: a service of JupyterHub, by which those who sign in there see the page.

It is a process of its own in the hub's namespace, with the hub's login (OAuth, by JupyterHub's own
library) on one side and the operator's page on the other. It knows one record by name and makes
nothing itself: what it shows, the operator has written, and what was found comes to it only when an
admin of the hub asks. So whoever takes it over has what the hub's admins may see, and no more.

In reading order:

* ``main``: the process;
* ``settings``: its settings;
* ``server``: addresses, who is shown what, and the headers of every answer;
* ``visitors``: visitors of the page, as the hub knows them;
* ``pages``: the two pages, fetched from the operator;
* ``no_page``: pages that say why there is none;
* ``registration``: the service as the hub has to know it.
"""
