// What a word on the command line of `turnd probe` means: which transports are tried, and which of them have to work.
import {
  DEFAULT_PORTS,
  formatTurnUri,
  parseHostWord,
  parseTurnUri,
  portOf,
  type TransportKind,
  type TurnUri,
  transportOf,
} from '../turn-uri.js'

/**
 * `required`: a failure is one. `unless-refused`: a server that refuses the connection does not offer it; silence is a failure, since a firewall
 * is silent. `if-answered`: most servers do not have it, so that only what goes wrong after an answer counts.
 */
export type Need = 'required' | 'unless-refused' | 'if-answered'

export interface ProbeTarget {
  readonly uri: string
  readonly transport: TransportKind
  readonly host: string
  readonly port: number
  /** Binding alone: a `stun:` URI. */
  readonly isStun: boolean
  readonly need: Need
  /** Whom its certificate has to be of; the host if absent. */
  readonly serverName?: string
}

const HTTPS_PORT = 443

/** The targets of `turn:HOST`, `stun:HOST`, …, or of a bare `HOST[:PORT]`. Throws a ClientError `bad-uri`. */
export function planOf(word: string): ProbeTarget[] {
  const place = parseHostWord(word)
  if (place !== null) return planOfHost(place)
  const uri = parseTurnUri(word)
  const isStun = uri.scheme.startsWith('stun')
  if (isStun || uri.transport !== null) return [targetOf(uri, uri.transport, 'required')]
  if (uri.scheme === 'turn') return [targetOf(uri, 'udp', 'required'), targetOf(uri, 'tcp', 'unless-refused')]
  return [targetOf(uri, 'tcp', 'required'), targetOf(uri, 'udp', 'if-answered')]
}

function planOfHost({ host, port }: { host: string; port: number | null }): ProbeTarget[] {
  const clear: TurnUri = { scheme: 'turn', host, port, transport: null }
  const secure: TurnUri = { scheme: 'turns', host, port, transport: null }
  if (port === HTTPS_PORT || port === DEFAULT_PORTS.turns) {
    const others = [targetOf(secure, 'udp', 'if-answered'), targetOf(clear, 'udp', 'if-answered')]
    return [targetOf(secure, 'tcp', 'required'), ...others, targetOf(clear, 'tcp', 'if-answered')]
  }
  return [
    targetOf(clear, 'udp', 'required'),
    targetOf(clear, 'tcp', 'unless-refused'),
    targetOf(secure, 'tcp', 'if-answered'),
    targetOf(secure, 'udp', 'if-answered'),
    ...(port === null ? [targetOf({ ...secure, port: HTTPS_PORT }, 'tcp', 'if-answered')] : []),
  ]
}

function targetOf(uri: TurnUri, transport: 'udp' | 'tcp' | null, need: Need): ProbeTarget {
  const whole = { ...uri, transport }
  const port = portOf(whole)
  return {
    uri: formatTurnUri({ ...whole, port: port === DEFAULT_PORTS[uri.scheme] ? null : port }),
    transport: transportOf(whole),
    host: uri.host,
    port,
    isStun: uri.scheme.startsWith('stun'),
    need,
  }
}
