"""Entitlements on hubs, held against what the cluster allows.

Pure: a model, a record, the access graph and the time go in; findings come out.
"""
