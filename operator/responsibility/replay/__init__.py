"""What the policies would have said of requests that an audit log remembers.

The policies' own expressions are evaluated, so there is no second opinion about who may do what.
"""
