"""YAML texts as plain values, with the lines of what is in them.

In reading order:

* ``documents``: a text in parts, and the reader of each;
* ``block_style``: the reader of the style that nearly all manifests are in;
* ``composer``: the reader of the rest, by libyaml;
* ``loader``: libyaml's composer, made quicker;
* ``words``: words without quotes, as kubectl takes them.
"""
