"""`ticker push status|dead|test|vapid`: how pushes stand, straight from the store; a server need not run."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key

from ticker import channel as channels
from ticker.bridges import roster, sealing
from ticker.bridges.notice import name_of, notice
from ticker.bridges.outbox import Outbox
from ticker.bridges.provider import Provider
from ticker.bridges.register import Register
from ticker.bridges.target import Target
from ticker.channel import Channel
from ticker.client import Failed
from ticker.inspection import opened
from ticker.item import Item, Push, iso
from ticker.settings import Settings
from ticker.store import Store
from ticker.stream import Log

ID = "0" * 26
"""Of the item of a rehearsal."""


async def push(settings: Settings, options: Namespace) -> int:
    """Run one of them. Returns the exit status."""
    if options.act == "vapid":
        return vapid()
    known = channels.load(settings.channels)
    if getattr(options, "channel", None) is not None and options.channel not in known:
        raise Failed(f"There is no channel '{options.channel}'; there are: {', '.join(known)}.")
    async with opened(settings) as store:
        if options.act == "status":
            return await _status(store, known, options.item)
        if options.act == "test":
            return await _test(settings, store, known[options.channel])
        return await _dead(store, known, options)


def vapid() -> int:
    """`ticker push vapid`: a new key for Web Push, as the settings take it."""
    key = generate_private_key(sealing.CURVE)
    print(f"TICKER_VAPID_KEY={sealing.told(key.private_numbers().private_value.to_bytes(32))}")
    return 0


async def _status(store: Store, known: dict[str, Channel], item_id: str) -> int:
    for name in known:
        item = await Log(store, name).item(item_id)
        if item is None:
            continue
        print(f"{name}  {item.id}  version {item.version}  {item.state}")
        found = await Outbox(store, name).status(item_id)
        for version, providers in found.items():
            for provider, outcomes in providers.items():
                counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
                print(f"  version {version}  {provider:<8} {counts}")
        if not found:
            print("  nothing was to be pushed within the last 7 days")
        return 0
    raise Failed(f"There is no item '{item_id[:64]}' in {', '.join(known)}.")


async def _dead(store: Store, known: dict[str, Channel], options: Namespace) -> int:
    names = [options.channel] if options.channel else list(known)
    done = 0
    for name in names:
        outbox = Outbox(store, name)
        for letter_id, letter in await outbox.dead():
            if options.letter and letter_id not in options.letter:
                continue
            if options.dead == "list":
                print(_line(name, letter_id, letter))
            elif options.dead == "drop":
                done += await outbox.drop(letter_id)
            elif "entry" in letter:
                print(f"{letter_id} was an entry of the log, and is not a push that can be tried again")
            else:
                done += await outbox.revive(letter_id, letter, await Log(store, name).now())
    if options.dead != "list":
        print(f"{done} {'are tried again' if options.dead == 'retry' else 'are dropped'}")
        if options.letter and not done:
            raise Failed("None of these dead letters is there; 'ticker push dead list' shows them.")
    return 0


def _line(channel: str, letter_id: str, letter: dict[str, Any]) -> str:
    if "entry" in letter:
        which = f"{letter['kind']}: {letter['entries']} from {letter['entry']} on"
        return f"{letter_id}  {channel}  {which}: {letter['reason']}"
    return (
        f"{letter_id}  {channel}  {letter['item']} version {letter['version']}  {letter['provider']}"
        f" {letter['target'][:40]}  try {letter['attempts']}, {iso(letter['at'])}: {letter['reason']}"
    )


async def _test(settings: Settings, store: Store, channel: Channel) -> int:
    """What each provider would be sent for an alert of this channel; Firebase is asked whether it would take it."""
    now = await Log(store, channel.name).now()
    item = Item(
        id=ID,
        version=1,
        channel=channel.name,
        headline="This is a test",
        language=channel.language,
        direction=channel.direction,
        push=Push(),
        expires=now + 3_600_000,
        push_at=now,
    )
    told = notice(item, 1, channel, now, had=False, clear=False)
    register = Register(store, channel.name)
    wrong = 0
    for provider in roster.providers(settings):
        try:
            target = await _some_target(provider, register, item)
            if target is None:
                print(f"{provider.name}: nobody is registered")
                continue
            said = await provider.rehearse(told, target, name_of(item.id, 1, provider.name, target.id))
            print(f"{provider.name}: {said}")
            wrong += said.startswith(("refused", "gone", "later"))
        finally:
            await provider.close()
    return 1 if wrong else 0


async def _some_target(provider: Provider, register: Register, item: Item) -> Target | None:
    """An audience, or the first target that is registered."""
    if audiences := provider.audiences(item):
        return audiences[0]
    for bucket in await register.buckets(provider.name):
        for target in await register.bucket(provider.name, bucket):
            return target
    return None
