// Why a connection was closed before TURN had a request to refuse: stable reason codes with their plain-words meaning. No refusals of
// refusals.ts: no user is behind them, and whoever scans the Internet comes by every port all day.

/** Each reason: what happened, and what the operator can do. */
export const CONNECTION_REFUSALS = {
  'proxy-header': {
    meaning: 'the connection comes from a proxy of --proxy-protocol-from and does not begin with a PROXY header',
    remedy: 'let the proxy send one (HAProxy: send-proxy-v2), or take its address out of --proxy-protocol-from',
  },
  'connection-cap': {
    meaning: 'this address has as many connections without an allocation as it may',
    remedy: 'if it is a proxy before this server, let it tell its clients: --proxy-protocol-from; else it is an attack',
  },
  'connection-displaced': {
    meaning: 'there were too many connections without an allocation, and this one was the oldest',
    remedy:
      'it is an attack from many addresses, or all clients come back at once: --stream-workers on a machine with more cores',
  },
  'open-files': {
    meaning: 'the limit of open files is reached, but for what the server itself needs',
    remedy: 'raise the limit (LimitNOFILE, ulimit -n): a call takes one for its relay, and one more over TCP or TLS',
  },
  'not-stun': {
    meaning: 'what was sent is neither STUN nor anything else that this port takes',
    remedy:
      'point the client at the right port: tcp: takes STUN alone, tls: takes TLS, STUN and HTTP; a PROXY header is taken from --proxy-protocol-from alone',
  },
  'tls-handshake': {
    meaning: 'the TLS or DTLS handshake was not completed',
    remedy:
      'look whether clients trust the certificate and find their name in it, and speak TLS 1.2 or 1.3 (DTLS: 1.2)',
  },
  'connection-timeout': {
    meaning: 'the connection did not get as far as a whole message in time',
    remedy: 'nothing, unless it is a client of yours: then something between it and this server keeps its bytes back',
  },
  'http-host': {
    meaning: 'a page was asked for by a name that is not one of --http-name',
    remedy:
      'mend the link that names it (of a Cisco Meeting Server the guest account client URI: the external name, not the internal one), or give that name as another --http-name',
  },
} as const satisfies Record<string, { meaning: string; remedy: string }>

export type ConnectionRefusal = keyof typeof CONNECTION_REFUSALS

/** By index, for counters. */
export const CONNECTION_REFUSAL_NAMES = Object.keys(CONNECTION_REFUSALS) as readonly ConnectionRefusal[]

/** What was asked for, of a request that is refused for `http-host`. Text of the client, cut. */
export interface Misdirection {
  /** Its Host; '' without one. */
  readonly received: string
  /** The names of --http-name, as a list in a sentence. */
  readonly expected: string
  /** The name in the TLS client hello, where it is another one than Host; else ''. */
  readonly serverName: string
}

/** `Host "cms.internal" instead of cms.example.org`. */
export function misdirectionText({ expected, received, serverName }: Misdirection): string {
  const host = received === '' ? 'no Host' : `Host ${JSON.stringify(received)}`
  const hello = serverName === '' ? '' : ` (over TLS for ${JSON.stringify(serverName)})`
  return `${host}${hello} instead of ${expected}`
}
