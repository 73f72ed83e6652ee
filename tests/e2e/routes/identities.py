"""What those do who act as others: by impersonation, or with a token."""

from __future__ import annotations

import base64

from tests.e2e.routes.world import World


def account(w: World) -> str:
    return f"system:serviceaccount:{w.ns}:holder"


async def as_account(w: World) -> None:
    await w.destroy(w.attacker.impersonating(account(w)))


async def as_user(w: World) -> None:
    await w.destroy(w.attacker.impersonating(f"{w.run}-ann"))


async def as_member(w: World) -> None:
    await w.destroy(w.attacker.impersonating("somebody", f"{w.run}-people"))


async def as_account_in_group(w: World) -> None:
    await w.destroy(w.attacker.impersonating(account(w), f"{w.run}-people"))


async def as_node(w: World) -> None:
    await w.destroy(w.attacker.impersonating(f"system:node:{w.run}"))


async def token_as_account(w: World) -> None:
    other = w.attacker.impersonating(account(w))
    token = await w.token_of(other, w.ns, "holder2")
    await w.destroy(w.attacker.with_token(token))


async def holder_may_request_tokens(w: World) -> None:
    await w.admin.ask(
        "POST", f"{w.core}/serviceaccounts", w.named("v1", "ServiceAccount", "holder2")
    )
    account = {"kind": "ServiceAccount", "namespace": w.ns, "name": "holder"}
    rule = {"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]}
    await w.grant("requests", [rule], w.ns, account)


async def request_token(w: World) -> None:
    await w.destroy(w.attacker.with_token(await w.token_of(w.attacker, w.ns, "holder")))


async def token_secret(w: World, read: str) -> None:
    secret = w.named("v1", "Secret", "mine", type="kubernetes.io/service-account-token")
    secret["metadata"] |= {
        "annotations": {"kubernetes.io/service-account.name": "holder"},
        "finalizers": ["example.com/wait"],
    }
    path = f"{w.core}/secrets"
    await w.attacker.ask("POST", path, secret)
    found: list[str] = []

    async def filled() -> bool:
        return "token" in (await w.admin.ask("GET", f"{path}/mine")).get("data", {})

    await w.admin.until(filled, "the controller to fill the Secret")
    match read:
        case "get":
            answer = await w.attacker.ask("GET", f"{path}/mine")
        case "list":
            answer = (await w.attacker.ask("GET", path))["items"][0]
        case "patch":
            answer = await w.attacker.patch(f"{path}/mine", {})
        case "delete":
            answer = await w.attacker.ask("DELETE", f"{path}/mine?dryRun=All")
        case _:
            answer = (await w.attacker.ask("DELETE", f"{path}?dryRun=All"))["items"][0]
    found.append(base64.b64decode(answer["data"]["token"]).decode())
    await w.destroy(w.attacker.with_token(found[0]))
    # Only so that its namespace can go.
    await w.admin.patch(f"{path}/mine", {"metadata": {"finalizers": None}})


async def create_account(w: World) -> None:
    await w.attacker.ask(
        "POST", f"{w.core}/serviceaccounts", w.named("v1", "ServiceAccount", "absent")
    )
    await w.destroy(w.attacker.with_token(await w.token_of(w.attacker, w.ns, "absent")))
