// What a stream worker loads only where there are listeners for it: HTTP beside TLS, and DTLS.
import type { DtlsClients } from '../../net/dtls/dtls-clients.js'
import type { Listener } from '../../net/engine.js'
import { hasListeners } from '../../net/listen-targets.js'
import type { HttpEntry } from '../../net/stream/http-entry.js'
import type { TurnOutput } from '../../turn/output.js'
import type { StreamSettings } from '../stream-settings.js'
import type { StreamWorkerStart } from './messages.js'
import type { StreamDriver } from './stream-driver.js'

export function hasListener(sockets: StreamWorkerStart['sockets'], scheme: Listener['scheme']): boolean {
  if (sockets.kind === 'own') return hasListeners(sockets.specs, [scheme])
  return [...sockets.tcp, ...sockets.dtls].some((listener) => listener.scheme === scheme)
}

export async function makeHttpEntry(streams: StreamSettings, warn: (text: string) => void): Promise<HttpEntry> {
  const { HttpEntry } = await import('../../net/stream/http-entry.js')
  const { httpUpstream: upstream, httpUpstreamCa: ca, pageNames } = streams
  return new HttpEntry({ upstream, ca, pageNames, warn })
}

export async function makeDtlsClients({ engine }: StreamDriver, counters: Float64Array): Promise<DtlsClients> {
  const { DtlsClients } = await import('../../net/dtls/dtls-clients.js')
  const send: TurnOutput['sendToClient'] = (client, bytes, from, end) => engine.sendToClient(client, bytes, from, end)
  return new DtlsClients({ counters, send })
}
