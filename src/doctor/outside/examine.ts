// Servers from outside: URIs of one host are ways to one server. Called by the command.
import { portOf, type TurnUri, transportOf } from '../../client/turn-uri.js'
import type { Settings } from '../../config/settings.js'
import type { Finding } from '../check.js'
import { runChecks } from '../run-checks.js'
import { OUTSIDE_CHECKS } from './checks.js'
import { Examination } from './examination.js'
import type { Identity, Way } from './scene.js'

export interface OutsideOptions {
  readonly uris: readonly TurnUri[]
  readonly identity: Identity | null
  /** Of the servers, if options were given. */
  readonly settings: Settings | null
  readonly patienceMs: number
  readonly ca: string | null
  readonly millisecondsMax: number
  /** Whoever has given up: every allocation is given back at once. */
  readonly signal: AbortSignal
}

/** Nothing is found by whoever gives up. */
export async function examineServers(options: OutsideOptions): Promise<Finding[]> {
  const hosts = [...new Set(options.uris.map(({ host }) => host))]
  return (await Promise.all(hosts.map((host) => examineServer(host, options)))).flat()
}

async function examineServer(
  host: string,
  { ca, identity, millisecondsMax, patienceMs, settings, signal, uris }: OutsideOptions,
): Promise<Finding[]> {
  const ways = waysOf(
    host,
    uris.filter((uri) => uri.host === host),
  )
  const examination = new Examination({ ca, host, identity, patienceMs, settings, ways })
  const givenUp = new Promise<Finding[]>((resolve) => {
    signal.addEventListener('abort', () => resolve([]), { once: true })
    if (signal.aborted) resolve([])
  })
  try {
    return await Promise.race([givenUp, runChecks(OUTSIDE_CHECKS, examination, host, millisecondsMax)])
  } finally {
    await examination.close()
  }
}

/** What the URIs name, and for comparison UDP and TCP of each port that is for one of them. */
export function waysOf(host: string, uris: readonly TurnUri[]): Way[] {
  const ways = new Map<string, Way>()
  const add = (transport: Way['transport'], port: number, isAsked: boolean) => {
    const key = `${transport} ${port}`
    if (isAsked || !ways.has(key)) ways.set(key, { transport, host, port, isAsked })
  }
  for (const uri of uris) add(transportOf(uri), portOf(uri), true)
  for (const { port, transport } of [...ways.values()]) {
    if (transport === 'udp') add('tcp', port, false)
    if (transport === 'tcp') add('udp', port, false)
  }
  return [...ways.values()]
}
