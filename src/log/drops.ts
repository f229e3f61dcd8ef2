// What was dropped without an answer, in words: of the core (turn/drop-reasons.ts numbers them) and of the engines. Such drops are counted
// and nothing else, since a flood causes millions of them; `turnd why` shows the counts since the start.

/** Each reason: what happened, and what the operator can do. The keys are stable: the log and `counters()` carry them. */
export const DROP_REASONS = {
  'not-stun': {
    meaning: 'what came is neither a STUN message nor ChannelData',
    remedy: 'nothing, unless a client of yours sends to the wrong port: whoever scans the Internet comes by',
  },
  malformed: {
    meaning: 'a STUN message whose lengths or attributes contradict each other',
    remedy: 'nothing, unless clients get no answer: then capture what they send and report it to their maker',
  },
  'bad-fingerprint': {
    meaning: 'the FINGERPRINT of a message does not match its bytes',
    remedy: 'look for a device on the path that rewrites addresses inside packets (an ALG), and switch that off',
  },
  'unknown-method': {
    meaning: 'a request with a method that this server does not know',
    remedy: 'nothing, unless the client needs it: then it is an extension that is not offered here',
  },
  'unexpected-class': {
    meaning: 'a STUN message that only a server sends, or an indication of a method that has none',
    remedy: 'nothing, unless there are many from one of your clients: then report it to its maker',
  },
  'no-allocation': {
    meaning: 'data of a client that has no allocation on this 5-tuple',
    remedy: 'after a restart this is normal for a while; else look for a NAT that changes the port of clients',
  },
  'no-channel': {
    meaning: 'ChannelData for a channel that is not bound, or has expired',
    remedy: 'the client must bind the channel first, and refresh it within 10 minutes',
  },
  'bad-channel-length': {
    meaning: 'ChannelData that is shorter than its header says',
    remedy: 'the client is faulty, or something on the path cuts packets: capture them',
  },
  'no-permission': {
    meaning: 'data to or from a peer that the client has no permission for, or no longer',
    remedy:
      'the client must ask for the permission first, and again within 5 minutes; from peers, strangers cause it too',
  },
  'peer-forbidden': {
    meaning: 'data to or from an address and port that the peer policy forbids',
    remedy: 'if clients should reach it, open it with --allow-peer ADDRESS[/PREFIX][:PORTS]',
  },
  'no-relay': {
    meaning: 'data for a relay of another address family, or one that is being opened or has ended',
    remedy: 'nothing, unless calls fail: then the client must ask for a relay of the family of its peer',
  },
  'bad-indication': {
    meaning: 'a Send indication without peer or data, or with an attribute that is required and unknown',
    remedy: 'the client is faulty: capture its indications and report them to its maker',
  },
  'nested-client': {
    meaning: 'a request from an address that is itself a relay of this server',
    remedy: 'a client must not reach this server through its own relay; look for a relay loop',
  },
  'duplicate-request': {
    meaning: 'a request that came again while the first was being answered',
    remedy: 'nothing: clients repeat what they have no answer to yet',
  },
  'dont-fragment': {
    meaning: 'a Send indication asked for the DF bit, which this engine cannot set',
    remedy: 'use the native engine, or switch DONT-FRAGMENT off in the client',
  },
  'too-long': {
    meaning: 'data that does not fit into one datagram or frame',
    remedy: 'the sender must send shorter packets',
  },
  'icmp-type': {
    meaning: 'an ICMP error of a kind that clients are not told of (RFC 8656 §11.5)',
    remedy: 'nothing',
  },
  'icmp-limit': {
    meaning: 'an ICMP error of a relay about which its client had been told often enough in that second',
    remedy: 'nothing: a peer is not there and its client goes on sending, or somebody forges ICMP errors',
  },
  'move-limit': {
    meaning:
      'a Refresh with the ticket of an allocation of another thread, which had been handed as many as one may in a second',
    remedy: 'nothing: the client asks again; many of these mean that a user moves clients to and fro for no reason',
  },
  bandwidth: {
    meaning: 'data over the limit of the allocation or of its user',
    remedy: 'raise --max-bps or --user-max-bps if calls of that quality are wanted',
  },
  'reply-limit': {
    meaning: 'the source had as many answers without credentials as --unauthenticated-rate allows',
    remedy: 'if many clients share that address (a large NAT), raise --unauthenticated-rate; else it is a flood',
  },
  'failure-budget': {
    meaning: 'the source had 200 failed logins within 10 seconds; right credentials are still answered',
    remedy: 'correct the password on that client; if none of yours is there, somebody guesses passwords',
  },
  'connection-exists': {
    meaning: 'a peer opened a TCP connection though the allocation has one with it',
    remedy: 'nothing: the peer must use the connection that is there',
  },
  'connection-limit': {
    meaning: 'a peer opened a TCP connection, but the allocation or the worker has as many as allowed',
    remedy: 'the client must bind or close the connections that it has',
  },
  'send-queue': {
    meaning: 'packets found the send queue of the socket full',
    remedy: 'raise net.core.wmem_max to 4 MiB; if that does not help, the network card or the machine is too slow',
  },
  'stalled-client': {
    meaning: 'data for a client over TCP, TLS or DTLS that does not read, or whose network is too slow',
    remedy: 'look at the network of those clients; over UDP late packets would be lost as well',
  },
  'socket-error': {
    meaning: 'packets that the operating system refused to send (no route, too long, forbidden), and errors of sockets',
    remedy: 'look at routes and at the firewall of this machine, above all for the relay addresses',
  },
} as const satisfies Record<string, { meaning: string; remedy: string }>

export type DropReason = keyof typeof DROP_REASONS

/** Of these one source is told now and then: who else should know that an address gets no answers? */
export type UnansweredReason = 'reply-limit' | 'failure-budget'
