"""The plan of the answer to one request, and the plans of failing requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from kalshi_pipeline.sandbox.faults.damage import Damage
from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.shapes.error_bodies import TOO_MANY_REQUESTS, error_body

_WITHOUT_BODY = (202, 204)
_BLOCKED = 403
_HTML = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
)


class ConnectionFault(Enum):
    """A fault of the connection: a reset instead of an answer, or an answer that ends early."""

    RESET = "reset"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Plan:
    """How to answer one request: with `body` if given, else with the endpoint's answer to `query`.

    The answer begins after `wait_seconds`, and its body takes `drip_seconds`. `envelope` draws an odd envelope, None
    for the right one. `is_crossed` repeats the answer to the previous request.
    """

    status: int = 200
    body: str | None = None
    content_type: str = "application/json"
    connection_fault: ConnectionFault | None = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    drip_seconds: float = 0.0
    envelope: int | None = None
    damage: Damage | None = None
    is_crossed: bool = False


def page_instead(status: int, title: str) -> Plan:
    """Return the plan of an answer that is a gateway's page."""
    return Plan(status, _HTML.format(title), "text/html")


def error_as_success() -> Plan:
    """Return the plan of an error that is answered as if it were a success."""
    return Plan(200, json.dumps(_nested("Service Unavailable")))


def refusal(faults: Faults, status: int, attempt: int) -> Plan:
    """Return a 4xx with the exchange's body, or a 5xx."""
    if status == 429:
        return Plan(429, TOO_MANY_REQUESTS, headers=_retry_after(faults))
    if status >= 500:
        return failure(faults, status, attempt)
    return Plan(status, json.dumps(_nested(_reason(status)), separators=(",", ":")))


def failure(faults: Faults, status: int, draw: int) -> Plan:
    """Return a 5xx with a body in one of three forms: recorded, documented, or a gateway's page.

    Other transient statuses have their own form.
    """
    headers = _retry_after(faults)
    if status in _WITHOUT_BODY:
        return Plan(status, "", headers=headers)
    form: str = faults.error_body
    if status == _BLOCKED:
        form = "html"
    if form == "any":
        form = ("nested", "flat", "html")[draw % 3]
    reason = _reason(status)
    if form == "html":
        return Plan(status, _HTML.format(f"{status} {reason}"), "text/html", headers=headers)
    nested = _nested(reason)
    return Plan(status, json.dumps(nested if form == "nested" else nested["error"]), headers=headers)


def _retry_after(faults: Faults) -> dict[str, str]:
    return {"retry-after": faults.retry_after} if faults.retry_after else {}


def _reason(status: int) -> str:
    """Return a gateway's name of a status."""
    if status == 504:
        return "Gateway Time-out"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _nested(reason: str) -> dict[str, object]:
    return error_body(reason.lower().replace(" ", "_").replace("-", ""), reason.lower())
