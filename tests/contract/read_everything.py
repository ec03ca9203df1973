"""Read everything that the sandbox serves through the official client that is installed, and print what came of it.

    PYTHONPATH=FOLDER_OF_THE_CLIENT:. python -m tests.contract.read_everything

It runs in a process of its own, so that another version of the client than the tests' own can be asked. It prints one
JSON document: the client's revision, how many reads succeeded, the paths that never answered, each failure, and the
query parameters of each method.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import klaviyo_api
from openapi_client.exceptions import ApiException, NotFoundException

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import REVISION, Operation, load_contract
from tests.contract.official import arguments
from tests.contract.walk import NOT_SERVED, NOW

NAMES = {"create_campaign_clone": "clone_campaign"}  # of operations that the client names otherwise


@dataclass
class Reader:
    """The official client at work, and what came of it."""

    client: Any
    coupon: str
    reads: int = 0
    answered: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        groups = [name for name in vars(type(self.client)) if name[0].isupper()]
        self.apis = [getattr(self.client, name) for name in groups]

    def method(self, operation: Operation, before: str = "", after: str = "") -> Any:
        """Return the client's method of an operation."""
        name = f"{before}{NAMES.get(operation.id, operation.id)}{after}"
        return next((getattr(api, name) for api in self.apis if hasattr(api, name)), None)

    def read(self, operation: Operation, ids: list[str], **query: Any) -> None:
        """Ask once, and note whether the answer was understood."""
        try:
            self.method(operation)(*ids, **query)
        except NotFoundException:
            self.silent.add(operation.path)  # a relationship may lead nowhere
        except ApiException as problem:
            if problem.status != NOT_SERVED:
                self.failures.append(f"{operation.id}: {problem.status} {problem.body}")
        except Exception as problem:  # noqa: BLE001 - whatever a model of the client cannot read
            self.failures.append(f"{operation.id}: {type(problem).__name__}: {problem}")
        else:
            self.reads += 1
            self.answered.add(operation.path)

    def queries(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """Yield a plain query, and one with all that can be included."""
        needed: dict[str, Any] = {}
        if operation.filter_required:
            coupons = f'equals(coupon.id,"{self.coupon}")'
            campaigns = 'equals(messages.channel,"email")'
            needed = {"filter": campaigns if operation.id == "get_campaigns" else coupons}
        yield needed
        if operation.include:
            yield needed | {"include": list(operation.include)}


def main() -> None:
    """Ask every read operation about a few resources."""
    revision: str = klaviyo_api.KlaviyoAPI._REVISION
    REVISION.set(revision)
    operations = load_contract().operations.values()
    with Sandbox(profiles=200, events=4000, now=NOW) as sandbox:
        client = klaviyo_api.KlaviyoAPI(sandbox.api_key, max_retries=1, test_host=sandbox.direct_url)
        reader = Reader(client, next(iter(sandbox.account.records["coupon"])))
        for operation in operations:
            if reader.method(operation) is None:
                reader.failures.append(f"{operation.id}: the client has no such method")
            elif operation.method == "GET":
                for ids in arguments(sandbox, operation):
                    for query in reader.queries(operation):
                        reader.read(operation, ids, **query)
    parameters = {
        each.id: [name for name in inspect.signature(serialize).parameters if name[0] != "_"]
        for each in operations
        if (serialize := reader.method(each, "_", "_serialize"))
    }
    found = {
        "revision": revision,
        "reads": reader.reads,
        "silent": sorted(reader.silent - reader.answered),
        "failures": reader.failures,
        "parameters": parameters,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
