// A walk through the DNS that a command makes: within its time, and ended by Ctrl-C. Used by `turnd resolve`, and by `turnd probe --dns`.
import { DnsServers } from '../client/discovery/dns-source.js'
import { resolveStun } from '../client/discovery/stun-resolution.js'
import { resolveTurn } from '../client/discovery/turn-resolution.js'
import { type Candidate, distinct, Walk, type WalkStep } from '../client/discovery/walk.js'
import type { TransportKind, TurnUri } from '../client/turn-uri.js'

export interface DnsWalkOptions {
  /** ADDRESS:PORT; null: the servers of the system. */
  readonly server: string | null
  readonly families: readonly (4 | 6)[]
  readonly timeoutSeconds: number
}

export interface DnsWalk<Result> {
  readonly result: Result
  readonly steps: readonly WalkStep[]
  /** Which were to be asked. */
  readonly servers: readonly string[]
}

export async function walkDns<Result>(
  { families, server, timeoutSeconds }: DnsWalkOptions,
  signal: AbortSignal,
  run: (walk: Walk) => Promise<Result>,
): Promise<DnsWalk<Result>> {
  const dns = new DnsServers(server)
  const close = () => dns.close()
  const timer = setTimeout(close, timeoutSeconds * 1000)
  signal.addEventListener('abort', close, { once: true })
  const walk = new Walk(dns, { families, random: Math.random })
  try {
    return { result: await run(walk), steps: walk.steps, servers: dns.servers }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', close)
  }
}

/** What a client would try, in its order. Throws a ClientError `bad-uri`. */
export async function candidatesOf(
  uri: TurnUri,
  transports: readonly TransportKind[],
  walk: Walk,
): Promise<Candidate[]> {
  const resolveUri = uri.scheme.startsWith('stun') ? resolveStun : resolveTurn
  return distinct(await resolveUri(uri, transports, walk))
}
