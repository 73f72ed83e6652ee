"""The operator's process: its settings, its login, and the ports on which it is asked.

In reading order:

* ``settings``: the settings, read and checked once;
* ``logs``: lines of the log, for people or for machines;
* ``container_memory``: the memory that the container may take, and takes;
* ``frames``, ``child``: processes beside this one, and what goes between;
* ``values_reader``: the process in which hubs' Secrets are read;
* ``values_readers``: those processes, from outside;
* ``login``: credentials for the framework, the same as our own;
* ``framework``: the framework in its thread, begun again whenever it ends;
* ``connections``: bounds for those who connect;
* ``answers``: answers, with nothing in them of what was asked;
* ``ports``: the ports themselves;
* ``certificates``: certificates of ports, used anew when they are renewed;
* ``health``: metrics, liveness and readiness, on one port;
* ``webhook_server``: the server of the webhooks, on another.
"""
