"""Responses: answers of endpoints, and refusals with the exchange's bodies."""

import gzip
import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.sandbox.shapes.error_bodies import TOO_MANY_REQUESTS, error_body

_SMALLEST_COMPRESSED = 500


def json_answer(body: bytes, request: Request, age_seconds: int) -> Response:
    """Return an answer, compressed fast rather than small for clients that accept gzip.

    `mtime=0` makes equal answers equal bytes.
    """
    headers = {"vary": "Accept-Encoding"}
    if age_seconds:
        headers["age"] = str(age_seconds)
    if len(body) >= _SMALLEST_COMPRESSED and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers, media_type="application/json")


def too_many() -> Response:
    """Return a 429, which has no Retry-After (docs/exchange-api.md, Errors)."""
    return Response(TOO_MANY_REQUESTS, 429, media_type="application/json")


def _refused(status: int, body: dict[str, object]) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), status, media_type="application/json")


async def refuse_bad_request(_: Request, error: Exception) -> Response:
    """Return a 400 with the details of the error, if it has any."""
    details = error.details if isinstance(error, BadRequestError) else None
    return _refused(400, error_body("bad_request", "bad request", details))


async def refuse_unknown(_: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette passes it
    """Return a 404 as of an unknown ticker or path."""
    return _refused(404, error_body("not_found", "not found"))


async def refuse_http(request: Request, error: Exception) -> Response:
    """Return the refusal of a request that Starlette could not route."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return await refuse_unknown(request, error)
    return _refused(status, error_body("method_not_allowed", "method not allowed"))
