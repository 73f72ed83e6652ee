"""Who is entitled to what on a hub, and where the cluster disagrees.

Pure: a model, a record, the access graph and the time go in; findings come out.
"""
