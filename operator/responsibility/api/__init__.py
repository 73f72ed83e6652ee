"""The two resources: as models to work with, as CRDs to install, and the model that is shipped.

``parse_record`` and ``parse_model`` are the only way in; ``dump`` of a shape is the way out.
Nothing is imported here: who asks for a name must not wait for the models.

In reading order:

* ``names``: the contract: API group, keys, and names of all that is ours;
* ``stages``: stages of admission and modes of RBAC, as ordered enums;
* ``base``: the base class of all shapes, and rules that schema and files share;
* ``foreign_text``: text that others wrote, made harmless;
* ``placeholders``, ``subjects``, ``permission``, ``common``: parts of both resources;
* ``item``, ``model``: the items of an agreement, and who owns them by default;
* ``record``: the agreement on one hub, where it differs;
* ``status``: the part that the operator writes back;
* ``parse``: reading both, leniently from the API and strictly from files;
* ``models``: the shipped model, and those of earlier versions;
* ``crd``, ``admission``: the schemas, and the policy about dates, as manifests to install.
"""
