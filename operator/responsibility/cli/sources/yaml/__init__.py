"""YAML texts as plain values, with the lines of what is in them.

Read ``documents`` first: it parts a text and picks the reader of each document. ``block_style``
reads the style that nearly all manifests are in; ``composer`` leaves the rest to libyaml, by the
``loader``.
"""
