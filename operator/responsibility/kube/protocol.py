"""The client as commands see it, whichever it is, and the media types that it asks for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

Json = dict[str, Any]
Params = Mapping[str, str | int | bool]

JSON = "application/json"
# The server strips what is not metadata before it sends: a Deployment shrinks to a tenth.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

# What kubectl shows: a row of texts for each object, which the server makes.
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


class Client(Protocol):
    """Requests as one user; see ``client.Api`` for what each does. All raise ApiError."""

    async def get(self, path: str, params: Params | None = None, *, accept: str = JSON) -> Json:
        """Return one object, or whatever JSON ``path`` answers with."""

    async def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """POST an object (or a review) to its collection and return the answer."""

    def pages(self, path: str, *, limit: int = 500, accept: str = JSON) -> AsyncGenerator[Json]:
        """List a collection, page by page."""
