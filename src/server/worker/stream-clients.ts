// What a stream worker is made of: a core, the engine of its relays, and everybody who carries clients to it over TCP, TLS and DTLS.
//
//   listeners ─► ClientStreams ─┐                                 ┌─► ClientStreams, DtlsClients   to clients
//   engine ────► DtlsClients ───┼─► TurnCore ─► TransportRouter ──┼─► engine                       to peers over UDP
//   engine ───── relay sockets ─┘                                 └─► TcpRelays                    to peers over TCP
import type { CertificateMaterial } from '../../auth/certificate-file.js'
import type { PackedUsers } from '../../auth/credential-table.js'
import type { RestSecrets } from '../../auth/rest-secrets.js'
import type { ConnectionRefusal, Misdirection } from '../../log/connection-refusals.js'
import type { DtlsClients } from '../../net/dtls/dtls-clients.js'
import type { PeerHandler } from '../../net/engine.js'
import { ClientStreams } from '../../net/stream/client-streams.js'
import type { StreamCore } from '../../net/stream/client-streams-options.js'
import { ConnectionCap } from '../../net/stream/connection-cap.js'
import type { HttpEntry } from '../../net/stream/http-entry.js'
import type { PeerSockets } from '../../net/tcp-relay/peer-sockets.js'
import { TcpRelays } from '../../net/tcp-relay/tcp-relays.js'
import { TransportRouter } from '../../net/transport-router.js'
import { formatHost, type TransportAddress } from '../../stun/address.js'
import type { Cidr } from '../../stun/cidr.js'
import { TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { type FiveTuple, TRANSPORT_DTLS } from '../../turn/five-tuple.js'
import type { UserLookup } from '../../turn/output.js'
import { CoreObserver } from '../core-observer.js'
import { makeCore } from '../make-core.js'
import type { OwnSockets } from '../own-sockets.js'
import type { ReportSink } from '../reports.js'
import { connectionReasonIndex, type Statistics } from '../statistics.js'
import { storesOf } from '../users-snapshot.js'
import type { StreamWorkerStart } from './messages.js'
import type { StreamEngine } from './stream-driver.js'
import type { PacketSources } from './worker-captures.js'

/** How often sessions, held-back data and idle connections are looked after, in ticks of the core. */
const UPKEEP_TICKS = TICKS_PER_SECOND / 20
const SWEEP_TICKS = TICKS_PER_SECOND / 2

export interface StreamClientsParts {
  readonly start: StreamWorkerStart
  readonly ownSockets: OwnSockets
  readonly engine: StreamEngine
  /** null: no TLS listener, so nobody comes for a page. */
  readonly http: HttpEntry | null
  /** null: no DTLS listener. */
  readonly dtls: DtlsClients | null
  readonly peerSockets: PeerSockets
  readonly statistics: Statistics
  readonly sink: ReportSink
  readonly userLookup: UserLookup
  readonly monotonicStartSeconds: number
  /** Something was gathered for streams: flush them at the end of this turn. */
  requestFlush(): void
}

export class StreamClients implements PacketSources {
  readonly core: TurnCore
  usersFile: PackedUsers | null
  readonly temporaryUsers: PackedUsers
  readonly restSecrets: RestSecrets
  readonly streams: ClientStreams
  dtls: DtlsClients | null
  readonly #parts: StreamClientsParts
  readonly #router: TransportRouter
  readonly #engine: StreamEngine
  /** Where frames of clients go: to the core, or to a tap before it. */
  #frames: StreamCore
  readonly #tcpRelays: TcpRelays
  #http: HttpEntry | null
  #upkeepAt = 0
  #sweepAt = 0

  constructor(parts: StreamClientsParts) {
    const { engine, start, statistics } = parts
    const { streams, tables, workerIndex } = start
    const { outsideId, restSecrets, stores, temporaryUsers, usersFile } = storesOf(start.users, start.settings)
    this.#engine = engine
    this.usersFile = usersFile
    this.#parts = parts
    this.temporaryUsers = temporaryUsers
    this.restSecrets = restSecrets
    this.#http = parts.http
    this.dtls = parts.dtls
    if (parts.dtls !== null) this.#watchRefused(parts.dtls)
    if (parts.http !== null) this.#watchMisdirected(parts.http)
    this.#tcpRelays = new TcpRelays(parts.peerSockets)
    this.streams = new ClientStreams({
      counters: statistics.engine,
      unauthenticated: new ConnectionCap(streams.connectionCap, workerIndex),
      proxyProtocolFrom: streams.proxyProtocolFrom,
      ticketKeys: start.ticketKeys,
      http: this.#http,
      onGathered: parts.requestFlush,
      onRefused: (reason, client) => refuseConnection(parts, reason, client),
      onBound: (connectionId, handle, stream, rest) => this.#tcpRelays.bind(connectionId, handle, stream, rest),
    })
    if (start.certificate !== null) this.setCertificate(start.certificate)
    const router = new TransportRouter(engine, this.streams, this.dtls, this.#tcpRelays)
    this.#router = router
    this.core = makeCore({
      settings: start.settings,
      monotonicStartSeconds: parts.monotonicStartSeconds,
      output: router,
      connectionOutput: router,
      // A connection has one address.
      serverAddresses: { localAddressOf: (client) => this.localAddressOf(client), findListener: () => -1 },
      supportsDontFragment: engine.supportsDontFragment,
      observer: new CoreObserver(parts.sink, statistics, () => this.core.now),
      relayHosts: start.relayHosts,
      ownSockets: parts.ownSockets,
      localHosts: start.localHosts,
      stores: [...stores, temporaryUsers, restSecrets],
      outsideId,
      oauthKeys: start.users.oauthKeys,
      userLookup: parts.userLookup,
      nonceSecret: start.nonceSecret,
      localPortOf: (client) => this.localAddressOf(client)?.port ?? 0,
      drops: statistics.drops,
      shared: { tables, workerIndex },
    })
    this.#frames = this.core
    this.streams.attach(this.core)
    this.dtls?.attach(this.core)
    this.#tcpRelays.attach(this.core)
    if (start.isDraining) this.core.drain()
  }

  get http(): HttpEntry | null {
    return this.#http
  }

  /** For connections from now on; those of the one before go on with it. */
  setHttp(http: HttpEntry | null, proxyProtocolFrom: readonly Cidr[]): void {
    if (http !== this.#http) this.#http?.retire()
    if (http !== null) this.#watchMisdirected(http)
    this.#http = http
    this.streams.entrance.reconfigure(proxyProtocolFrom, http)
  }

  /** Where there were none: they can come from now on. */
  setDtls(dtls: DtlsClients): void {
    this.dtls = dtls
    this.#watchRefused(dtls)
    dtls.attach(this.core, this.#frames)
    this.#router.setDtls(dtls)
  }

  /** Ends everybody who came over these listeners; their allocations have ended. */
  endListeners(isRemoved: (listenerId: number) => boolean): void {
    this.streams.endListeners(isRemoved)
    this.dtls?.endListeners(isRemoved)
  }

  setCertificate(certificate: CertificateMaterial): void {
    this.streams.setCertificate(certificate)
    this.dtls?.setCertificate(certificate)
  }

  handTo(clients: StreamCore, peers: PeerHandler): void {
    this.#frames = clients
    this.streams.attach(clients)
    this.dtls?.attach(this.core, clients)
    this.#engine.handTo(this.dtls ?? this.core, peers)
  }

  localAddressOf(client: FiveTuple): TransportAddress | null {
    const isOverDtls = client.transport === TRANSPORT_DTLS
    return isOverDtls ? this.#engine.localAddressOf(client.listenerId) : this.streams.localAddressOf(client)
  }

  /** Between turns of the event loop, after the core's tick: what is due by now. */
  advance(): void {
    const { now } = this.core
    if (now - this.#upkeepAt >= UPKEEP_TICKS) {
      this.#upkeepAt = now
      this.#tcpRelays.tick()
      this.dtls?.tick(now)
    }
    if (now - this.#sweepAt >= SWEEP_TICKS) {
      this.#sweepAt = now
      this.streams.sweep()
    }
  }

  /** Ends every allocation, then every connection. */
  close(): void {
    this.core.drain()
    this.core.deleteAllAllocations('stopped')
    this.streams.flush()
    this.streams.close()
    this.dtls?.close()
    this.#tcpRelays.close()
    void this.#http?.close()
  }

  #watchRefused(dtls: DtlsClients): void {
    dtls.onRefused = (reason, client) => refuseConnection(this.#parts, reason, client)
  }

  #watchMisdirected(http: HttpEntry): void {
    http.onMisdirected = (client, asked) => refuseConnection(this.#parts, 'http-host', client, asked)
  }
}

/** Counts it, and tells of it while there is room. */
function refuseConnection(
  { sink, statistics }: StreamClientsParts,
  reason: ConnectionRefusal,
  client: TransportAddress,
  asked?: Misdirection,
): void {
  const index = connectionReasonIndex(reason)
  const timeMs = Date.now()
  statistics.connectionRefusals[index]++
  if (sink.admitsConnectionRefusal(formatHost(client), timeMs)) {
    const about = asked === undefined ? {} : { asked }
    sink.report({ kind: 'connection-refused', timeMs, reason, source: String(client), ...about })
  } else statistics.connectionsHeldBack[index]++
}
