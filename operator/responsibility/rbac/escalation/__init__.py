"""How a subject that cannot do something makes itself able to.

``ways`` is the table of what lets one identity act as another, ``entrances`` finds who has a way
into an identity, ``powers`` who can give itself rights by binding or editing roles. Putting them
together to the shortest route is a search over these edges.
"""
