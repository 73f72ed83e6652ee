"""``render``: what a model becomes in the API server, as manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from responsibility.cli.sources.options import note
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import say

if TYPE_CHECKING:
    from responsibility.api.model import ResponsibilityModel

_KIND: Final = "ResponsibilityModel"
_NAME: Final = "hub-responsibility"


@click.command(name="render")
@click.argument(
    "what",
    metavar="policies|roles|webhook|hub-service|hub-page",
    type=click.Choice(["policies", "roles", "webhook", "hub-service", "hub-page"]),
)
@click.option(
    "--model",
    "models",
    metavar="FILE",
    multiple=True,
    help="The model, and additions to it, each file or '-' once. Default: the shipped model.",
)
@click.option(
    "-n", "--namespace", default=_NAME, show_default=True, help="Where the operator runs."
)
@click.option(
    "--service-account", default=_NAME, show_default=True, help="Whom the operator runs as."
)
@click.option(
    "--static",
    is_flag=True,
    help="For the disk of the API server (Kubernetes 1.37), where no request can remove them.",
)
@click.option(
    "--prefix",
    "prefixes",
    metavar="PREFIX",
    multiple=True,
    help="With roles: what a release puts before the names of its objects, such as "
    "leap-jupyterhub-; may be repeated.",
)
@click.option(
    "--service",
    default=f"{_NAME}-webhook",
    show_default=True,
    help="With webhook: the Service by which the operator is reached.",
)
@click.option(
    "--ca",
    "authority",
    metavar="FILE",
    default="",
    help="With webhook: its authority's certificate (PEM). Left out, somebody else fills it in.",
)
def command(
    *,
    what: str,
    models: tuple[str, ...],
    namespace: str,
    service_account: str,
    static: bool,
    prefixes: tuple[str, ...],
    service: str,
    authority: str,
) -> None:
    r"""Write the policies, the roles or the webhook of a model, or a hub's values.

    They do nothing until a hub asks.

    The chart installs those of the shipped model (policies.enabled). For another model, or for
    additions to it, apply these in their place. With --static they are for the folder that
    staticManifestsDir names in the API server's configuration: see docs/enforcement.md.

    The roles are those that owners and delegates are granted (grants.enabled), one for each item
    and one more for each prefix: see docs/grants.md.

    The webhook is the one that judges what changes inside a hub's Secret (valuesWebhook.enabled):
    see docs/enforcement.md.

    The hub-service are values of a hub's own chart: by them, the hub tells the operator who
    administers it (hubAdmins.enabled): see docs/hub-admins.md.

    The hub-page are values of a hub's own chart as well: by them, those who sign in to the hub see
    the page there (hubPages): see docs/hub-page.md.

    \b
    Examples:
      kubectl responsibility render policies --model ours.yaml | kubectl apply -f -
      kubectl responsibility render policies --static > static-policies.yaml
      kubectl responsibility render roles --prefix leap-jupyterhub- | kubectl apply -f -
      kubectl responsibility render webhook --model ours.yaml --ca ca.crt | kubectl apply -f -
      kubectl responsibility render hub-service > responsibility.values.yaml
    """
    from responsibility.admission.policies import rendered
    from responsibility.api.crd import to_yaml
    from responsibility.rbac.identity import service_account_user

    if what != "policies" and static:
        raise click.UsageError("--static is for policies: all else is an object in the API server")
    if what != "roles" and prefixes:
        raise click.UsageError("--prefix is for roles: all else reads it from the hub's Namespace")
    if what in ("hub-service", "hub-page"):
        if models:
            raise click.UsageError("--model is for policies, roles and webhook")
        _hub_service(namespace) if what == "hub-service" else _hub_page()
        return
    if what == "webhook":
        from responsibility.cli.commands import render_webhook

        found = render_webhook.text(
            _model(models), namespace=namespace, service=service, authority=authority
        )
        say(found, nl=False)
        return
    if what == "roles":
        from responsibility.cli.commands import render_roles

        say(render_roles.text(_model(models), prefixes), nl=False)
        return
    account = service_account_user(namespace, service_account)
    render = rendered.static if static else rendered.rendered
    try:
        manifests = render(_model(models), namespace=namespace, account=account)
    except ValueError as error:
        raise CliError(f"no {what} can be rendered: {error}") from None
    say("---\n".join(to_yaml(manifest) for manifest in manifests), nl=False)


def _hub_service(namespace: str) -> None:
    """Write a hub's values, and say what comes after; ``namespace`` is the operator's."""
    from responsibility.api.names import HUB_TOKENS_SECRET
    from responsibility.hub.admins import registration

    note(
        "then give the operator the token: kubectl get secret hub -n HUB -o go-template="
        f'\'{{"data":{{"HUB.RELEASE":"{{{{index .data "{registration.TOKEN_KEY}"}}}}"}}}}\''
        f" | kubectl patch secret {HUB_TOKENS_SECRET} -n {namespace} --type merge "
        "--patch-file /dev/stdin"
    )
    say(registration.VALUES, nl=False)


def _hub_page() -> None:
    """Write a hub's values by which it has the page, and say what comes after."""
    from responsibility.hub_page import registration

    note(
        "then name the hub in the values of the operator's chart: "
        "hubPages: [{record: RECORD, namespace: NAMESPACE}], with page.enabled: true"
    )
    say(registration.VALUES, nl=False)


def _model(files: tuple[str, ...]) -> ResponsibilityModel:
    from responsibility.api.parse import load_shipped_model
    from responsibility.cli.sources.agreements import add_agreements
    from responsibility.cli.sources.cluster_view import ClusterView
    from responsibility.cli.sources.manifests import read

    if not files:
        return load_shipped_model()
    found = [manifest for manifest in read(files) if manifest.raw.get("kind") == _KIND]
    if not found:
        raise CliError(f"{', '.join(files)}: there is no {_KIND} in it")
    names = sorted({manifest.raw["metadata"]["name"] for manifest in found})
    if len(names) > 1:
        raise CliError(f"these are several models, {', '.join(names)}: give the file of one")
    view = ClusterView(live=False)
    add_agreements(view, found, (), note)
    return view.models[names[0]]
