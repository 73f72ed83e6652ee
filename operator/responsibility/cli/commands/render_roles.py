"""``render roles``: the ClusterRoles that items are granted by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from responsibility.cli.sources.options import note
from responsibility.cli.terminal.errors import CliError

if TYPE_CHECKING:
    from responsibility.api.model import ResponsibilityModel

# What a release can put before its objects' names: they have to remain names.
_PREFIX: Final = re.compile(r"[a-z0-9][-a-z0-9.]*")
_LONGEST: Final = 200


def text(model: ResponsibilityModel, prefixes: tuple[str, ...]) -> str:
    """Return the manifests; what is left out, and what to do with the rest, is told beside."""
    from responsibility.grants.item_roles import render, to_text

    for prefix in prefixes:
        if not _PREFIX.fullmatch(prefix) or len(prefix) > _LONGEST:
            raise CliError(
                f"--prefix {prefix!r} can't begin a name: write what the release puts before hub, "
                "such as leap-jupyterhub-"
            )
    rendered = render(model, ("", *prefixes))
    for refusal in rendered.refusals:
        note(f"no role for {refusal}")
    if not rendered.roles:
        raise CliError(f"model {model.name} requires nothing that could be granted")
    names = ", ".join(role.name for role in rendered.roles)
    note(
        "apply these, and let the operator bind people to them: chart values grants.roles: "
        f"[{names}]"
    )
    return to_text(rendered.roles)
