"""Sessions of hubs: images that they run and what they may do, looked at and told when it changes.

In reading order:

* ``looking``: the worker that looks at their pods, now and again;
* ``transitions``: changes of images and of the cloud identity, told once.
"""
