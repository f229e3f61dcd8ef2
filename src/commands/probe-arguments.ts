// The arguments of `turnd probe`: what they mean, and one sentence for each thing that can be wrong with them.
import { ClientError } from '../client/client-error.js'
import { type ProbeTarget, planOf } from '../client/probe/probe-plan.js'
import { parseTurnUri } from '../client/turn-uri.js'
import { quoted } from '../config/printable.js'
import {
  PROBE_ANSWER_SECONDS_DEFAULT,
  PROBE_ANSWER_SECONDS_MAX,
  PROBE_BITS_PER_SECOND_DEFAULT,
  PROBE_BITS_PER_SECOND_MAX,
  PROBE_PAYLOAD_LENGTH_DEFAULT,
  PROBE_PAYLOAD_LENGTH_MAX,
  PROBE_PAYLOAD_LENGTH_MIN,
  PROBE_ROUND_TRIP_COUNT_DEFAULT,
  PROBE_ROUND_TRIP_COUNT_MAX,
  PROBE_SECONDS_DEFAULT,
  PROBE_SECONDS_MAX,
  PROBE_TARGET_COUNT_MAX,
} from '../limits/clients.js'
import { hostAddress } from '../stun/address.js'
import { type ClientIdentityWords, IDENTITY_OPTIONS, readIdentity } from './client-identity.js'
import { CommandError, readWords } from './command-words.js'
import type { ProbeDns } from './probe-dns.js'
import { parseServer } from './resolve-arguments.js'

export const PROBE_HELP = `Usage: turnd probe URI|HOST ... [options]

Asks a TURN server, any one, for relays as its clients do, sends packets through
them, and shows what came back: round trips, loss, jitter, throughput.

  turn:HOST[:PORT]    UDP has to work, and TCP unless the server refuses the
                      connection; port 3478
  turns:HOST[:PORT]   TLS has to work, and DTLS if it answers; port 5349
  turn:HOST?transport=udp, turns:HOST?transport=tcp, ...
                      this transport alone, which has to work; of turns:, udp is
                      DTLS and tcp is TLS
  stun:HOST[:PORT]    a Binding over UDP, and nothing else; stuns: over TLS
  HOST[:PORT]         all of turn:HOST; and TLS and DTLS on port 5349 and TLS on
                      port 443, if TURN answers there. With a PORT, all four on
                      that one: TLS has to work on 443 and 5349, UDP on others,
                      and what else answers

  --user NAME:PASSWORD, --user NAME
                      the credentials; without a password it is asked for on a
                      terminal, or read from the first line of standard input.
                      The name ends at the first colon, that of TURN REST
                      credentials (TIME:NAME:PASSWORD) at the second
  --password-file FILE  the password, in the first line of a file
  --auth-secret-file FILE
                      makes TURN REST credentials with the first secret of a
                      file, for the name of --user, or turnd-probe
  --as, --as-password-file, --as-secret-file
                      these three by their names in turnd doctor
  --ca FILE           trusts the authorities in this PEM file, in place of those
                      that Node knows
  --insecure          a certificate may be wrong: what is wrong is shown
  --dns               of a URI: probes the servers that its DNS records lead to,
                      in the order of turnd resolve; all of them have to work
  --dns-server ADDRESS[:PORT]
                      the same, asking this DNS server
  -4, -6              takes an address of the server of this kind, and a relay
                      of it where there is one; without them, the system chooses
  --count N           packets whose round trip is measured; default ${PROBE_ROUND_TRIP_COUNT_DEFAULT}, at
                      most ${PROBE_ROUND_TRIP_COUNT_MAX}
  --size BYTES        of a packet's payload; default ${PROBE_PAYLOAD_LENGTH_DEFAULT}, from ${PROBE_PAYLOAD_LENGTH_MIN} to ${PROBE_PAYLOAD_LENGTH_MAX}
  --rate BITS         a second, for throughput: 500k, 2M; default ${PROBE_BITS_PER_SECOND_DEFAULT / 1e6}M, at most
                      ${PROBE_BITS_PER_SECOND_MAX / 1e6}M; 0 leaves it out
  --seconds S         for which throughput is measured; default ${PROBE_SECONDS_DEFAULT}, at most ${PROBE_SECONDS_MAX}
  --timeout S         for each connection and answer; default ${PROBE_ANSWER_SECONDS_DEFAULT}, at most ${PROBE_ANSWER_SECONDS_MAX}
  --json              one JSON object, for scripts
  -h, --help          this text

A round trip is the time from this machine to the server, through the relay, and
back to it: between two allocations (relay-to-relay), or where the server does
not do that, between an allocation and a UDP socket of this machine
(relay-to-socket, socket-to-relay). The column "peer" is about that socket in
any case: which ways packets get between it and the relay, or the error with
which the server forbids it. Two relays of one server meet inside of it, and see
no firewall in front of it. Jitter is the mean difference between one packet's
round trip and the next one's. What has not arrived a second after the last
packet was sent counts as loss; over TCP and TLS it is late rather than lost.
Data goes only to a server that has granted an allocation for it, ${PROBE_BITS_PER_SECOND_MAX / 1e6} Mbit/s at
most, and allocations are given back at the end.

Exit code: 0 everything that has to work does; 1 something does not; 2 bad
arguments, or a file that cannot be read.
`

/** Without a password, a file of one or a secret, it is asked for. */
export interface ProbeArguments extends ClientIdentityWords {
  /** None with `dns`. */
  readonly targets: readonly ProbeTarget[]
  /** Where the targets are in the DNS; null: they are what was given. */
  readonly dns: ProbeDns | null
  readonly caFile: string | null
  readonly isInsecure: boolean
  readonly family: 4 | 6 | null
  readonly roundTripCount: number
  readonly payloadLength: number
  readonly bitsPerSecond: number
  readonly seconds: number
  readonly answerMilliseconds: number
  readonly isJson: boolean
}

const OPTIONS = {
  ...IDENTITY_OPTIONS,
  user: { type: 'string' },
  'auth-secret-file': { type: 'string' },
  ca: { type: 'string' },
  insecure: { type: 'boolean' },
  dns: { type: 'boolean' },
  'dns-server': { type: 'string' },
  ipv4: { type: 'boolean', short: '4' },
  ipv6: { type: 'boolean', short: '6' },
  count: { type: 'string' },
  size: { type: 'string' },
  rate: { type: 'string' },
  seconds: { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
/** Of packets and bytes there are no halves. */
const COUNTS = ['count', 'size']
const MULTIPLIERS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6 }

/** Reads what follows `turnd probe`; null for --help. Throws a CommandError, which never has a password in it. */
export function parseProbeArguments(argv: readonly string[]): ProbeArguments | null {
  const { values: allValues, words } = readWords(argv, OPTIONS)
  if (allValues.has('help')) return null
  const value = (name: string) => allValues.get(name)?.[0] ?? null
  const has = (name: string) => allValues.has(name)
  if (has('ipv4') && has('ipv6')) throw new CommandError('-4 and -6 exclude each other: give neither, or run it twice')
  if (has('ca') && has('insecure')) throw new CommandError('--ca and --insecure exclude each other')
  const family = has('ipv4') ? 4 : has('ipv6') ? 6 : null
  const dns = has('dns') || has('dns-server') ? dnsOf(words, value('dns-server')) : null
  const targets = dns === null ? targetsOf(words) : []
  checkFamily(targets, family)
  const number = (name: string, fallback: number, minimum: number, maximum: number) =>
    parseNumber(name, value(name), fallback, minimum, maximum)
  const timeout = number('timeout', PROBE_ANSWER_SECONDS_DEFAULT, 0.1, PROBE_ANSWER_SECONDS_MAX)
  return {
    targets,
    dns,
    ...readIdentity(value),
    caFile: value('ca'),
    isInsecure: has('insecure'),
    family,
    roundTripCount: number('count', PROBE_ROUND_TRIP_COUNT_DEFAULT, 1, PROBE_ROUND_TRIP_COUNT_MAX),
    payloadLength: number('size', PROBE_PAYLOAD_LENGTH_DEFAULT, PROBE_PAYLOAD_LENGTH_MIN, PROBE_PAYLOAD_LENGTH_MAX),
    bitsPerSecond: number('rate', PROBE_BITS_PER_SECOND_DEFAULT, 0, PROBE_BITS_PER_SECOND_MAX),
    seconds: number('seconds', PROBE_SECONDS_DEFAULT, 0.1, PROBE_SECONDS_MAX),
    answerMilliseconds: timeout * 1000,
    isJson: has('json'),
  }
}

function dnsOf(words: readonly string[], server: string | null): ProbeDns {
  if (words.length === 0) throw new CommandError('a URI is missing: turnd probe --dns turn:DOMAIN')
  try {
    return { uris: words.map(parseTurnUri), server: parseServer('--dns-server', server) }
  } catch (error) {
    throw error instanceof ClientError ? new CommandError(error.message) : error
  }
}

function targetsOf(words: readonly string[]): ProbeTarget[] {
  if (words.length === 0) throw new CommandError('a server is missing: turnd probe turn:HOST (see turnd probe --help)')
  try {
    const targets = words.flatMap(planOf)
    if (targets.length <= PROBE_TARGET_COUNT_MAX) return targets
    throw new CommandError(`that makes ${targets.length} transports: at most ${PROBE_TARGET_COUNT_MAX} at once`)
  } catch (error) {
    throw error instanceof ClientError ? new CommandError(error.message) : error
  }
}

/** An address has no other kind: no DNS helps. */
function checkFamily(targets: readonly ProbeTarget[], wanted: 4 | 6 | null): void {
  if (wanted === null) return
  for (const { host } of targets) {
    const family: number = hostAddress(host)?.family ?? wanted
    if (family === wanted) continue
    throw new CommandError(`-${wanted} does not go with ${host}, an IPv${family} address: leave it out`)
  }
}

function parseNumber(name: string, text: string | null, fallback: number, minimum: number, maximum: number): number {
  if (text === null) return fallback
  const [, digits = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,6})?)([kKmM]?)$/.exec(text) ?? []
  const value = digits === '' ? Number.NaN : Number(digits) * (MULTIPLIERS[unit.toLowerCase()] ?? 1)
  const isWhole = COUNTS.includes(name)
  const isFit = (unit === '' || name === 'rate') && (!isWhole || Number.isInteger(value))
  if (value >= minimum && value <= maximum && isFit) return value
  throw new CommandError(
    `--${name} ${quoted(text)} is not a ${isWhole ? 'whole ' : ''}number from ${minimum} to ${maximum}`,
  )
}
