"""uWebSockets through socketify: every reader subscribes to one topic, a post publishes to it."""

import sys
from typing import Any

from socketify import App, AppListenOptions, OpCode  # type: ignore[import-not-found]

TOPIC = "t"


def main(port: int) -> None:
    app = App()

    def post(response: Any, request: Any) -> None:
        parts: list[bytes] = []

        def take(response: Any, chunk: bytes | None, last: bool) -> None:
            if chunk is not None:
                parts.append(bytes(chunk))
            if last:
                response.end("")
                app.publish(TOPIC, b"".join(parts), OpCode.TEXT)

        response.on_data(take)

    app.ws(
        "/*",
        {
            "compression": 0,
            "max_payload_length": 1 << 16,
            "idle_timeout": 0,
            "max_backpressure": 1 << 30,
            "open": lambda socket: socket.subscribe(TOPIC),
        },
    )
    app.post("/", post)
    app.listen(AppListenOptions(port=port, host="127.0.0.1"), lambda _: None)
    # app.run() polls libuv from asyncio and burns its core for some time after each post. Nothing here needs asyncio.
    app.loop.uv_loop.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
