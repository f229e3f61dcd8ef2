// Why the server said no: stable reason codes with their plain-words meaning, and a bounded ring of the latest refusals.
// The log, the counters, and every page or command that explains a failed call read from here.
import { REFUSAL_RING_COUNT, REFUSAL_TEXT_LENGTH_MAX } from '../limits/reports.js'
import { MOBILITY_REFUSALS } from './mobility-refusals.js'

/** Each reason: what happened, and what the operator can do. The keys are stable: logs and metrics carry them. */
export const REFUSAL_REASONS = {
  'unknown-user': {
    meaning: 'no configured user has this name',
    remedy: 'compare the user name on the client with `turnd user list`, --user and --users-file',
  },
  'disabled-user': {
    meaning: 'the user exists, but is disabled in the users file',
    remedy: 'if the user may log in again: `turnd user enable NAME`, or the users of the status page',
  },
  'bad-password': {
    meaning: 'the user exists, but the message integrity does not match its password',
    remedy: 'set the same password on the client and on the server',
  },
  'refused-by-store': {
    meaning: 'the user store knows the name, and refuses it',
    remedy: 'mend what its words in the line say, or ask whoever runs the store (--redis, --auth-webhook) why',
  },
  'store-unavailable': {
    meaning: 'the user store fails, and nothing that is known here lets this user in',
    remedy:
      'look at the log line user-store-down (of Redis redis-problem), and run `turnd doctor` here: it says what is wrong with the store',
  },
  'store-busy': {
    meaning: 'as many requests as may wait for the user store already',
    remedy:
      'clients try again by themselves; many of these mean that the store is too slow, or that somebody guesses names',
  },
  'wrong-realm': {
    meaning: 'the client used another realm than the one it was given',
    remedy: 'let the client take the realm from the 401 answer, or set --realm to the one it insists on',
  },
  'expired-credential': {
    meaning: 'the time in the TURN REST user name has passed',
    remedy: 'issue credentials with a longer lifetime, and compare the clocks of both machines',
  },
  'too-long-lived': {
    meaning: 'the time in the TURN REST user name lies further ahead than --auth-secret-lifetime-max allows',
    remedy:
      'let the service issue credentials of a shorter lifetime, with the time in seconds (milliseconds look like this), or raise ' +
      '--auth-secret-lifetime-max',
  },
  'unknown-oauth-key': {
    meaning: 'the user name of a request with an access token is no key id of --oauth-keys',
    remedy: 'add the key of the authorization server to that file, or let the server use one that is there',
  },
  'bad-token': {
    meaning:
      'the access token does not open with the key that the user name says, or the request is not made with the key in it',
    remedy:
      'compare key, algorithm and server name (--oauth-server-name) with those of the authorization server: `turnd credentials --access-token` ' +
      'makes a token that is right',
  },
  'expired-token': {
    meaning: 'the access token does not hold now',
    remedy:
      'clients get a new token from the authorization server; if all are refused, compare the clocks of both machines, and how long tokens live',
  },
  'expired-oauth-key': {
    meaning: 'the key of --oauth-keys that the access token is made with does not hold now',
    remedy: 'let the authorization server use a key of today, or mend the times of this one in the file',
  },
  'stale-nonce': {
    meaning: 'the nonce is too old, or was made for another address',
    remedy: 'nothing: clients retry with the new nonce; many of these from one client mean a NAT that changes ports',
  },
  'missing-attribute': {
    meaning: 'a required attribute is missing',
    remedy: 'the client is faulty: capture its request and report it to its maker',
  },
  'malformed-attribute': {
    meaning: 'an attribute has the wrong length or content',
    remedy: 'the client is faulty: capture its request and report it to its maker',
  },
  'bid-down': {
    meaning: 'the password algorithms in the request are not the ones that were offered',
    remedy: 'somebody on the path, or a faulty client, tried to weaken the authentication',
  },
  'unknown-attribute': {
    meaning: 'the request needs an extension that this server or engine does not offer',
    remedy: 'switch the extension on, if there is an option for it, or off in the client',
  },
  'bad-request': {
    meaning: 'attributes in the request contradict each other',
    remedy: 'the client is faulty: capture its request and report it to its maker',
  },
  'allocation-exists': {
    meaning: 'the client asked for an allocation on a 5-tuple that has one',
    remedy: 'nothing: the client must use another port; many of these mean a NAT that reuses ports quickly',
  },
  'no-allocation': {
    meaning: 'there is no allocation on this 5-tuple (it expired, was deleted, or a NAT changed the port)',
    remedy: 'the client must allocate again; after a restart of the server this is normal',
  },
  'wrong-credentials': {
    meaning: 'the allocation belongs to another user',
    remedy: 'one client must keep one user name for the whole life of an allocation',
  },
  'unsupported-transport': {
    meaning:
      'the requested transport protocol is neither UDP nor TCP, or TCP for a client over UDP or DTLS or with --no-tcp-relay',
    remedy: 'ask for UDP relays, or for TCP relays over TCP or TLS',
  },
  'unsupported-address-family': {
    meaning: 'there is no relay address of the requested family',
    remedy: 'add one with --relay-ip',
  },
  'peer-family-mismatch': {
    meaning: 'the allocation has no relay of the family of the peer or of the request',
    remedy: 'the client must ask for a relay of that family, or for both',
  },
  'reservation-invalid': {
    meaning: 'the reservation token is unknown, expired, used, or of another user',
    remedy: 'the client must claim it within 30 seconds, with the same user name',
  },
  'user-quota': {
    meaning: 'the user has as many allocations as --user-quota allows',
    remedy: 'raise --user-quota, or look for clients that never delete their allocations',
  },
  licence: {
    meaning: 'all relays of the licence are in use',
    remedy: 'raise --max-allocations, or add a server',
  },
  'no-relay-port': {
    meaning: 'no relay port is free in the range',
    remedy: 'widen --min-port and --max-port, and open the same range in the firewall',
  },
  'relay-failed': {
    meaning: 'the operating system refused to open the relay port',
    remedy: 'look at the limit of open files (LimitNOFILE, ulimit -n) and at who else uses ports of the relay range',
  },
  draining: {
    meaning: 'the server is stopping and takes no new allocations',
    remedy: 'wait for the restart, or send clients to another server',
  },
  'redirected-draining': {
    meaning: 'the client was sent to another server of --alternate, since this one is stopping',
    remedy: 'nothing: if its calls fail, look at that server, and whether the client follows a 300',
  },
  'redirected-full': {
    meaning: 'the client was sent to another server of --alternate, since this one has no room',
    remedy: 'raise --max-allocations or widen the relay ports, if this server can take more',
  },
  'redirected-load': {
    meaning: 'the client was sent to another server of --alternate, as --alternate-above says',
    remedy: 'nothing: if its calls fail, look at that server, and whether the client follows a 300',
  },
  'peer-policy': {
    meaning: 'the peer address is forbidden',
    remedy: 'if the peer is one that clients should reach, open it with --allow-peer ADDRESS[/PREFIX]',
  },
  'permission-limit': {
    meaning: 'the allocation has as many permissions as allowed',
    remedy: 'raise --permissions-max if a client really needs more peers',
  },
  'channel-limit': {
    meaning: 'the allocation has as many channels as allowed',
    remedy: 'raise --channels-max if a client really needs more',
  },
  'channel-number': {
    meaning: 'the channel number is outside the range',
    remedy: 'for clients of RFC 5766 that use numbers above 0x4FFF start with --channel-range rfc5766',
  },
  'channel-conflict': {
    meaning: 'the channel is bound to another peer, or the peer to another channel',
    remedy: 'the client is faulty: capture its requests and report it to its maker',
  },
  'relay-transport': {
    meaning:
      'the request does not go with the transport of the relay: Connect needs a TCP relay, a channel a UDP relay',
    remedy: 'the client is faulty: capture its requests and report it to its maker',
  },
  'data-connection': {
    meaning: 'a ConnectionBind came over UDP or DTLS, or on a connection that has an allocation',
    remedy: 'the client must open a TCP or TLS connection of its own for each peer connection',
  },
  ...MOBILITY_REFUSALS,
  'connection-unknown': {
    meaning: 'the connection id is unknown, expired, used, or of another user',
    remedy: 'the client must bind a peer connection within 30 seconds, with the user name of its allocation',
  },
  'connection-exists': {
    meaning: 'the allocation has a connection to this peer, or one that is being made',
    remedy: 'the client must use the connection that it has, or close it first',
  },
  'connection-failed': {
    meaning: 'the peer refused the TCP connection, or did not answer within 30 seconds',
    remedy: 'look whether the peer listens there, and whether a firewall stands between it and the relay address',
  },
  'connection-limit': {
    meaning: 'the allocation has as many peer connections as allowed, or the worker has',
    remedy: 'the client must close connections, or make another allocation',
  },
  'response-port': {
    meaning: 'a Binding request wants its answer at a port below 1024 (RESPONSE-PORT of --nat-discovery)',
    remedy: 'nothing: services of other machines have those ports, and no test of a NAT needs them',
  },
  'nested-client': {
    meaning: 'the client is itself a relay of this server',
    remedy: 'a client must not reach this server through its own relay; look for a relay loop',
  },
} as const satisfies Record<string, { meaning: string; remedy: string }>

export type RefusalReason = keyof typeof REFUSAL_REASONS

/** By index, for counters. */
export const REFUSAL_REASON_NAMES = Object.keys(REFUSAL_REASONS) as readonly RefusalReason[]

/**
 * Anybody causes these without the name of a user. (A TURN REST name may be made up, but for its reason it counts as a user's. The name of a
 * disabled user cannot: it is in the users file, so `disabled-user` is no reason of strangers, as little as `bad-password`.)
 */
const REASONS_OF_STRANGERS: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'unknown-user',
  'store-unavailable',
  'store-busy',
  'wrong-realm',
  'unknown-oauth-key',
  'bad-token',
  'stale-nonce',
  'missing-attribute',
  'malformed-attribute',
  'bid-down',
  'nested-client',
  'response-port',
  // A browser's, before it says who it is.
  'redirected-draining',
  'redirected-full',
  'redirected-load',
])

/** Does it say nothing of a configured user? Floods of such leave room for reports of the others. */
export function isOfStrangers(reason: RefusalReason): boolean {
  return REASONS_OF_STRANGERS.has(reason)
}

/** Sent to another server: its `peer` is that server. */
export function isRedirection(reason: string): boolean {
  return reason.startsWith('redirected-')
}

/** One refusal. `code` is the STUN error code, 0 if the request went unanswered; `peer` is '' where none was involved. */
export interface Refusal {
  timeMs: number
  reason: RefusalReason
  code: number
  method: string
  user: string
  source: string
  peer: string
  /** Of expired-token and expired-oauth-key: seconds since it expired; below 0: until it begins. */
  overdueSeconds?: number
}

/** The latest refusals, oldest overwritten. */
export class RefusalRing {
  readonly #entries: Refusal[] = []
  readonly #capacity: number
  #next = 0

  constructor(capacity = REFUSAL_RING_COUNT) {
    this.#capacity = capacity
  }

  record(refusal: Refusal): void {
    const entry = {
      ...refusal,
      user: refusal.user.slice(0, REFUSAL_TEXT_LENGTH_MAX),
    }
    this.#entries[this.#next] = entry
    this.#next = (this.#next + 1) % this.#capacity
  }

  /** Newest first. */
  recent(countMax = this.#capacity): Refusal[] {
    const list: Refusal[] = []
    for (let back = 1; back <= Math.min(this.#entries.length, countMax); back++) {
      list.push(this.#entries[(this.#next - back + this.#capacity) % this.#capacity])
    }
    return list
  }
}
