"""Two connections of aioice that may use relays only: HOST PORT TRANSPORT USER PASSWORD COUNT. Prints what they saw as JSON."""
import asyncio
import json
import sys

import aioice

SECONDS_MAX = 30
host, port, transport, user, password, count = sys.argv[1:]


def connection(controlling):
    return aioice.Connection(
        ice_controlling=controlling,
        turn_server=(host, int(port)),
        turn_username=user,
        turn_password=password,
        turn_ssl=transport == "tls",
        turn_transport="udp" if transport == "udp" else "tcp",
        transport_policy=aioice.TransportPolicy.RELAY,
    )


async def introduce(one, other):
    other.remote_username, other.remote_password = one.local_username, one.local_password
    for candidate in one.local_candidates:
        await other.add_remote_candidate(candidate)
    await other.add_remote_candidate(None)


async def call():
    caller, callee = connection(True), connection(False)
    await asyncio.gather(caller.gather_candidates(), callee.gather_candidates())
    await introduce(caller, callee)
    await introduce(callee, caller)
    await asyncio.gather(caller.connect(), callee.connect())
    sent = received = 0
    for number in range(int(count)):
        message = b"%d:" % number + b"x" * (number * 5)
        for one, other in ((caller, callee), (callee, caller)):
            await one.send(message)
            sent += 1
            received += await other.recv() == message
    types = {"local": caller.local_candidates[0].type, "remote": callee.local_candidates[0].type}
    await asyncio.gather(caller.close(), callee.close())
    print(json.dumps({"sent": sent, "received": received, **types}))


asyncio.run(asyncio.wait_for(call(), SECONDS_MAX))
