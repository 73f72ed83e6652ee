"""The page for people: who is responsible for what, as one HTML document without any program.

``agreements`` says what is on it; ``document`` knows HTML, ``style`` how it looks.
"""
