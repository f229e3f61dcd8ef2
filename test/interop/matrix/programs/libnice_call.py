"""Two agents of libnice that may use relays only: HOST PORT TRANSPORT USER PASSWORD COUNT. Prints what they saw as JSON."""
import ctypes
import json
import sys

import gi

gi.require_version("Nice", "0.1")
from gi.repository import GLib, Nice  # noqa: E402

SECONDS_MAX = 30
host, port, transport, user, password, count = sys.argv[1:]

# Introspection has no way to be told of data: the C function takes a callback all the same.
RECEIVE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p
)
library = ctypes.CDLL("libnice.so.10")
library.nice_agent_attach_recv.argtypes = [
    ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, RECEIVE, ctypes.c_void_p
]
loop = GLib.MainLoop()


class Side:
    def __init__(self, controlling):
        agent = Nice.Agent.new_full(GLib.MainContext.default(), Nice.Compatibility.RFC5245, Nice.AgentOption(0))
        for name, value in {"controlling-mode": controlling, "force-relay": True, "upnp": False, "ice-tcp": False}.items():
            agent.set_property(name, value)
        address = Nice.Address()
        address.init()
        address.set_from_string(host)
        agent.add_local_address(address)
        self.agent, self.other, self.types = agent, None, None
        self.is_gathered = self.is_ready = self.is_closed = False
        self.stream = agent.add_stream(1)
        agent.set_stream_name(self.stream, "application")
        agent.set_relay_info(self.stream, 1, host, int(port), user, password, getattr(Nice.RelayType, transport.upper()))
        agent.connect("candidate-gathering-done", self.gathered)
        agent.connect("new-selected-pair-full", self.selected)
        agent.connect("component-state-changed", self.changed)
        self.callback = RECEIVE(self.receive)
        library.nice_agent_attach_recv(hash(agent), self.stream, 1, None, self.callback, None)

    def gathered(self, *_):
        self.is_gathered = True
        if self.other.is_gathered:
            for one, other in ((self, self.other), (self.other, self)):
                other.agent.parse_remote_sdp(one.agent.generate_local_sdp())

    def selected(self, _agent, _stream, _component, local, remote):
        self.types = {"local": type_of(local), "remote": type_of(remote)}

    def changed(self, _agent, _stream, _component, state):
        # NICE_COMPONENT_STATE_READY
        if state != 4 or self.is_ready:
            return
        self.is_ready = True
        if self.other.is_ready:
            GLib.idle_add(begin)

    def receive(self, _agent, _stream, _component, length, data, _user):
        received(self, ctypes.string_at(data, length).decode())

    def send(self, message):
        totals["sent"] += 1
        self.agent.send(self.stream, 1, len(message), message)

    def close(self):
        self.agent.close_async(self.closed)

    def closed(self, *_):
        self.is_closed = True
        if self.other.is_closed:
            loop.quit()


def type_of(candidate):
    return "relay" if candidate.type == Nice.CandidateType.RELAYED else candidate.type.value_nick


def message_of(number):
    return f"{number}:" + "x" * (number * 5)


totals = {"sent": 0, "received": 0}
number = 0
caller, callee = Side(True), Side(False)
caller.other, callee.other = callee, caller


def begin():
    caller.send(message_of(0))
    return False


def received(side, message):
    """The callee sends back what it gets, the caller sends the next one then."""
    global number
    totals["received"] += message == message_of(number)
    if side is callee:
        callee.send(message)
        return
    number += 1
    if number < int(count):
        caller.send(message_of(number))
    else:
        GLib.idle_add(lambda: [caller.close(), callee.close()] and False)


def give_up():
    sys.stderr.write(f"not over after {SECONDS_MAX} s: {totals}, caller {caller.types}, callee {callee.types}\n")
    sys.exit(1)


GLib.timeout_add_seconds(SECONDS_MAX, give_up)
for one in (caller, callee):
    one.agent.gather_candidates(one.stream)
loop.run()
print(json.dumps({**totals, **caller.types}))
