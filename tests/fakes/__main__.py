"""`python -m tests.fakes`: the four fake providers on loopback, and what each phone shows; Ctrl+C ends them."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from ticker.bridges.signing import fresh

from tests.bridges.stage import VAPID_KEY, vapid
from tests.fakes.apns import KEY_ID, TEAM, TOPIC, FakeApns
from tests.fakes.fcm import FakeFcm
from tests.fakes.phone import Mailbox
from tests.fakes.webhook import FakeWebhook
from tests.fakes.webpush import FakeWebPush


async def main(browsers: int) -> None:
    """Serve until told to stop; once a second, tell what is new on a phone."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    secret = fresh()
    fcm, apns, webpush, webhook = FakeFcm(), FakeApns(), FakeWebPush(vapid().public), FakeWebhook(secret)
    async with AsyncExitStack() as stack:
        for fake in (fcm, apns, webpush, webhook):
            await stack.enter_async_context(fake.running())
        files = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ticker-fakes-")))
        (files / "fcm.json").write_text(json.dumps(fcm.credentials))
        (files / "apns.p8").write_text(apns.pem)
        token, iphone = apns.phone()
        phones: dict[str, Mailbox] = {
            "android, breaking.en": fcm.phone("", "breaking.en"),
            "iphone": iphone,
            "webhook": webhook.mailbox,
        }
        subscribed = [webpush.browser() for _ in range(browsers)]
        phones |= {f"browser {number}": browser for number, browser in enumerate(subscribed)}
        print(
            f"TICKER_FCM_CREDENTIALS_FILE={files / 'fcm.json'} TICKER_FCM_URL={fcm.url} \\\n"
            f"TICKER_APNS_KEY_FILE={files / 'apns.p8'} TICKER_APNS_KEY_ID={KEY_ID} TICKER_APNS_TEAM={TEAM} "
            f"TICKER_APNS_TOPIC={TOPIC} TICKER_APNS_URL={apns.url} \\\n"
            f"TICKER_VAPID_KEY={VAPID_KEY} TICKER_VAPID_SUBJECT=mailto:ops@news.example \\\n"
            "TICKER_WEBHOOKS=1 TICKER_PUSH_TRUSTED=127.0.0.0/8 ticker serve\n\n"
            "To register them (POST /v1/channels/en/targets, and /subscriptions):"
        )
        print(json.dumps({"provider": "apns", "address": token}))
        print(json.dumps({"provider": "webhook", "address": f"{webhook.url}/hook", "secrets": [secret]}))
        for browser in subscribed:
            print(json.dumps(browser.subscription()))
        print(flush=True)
        before: dict[str, str] = {}
        while not stopped.is_set():
            for name, mailbox in phones.items():
                shown = "; ".join(
                    f"[{found.action} {found.version}] {found.body}" for found in mailbox.phone.shown.values()
                )
                if shown != before.get(name, ""):
                    before[name] = shown
                    print(f"{name}: {shown or '(nothing)'}", flush=True)
            for fake in (fcm, apns, webpush, webhook):
                for sentence in fake.complaints.told:
                    print(f"{type(fake).__name__} complains: {sentence}", flush=True)
                fake.complaints.told.clear()
            try:
                await asyncio.wait_for(stopped.wait(), 1)
            except TimeoutError:
                continue


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browsers", type=int, default=1, help="browsers that are ready to be subscribed")
    asyncio.run(main(parser.parse_args().browsers))
