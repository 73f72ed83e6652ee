"""The operator: the framework's handlers, the loop, and what it publishes.

In reading order:

* ``start``: the entry point, before anything is loaded;
* ``main``: the process, from its settings to leadership;
* ``runtime``: all that runs beside the framework;
* ``handlers``: the framework's handlers, one line of delegation each;
* ``loop``: the reconcile loop;
* ``status``: statuses of records and models, made of an assessment;
* ``publish``: the writing of an assessment, where it differs;
* ``leftover_watch``: traces that nobody expects, and that the operator doesn't end;
* ``annotator``: annotations of the hubs' Deployments, kept as they should be;
* ``worker``: the base of what works beside the loop;
* ``capabilities``: the one list of it;
* ``last_answers``: last answers about hubs, and the wait for the first;
* ``reviewer``: questions to the API server's own authorizers;
* ``own_rights``: the operator's own rights, and those it lacks;
* ``own_kinds``: records and models, as any replica knows them;
* ``hub_admins``: the asking of hubs who administers them;
* ``hub_values``: the looking at hubs' values where settings are agreed on;
* ``hub_release``: the looking at what was changed of hubs outside Helm;
* ``hub_sessions``: the looking at what sessions run and may do;
* ``upgrades``: the looking at versions of Kubernetes;
* ``grants``: the granting of what is agreed;
* ``admission``: admission, put in force as records ask for it;
* ``webhooks``: answers to the API server, in every replica;
* ``page``: the page, served by every replica;
* ``plans``: plans, and the revocation of what an approved one deletes;
* ``reporting``: conditions, Events, annotations, metrics, and how they are written;
* ``process``: settings, login, and ports.
"""
