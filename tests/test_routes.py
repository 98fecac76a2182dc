"""The lists of operations: what each role has, and that they are what the handlers say of themselves."""

from __future__ import annotations

import inspect
import re

import pytest
from pydantic import SecretStr
from ticker.app import Process, Role
from ticker.operation import Operation
from ticker.settings import Settings


def served(role: Role = "serve") -> list[Operation]:
    """The operations of a role."""
    return Process(Settings(redis_url=SecretStr("redis://127.0.0.1:1")), role).operations()


def test_no_operation_is_declared_twice() -> None:
    """Neither its name nor its place."""
    operations = served()
    assert len(operations) == len({operation.name for operation in operations})
    assert len(operations) == len({(operation.method, operation.path) for operation in operations})


def test_serving_is_editing_and_reading() -> None:
    """`serve` has what `api` and `fanout` have, and nothing else; what both have is the same."""
    api, fanout = ({(of.method, of.path) for of in served(role)} for role in ("api", "fanout"))
    assert api | fanout == {(of.method, of.path) for of in served("serve")}
    assert {path for _, path in api & fanout} == {
        *("/v1/channels/{channel}/items/{id}", "/health/live", "/health/ready", "/metrics", "/openapi.json"),
        *("/docs", "/docs/{file}", "/v1/push"),
    }


@pytest.mark.parametrize("operation", served(), ids=lambda operation: operation.name)
def test_the_router_asks_the_handler_that_is_described(operation: Operation) -> None:
    """One table for both."""
    assert operation.handler == operation.route().endpoint


@pytest.mark.parametrize("operation", served(), ids=lambda operation: operation.name)
def test_a_handler_says_no_other_address_than_its_own(operation: Operation) -> None:
    """Where its docstring names one: method, and the end of the path."""
    for method, end in re.findall(r"`(GET|POST|PATCH|DELETE) (\S+?)`", inspect.getdoc(operation.handler) or ""):
        end = end.partition("?")[0].removeprefix("…").removeprefix("/v1/channels/{channel}")
        if operation.path.endswith(end):
            assert method == operation.method
            break
    else:
        assert not re.search(r"^`(GET|POST|PATCH|DELETE) ", inspect.getdoc(operation.handler) or "")


@pytest.mark.parametrize("operation", [of for of in served() if of.method != "GET"], ids=lambda of: of.name)
def test_only_a_login_and_a_browser_change_something_without_a_key(operation: Operation) -> None:
    """Whatever is not a look asks who it is; a browser subscribes itself, and knows its own address."""
    assert (operation.name in ("login", "subscribe", "unsubscribe")) == ("public" == operation.access)
