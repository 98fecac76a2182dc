"""How a request that is not done is answered: the one place where errors of a handler become problems."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from ticker.access import HEADER, REQUEST_ID
from ticker.errors import MethodNotAllowed, NotFound, StoreUnavailable, TickerError
from ticker.problem import Problem

log = logging.getLogger("ticker.app")


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, TickerError)
    if isinstance(error, StoreUnavailable):
        log.warning("%s %s: refused, the store is away: %s", request.method, request.url.path, error.__cause__)
    problem = Problem.of(error, request.scope.get(REQUEST_ID))
    # What was not read of a body that is refused must not be taken for the next request.
    headers = (
        problem.headers
        if request.method == "GET" or error.status != 413
        else {**problem.headers, "Connection": "close"}
    )
    return Response(problem.body, problem.status, headers)


async def _refuse_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        return await _refuse(request, NotFound())
    # Several routes may share a path; the router names only the methods of the first.
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    allowed = sorted({method for route in routes for method in route.methods or ()})
    answer = await _refuse(request, MethodNotAllowed(f"This address takes {', '.join(allowed)}."))
    answer.headers["Allow"] = ", ".join(allowed)
    return answer


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _fault(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after this, so that the log has its trace; the caller gets a sentence.
    # This one is answered outside of everything else, so its header is set here.
    request_id = request.scope.get(REQUEST_ID)
    problem = Problem.of(TickerError(), request_id)
    headers = problem.headers if request_id is None else {**problem.headers, HEADER: request_id}
    return Response(problem.body, problem.status, headers)


HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    TickerError: _refuse,
    HTTPException: _refuse_route,
    ClientDisconnect: _gone,
    Exception: _fault,
}
"""As Starlette takes them."""
