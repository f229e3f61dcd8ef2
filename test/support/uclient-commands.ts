// The ways in which coturn's load client reaches a server over TCP, TLS and DTLS, and the arguments that make a turnd serve them all.
// Used by the interop tests.
import type { TestCertificate } from './certificate.js'
import { withoutDtls } from './engines.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from './uclient.js'

export interface StreamCommand {
  /** As the end of "loses nothing". */
  readonly name: string
  /** Which listener it connects to. */
  readonly scheme: 'tcp' | 'tls' | 'dtls'
  /** @param peerPort where an echo peer of 127.0.0.1 listens */
  flagsFor(peerPort: number): string[]
}

const TRANSPORTS = [
  { scheme: 'tcp', name: 'over TCP', flags: ['-t'] },
  { scheme: 'tls', name: 'over TLS', flags: ['-t', '-S'] },
  { scheme: 'dtls', name: 'over DTLS', flags: ['-S'] },
] as const

const toPeer = (peerPort: number) => ['-e', '127.0.0.1', '-r', String(peerPort)]

const WAYS = [
  { name: 'to a peer, channels', flags: (peerPort: number) => toPeer(peerPort) },
  { name: 'to a peer, Send indications', flags: (peerPort: number) => [...toPeer(peerPort), '-s'] },
  { name: 'client to client, channels', flags: () => ['-y', '-c'] },
  { name: 'client to client, Send indications, RTP and RTCP', flags: () => ['-y', '-s'] },
]

export const STREAM_COMMANDS: readonly StreamCommand[] = TRANSPORTS.flatMap(({ scheme, name, flags }) => [
  ...WAYS.map((way) => ({
    name: `${name}, ${way.name}`,
    scheme,
    flagsFor: (peerPort: number) => [...flags, ...way.flags(peerPort)],
  })),
  // RFC 6062 is for clients over TCP and TLS.
  ...(scheme === 'dtls' ? [] : [{ name: `${name}, TCP relays`, scheme, flagsFor: () => [...flags, '-T'] }]),
])

/** Whose runs lose messages or do not end against coturn either: passive TCP relays, and wrong messages on purpose. */
export const ODD_COMMANDS: readonly StreamCommand[] = [
  {
    name: 'over TCP, passive TCP relays',
    scheme: 'tcp',
    flagsFor: (peerPort) => ['-t', '-T', '-P', ...toPeer(peerPort)],
  },
  { name: 'over TCP, TCP relays and wrong messages', scheme: 'tcp', flagsFor: () => ['-t', '-T', '-R'] },
  { name: 'over TCP and wrong messages', scheme: 'tcp', flagsFor: (peerPort) => ['-t', '-R', ...toPeer(peerPort)] },
]

/** Listeners for TCP, TLS and, where it is possible, DTLS on free ports, and what this client needs: its user, its channel numbers, loopback. */
export function streamServerArgs({ certPath, keyPath }: TestCertificate): string[] {
  return [
    ...['--listen', 'tcp:127.0.0.1:0', '--listen', 'tls:127.0.0.1:0'],
    ...(withoutDtls === false ? ['--listen', 'dtls:127.0.0.1:0'] : []),
    ...['--cert', certPath, '--key', keyPath],
    ...['--realm', 'turnuser', '--user', `${UCLIENT_USER}:${UCLIENT_PASSWORD}`],
    ...['--allow-peer', '127.0.0.0/8', '--relay-ip', '127.0.0.1'],
    // Debian's client draws its channel numbers from the range of RFC 5766.
    ...['--channel-range', 'rfc5766'],
  ]
}
