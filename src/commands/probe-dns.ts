// `turnd probe --dns`: the servers to which the DNS records of a URI lead, as targets. All of them have to work, since clients are sent there.
import { isSecure } from '../client/discovery/srv-candidates.js'
import type { Candidate } from '../client/discovery/walk.js'
import type { ProbeTarget } from '../client/probe/probe-plan.js'
import { formatTurnUri, protocolOf, type TurnUri } from '../client/turn-uri.js'
import { DISCOVERY_SECONDS_DEFAULT, PROBE_TARGET_COUNT_MAX } from '../limits/clients.js'
import { TRANSPORTS } from './resolve-arguments.js'
import { whyNothing } from './resolve-text.js'
import { candidatesOf, walkDns } from './walk-dns.js'

export interface ProbeDns {
  readonly uris: readonly TurnUri[]
  /** ADDRESS:PORT; null: the servers of the system. */
  readonly server: string | null
}

export interface FoundTargets {
  readonly targets: readonly ProbeTarget[]
  /** Of each URI that leads nowhere, a sentence. */
  readonly problems: readonly string[]
}

/** Throws a ClientError `bad-uri`. */
export async function findTargets(
  { server, uris }: ProbeDns,
  family: 4 | 6 | null,
  signal: AbortSignal,
): Promise<FoundTargets> {
  const options = {
    server,
    families: family === null ? ([6, 4] as const) : [family],
    timeoutSeconds: DISCOVERY_SECONDS_DEFAULT,
  }
  const [targets, problems]: [ProbeTarget[], string[]] = [[], []]
  for (const uri of uris) {
    const { result, servers, steps } = await walkDns(options, signal, (walk) => candidatesOf(uri, TRANSPORTS, walk))
    targets.push(...result.map((candidate) => targetOf(uri, candidate)))
    if (result.length === 0) problems.push(whyNothing(uri.host, steps, servers))
  }
  return { targets: targets.slice(0, PROBE_TARGET_COUNT_MAX), problems }
}

function targetOf({ host, scheme }: TurnUri, { address, port, transport }: Candidate): ProbeTarget {
  const isStun = scheme.startsWith('stun')
  const kind = isStun ? 'stun' : 'turn'
  const shown: TurnUri = {
    ...{ scheme: isSecure(transport) ? `${kind}s` : kind, host: address, port },
    transport: isStun ? null : protocolOf(transport),
  }
  return { uri: formatTurnUri(shown), transport, host: address, port, isStun, need: 'required', serverName: host }
}
