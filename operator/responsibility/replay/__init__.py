"""The policies' answers to requests that an audit log remembers.

The policies' own expressions are evaluated, so there is no second opinion about who may do what.
"""
