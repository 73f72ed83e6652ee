"""The page for people: who is responsible for what, as one HTML document without any program.

``agreements`` is the whole page, ``overview`` and ``hub`` are its parts, ``words`` what they say
alike; ``document`` knows HTML, ``style`` how it looks.
"""
