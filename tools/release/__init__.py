"""A release: everything that it is made of, in one directory, with checksums.

``make release VERSION=1.2.3``, on a clean checkout whose files say that version. Nothing is
published or signed: that is for whoever holds the keys (``.github/workflows/release.yaml``).

In reading order:

* ``checks``: what stands in the way of a release, and its notes;
* ``plugin_archive``, ``plugin_launcher``: the plugin for each platform, with all that it needs;
* ``images``: the images, by the table that make reads as well;
* ``krew_manifest``: what krew reads of them;
* ``provenance``: what was built from what, as SLSA has it;
* ``__main__``: the order of all that.
"""
