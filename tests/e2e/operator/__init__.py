"""The operator as it is shipped: its own process, its own ServiceAccount, a real API server.

Nothing here reaches into it. What it does is read where its users read it: in statuses,
annotations, Events, metrics, logs, and in the API server's audit log.
"""
