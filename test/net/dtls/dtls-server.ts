// A server for clients over DTLS on real sockets: the dgram engine, DtlsClients and a core, as the server assembles them.
import type { Test } from 'tap'
import { parseListenSpec } from '../../../src/config/listen-spec.js'
import { DgramEngine } from '../../../src/net/dgram/dgram-engine.js'
import { DtlsClients } from '../../../src/net/dtls/dtls-clients.js'
import type { CertificatePair } from '../../../src/net/dtls/server-context.js'
import type { Listener } from '../../../src/net/engine.js'
import { CHANNEL_NUMBER_MAX_RFC5766 } from '../../../src/stun/constants.js'
import { TurnCore } from '../../../src/turn/core.js'
import { type FiveTuple, TRANSPORT_DTLS } from '../../../src/turn/five-tuple.js'
import type { TurnOutput } from '../../../src/turn/output.js'
import { RelayPorts } from '../../../src/turn/relay-ports.js'
import { authenticatorOf, policyOf, relayHostOf } from '../../support/core-harness.js'
import { SeededRandom } from '../../support/random.js'
import { RecordingObserver } from '../../support/recording-output.js'
import type { User } from '../../support/request-encoder.js'

const TICK_MILLISECONDS = 50

export interface DtlsServer {
  readonly listener: Listener
  readonly dtls: DtlsClients
  readonly core: TurnCore
  readonly counters: Float64Array
}

/** Listens on this host, and relays on it with the ports given. Ends with `t`. */
export async function startDtlsServer(
  t: Test,
  pair: CertificatePair,
  user: User,
  relayPorts: { readonly minPort: number; readonly maxPort: number },
  host = '127.0.0.1',
): Promise<DtlsServer> {
  const engine = new DgramEngine()
  await engine.openListeners([parseListenSpec(host.includes(':') ? `udp:[${host}]:0` : `udp:${host}:0`)])
  const dtls = new DtlsClients({
    counters: engine.counters,
    send: (client, bytes, start, end) => engine.sendToClient(client, bytes, start, end),
  })
  const random = new SeededRandom(Date.now())
  const relayHosts = [relayHostOf(host)]
  const ports = new RelayPorts(1, relayPorts.minPort, relayPorts.maxPort, random, 0)
  const core = new TurnCore({
    output: outputOf(engine, dtls),
    observer: new RecordingObserver(),
    authenticator: authenticatorOf([user]),
    policy: policyOf({ allowPeer: ['127.0.0.0/8'], ownSockets: [], localHosts: [host] }, relayHosts, ports),
    ...{ relayHosts, relayPorts: ports, random, maxAllocations: 1800, userQuota: 0, monotonicStartSeconds: 1_000 },
    ...{ permissionCountMax: 128, channelCountMax: 128, channelNumberMax: CHANNEL_NUMBER_MAX_RFC5766 },
    supportsDontFragment: false,
  })
  dtls.attach(core)
  dtls.setCertificate(pair)
  engine.start(core, dtls)
  const timer = setInterval(() => dtls.tick(core.now), TICK_MILLISECONDS)
  t.teardown(async () => {
    clearInterval(timer)
    core.deleteAllAllocations('stopped')
    dtls.close()
    await engine.stop()
  })
  return { listener: engine.listeners[0], dtls, core, counters: engine.counters }
}

/** What leaves for clients goes by how they came. */
function outputOf(engine: DgramEngine, dtls: DtlsClients): TurnOutput {
  const of = (client: FiveTuple): TurnOutput | DtlsClients => (client.transport === TRANSPORT_DTLS ? dtls : engine)
  return {
    sendToClient: (client, ...values) => of(client).sendToClient(client, ...values),
    sendDataIndication: (client, ...values) => of(client).sendDataIndication(client, ...values),
    sendChannelData: (client, ...values) => of(client).sendChannelData(client, ...values),
    closeClient: (client) => of(client).closeClient(client),
    sendToPeer: (...values) => engine.sendToPeer(...(values as unknown as Parameters<typeof engine.sendToPeer>)),
    openRelay: (...values) => engine.openRelay(...values),
    closeRelay: (relayId) => engine.closeRelay(relayId),
  }
}
