"""``version``: the version of this program, and of what it knows."""

from __future__ import annotations

from pathlib import Path

import click

from responsibility.cli.sources.options import text_option

_PACKAGE = "hub-responsibility"
_CHECKOUT = Path(__file__).parents[4]


@click.command(name="version")
@text_option
def command(*, output: str) -> None:
    r"""Print the version of this program, and of what it knows.

    That is the API of records and models, and the versions of Kubernetes whose default roles it
    knows, for manifests that have none; the newest are taken unless --kubernetes-version says
    otherwise. Which versions were tried says docs/support.md. No cluster is asked.

    \b
    Examples:
      kubectl responsibility version
      kubectl responsibility version -o json
    """
    from responsibility.api.names import API_VERSION
    from responsibility.cli.sources import default_roles
    from responsibility.cli.terminal.output import is_data, say, show

    known = {
        "clientVersion": program_version(),
        "apiVersion": API_VERSION,
        "kubernetesRoles": default_roles.newest(),
    }
    if is_data(output):
        show(output, known)
        return
    say(f"hub-responsibility {known['clientVersion']}")
    every = default_roles.versions()
    say(f"API {known['apiVersion']}; default roles of Kubernetes {every[0]} to {every[-1]}")


def program_version() -> str:
    """Return the version that is installed; of a checkout that is run as it is, what it declares.

    That one is marked, since it may be any commit (a local version, as
    https://packaging.python.org/en/latest/specifications/version-specifiers/ has them).
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        import tomllib

        declared = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
        return f"{declared['project']['version']}+checkout"
