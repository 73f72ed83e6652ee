"""What those do who get certificates of others, nodes among them."""

from __future__ import annotations

import asyncio

from tests.e2e.routes import identities
from tests.e2e.routes.people import Person, Refused, certificate_request
from tests.e2e.routes.world import World

CSR_PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


async def certificate(
    w: World, signer: str, user: str, *groups: str, approve: bool, read: bool
) -> Person:
    request, key = await certificate_request(user, *groups)
    usages = ["client auth", "digital signature"]
    body = w.named(
        "certificates.k8s.io/v1",
        "CertificateSigningRequest",
        w.run,
        spec={"request": request, "signerName": signer, "usages": usages},
    )
    made = await w.attacker.ask("POST", CSR_PATH, body)
    path = f"{CSR_PATH}/{w.run}"
    certificate = ""
    if approve:
        condition = {"type": "Approved", "status": "True", "reason": "Mine", "message": ""}
        made["status"] = {"conditions": [condition]}
        del made["metadata"]["resourceVersion"]
        await w.attacker.patch(f"{path}/approval", {"status": made["status"]})

    async def signed() -> bool:
        nonlocal certificate
        if read:
            answer = await w.attacker.ask("GET", path)
        else:
            # Who may approve gets to see the certificate by approving once more.
            answer = await w.attacker.patch(f"{path}/approval", {})
        certificate = answer["status"].get("certificate", "")
        return bool(certificate)

    try:
        # The controller refuses by doing nothing, which takes a little patience to see.
        if w.missing and not approve:
            for _ in range(30):
                if await signed():
                    break
                await asyncio.sleep(0.1)
            else:
                raise Refused("nobody has approved it")
        else:
            await w.attacker.until(signed, f"the certificate ({w})")
    finally:
        await w.admin.ask("DELETE", path)
    return w.attacker.with_certificate(certificate, key)


async def certificate_of_account(w: World) -> None:
    signer = "kubernetes.io/kube-apiserver-client"
    holder = await certificate(w, signer, identities.account(w), approve=True, read=False)
    await w.destroy(holder)


async def certificate_of_member(w: World) -> None:
    signer = "kubernetes.io/kube-apiserver-client"
    member = await certificate(w, signer, "anybody", f"{w.run}-people", approve=True, read=False)
    await w.destroy(member)


async def as_the_node(w: World, *, approve: bool) -> None:
    signer = "kubernetes.io/kube-apiserver-client-kubelet"
    user = f"system:node:{w.cluster.node}"
    node = await certificate(w, signer, user, "system:nodes", approve=approve, read=not approve)
    pod = await w.admin.ask("GET", f"{w.core}/pods/pod")
    reference = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "pod",
        "uid": pod["metadata"]["uid"],
    }
    answer = await node.ask(
        "POST",
        f"{w.core}/serviceaccounts/holder/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"boundObjectRef": reference},
        },
    )
    await w.destroy(w.attacker.with_token(answer["status"]["token"]))
