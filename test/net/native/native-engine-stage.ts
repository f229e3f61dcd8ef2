// The native engine on the fake kernel with a core that does what a test says: what arrives, what leaves, and what the kernel was asked.
import { COUNTER_NAMES, type EngineCounterName } from '../../../src/net/counters.js'
import { IP_MTU_DISCOVER, IPPROTO_IP } from '../../../src/net/native/layout.js'
import { NATIVE_ARENA_LENGTH, NativeEngine } from '../../../src/net/native/native-engine.js'
import { UdpSockets } from '../../../src/net/native/udp-socket.js'
import type { TransportAddress } from '../../../src/stun/address.js'
import type { TurnCore } from '../../../src/turn/core.js'
import { FiveTuple } from '../../../src/turn/five-tuple.js'
import { addressOf } from '../../support/turn-address.js'
import { FakeKernel } from './fake-kernel.js'
import { type FakeKernelFaults, NO_FAULTS } from './fake-kernel-faults.js'
import { datagramsOf, type SentDatagram } from './fake-kernel-send.js'
import type { FakeSocket } from './fake-kernel-socket.js'

export const LISTENER = '10.0.0.1:3478'
export const SECOND_ADDRESS = '10.0.0.3:3478'
export const CLIENT = '198.51.100.7:50000'
export const OTHER_CLIENT = '198.51.100.7:50001'
export const PEER = '1.2.3.4:6000'
export const OTHER_PEER = '1.2.3.4:6001'
export const RELAY = '10.0.0.1:24000'
export const OTHER_RELAY = '10.0.0.1:24001'
const ROUND_COUNT_MAX = 100
/** Ids as the core makes them: a slot and its generation. */
export const RELAY_ID = 5
export const OTHER_RELAY_ID = 6
export const NEXT_RELAY_ID = RELAY_ID + 0x10000

/** What the core is called with. Nothing happens unless a test says so. */
export class ScriptedCore {
  now = 0
  readonly opened: number[] = []
  /** 5-tuples that have allocations. */
  readonly allocated: FiveTuple[] = []
  readonly failed: { readonly relayId: number; readonly inUse: boolean }[] = []
  readonly errors: string[] = []
  onFrame: (client: FiveTuple, bytes: Uint8Array, start: number, end: number) => void = () => {}
  onDatagram: (relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number) => void =
    () => {}

  handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    this.onFrame(client, bytes, start, end)
    return 0
  }

  handlePeerDatagram(relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): number {
    this.onDatagram(relayId, peer, bytes, start, end)
    return 0
  }

  handlePeerIcmp(relayId: number, peer: TransportAddress, type: number, code: number, data: number): number {
    this.errors.push(`relay ${relayId}, ${peer}: ${type}/${code}, ${data}`)
    return 0
  }

  get allocations() {
    return { values: () => this.allocated.map((fiveTuple) => ({ fiveTuple })) }
  }

  handleRelayOpened(relayId: number): void {
    this.opened.push(relayId)
  }

  handleRelayFailed(relayId: number, inUse: boolean): void {
    this.failed.push({ relayId, inUse })
  }
}

export interface StageOptions {
  readonly isWildcard?: boolean
  readonly gro?: boolean
  readonly gso?: boolean
}

export class Stage {
  readonly kernel = new FakeKernel(NATIVE_ARENA_LENGTH + 1024)
  readonly core = new ScriptedCore()
  readonly engine: NativeEngine
  readonly sent: SentDatagram[] = []
  /** Messages that the kernel did not take: destination, and packets in it. */
  readonly refused: string[] = []

  constructor({ isWildcard = false, gro = true, gso = true }: StageOptions = {}) {
    const { kernel } = this
    kernel.descriptors.localHosts = ['10.0.0.1', '10.0.0.3']
    const address = addressOf(isWildcard ? '0.0.0.0:3478' : LISTENER)
    const offloads = { gro, gso }
    const fd = new UdpSockets(kernel, kernel.arena).openListener(address, isWildcard, true, offloads)
    this.engine = new NativeEngine({
      ...{ libc: kernel, arena: kernel.arena, offloads },
      listeners: [{ fd, address, isWildcard }],
    })
    this.engine.attach(this.core as unknown as TurnCore)
    kernel.watcher = {
      sent: (datagram) => this.sent.push(datagram),
      refused: (outgoing) => this.refused.push(`${outgoing.to} ${datagramsOf(outgoing).length}`),
    }
  }

  set faults(faults: Partial<FakeKernelFaults>) {
    this.kernel.faults = { ...NO_FAULTS, ...faults }
  }

  /** Opens a relay and tells the core. */
  openRelay(relayId = RELAY_ID, address = RELAY): FakeSocket {
    this.engine.openRelay(relayId, addressOf(address))
    this.engine.poll(0)
    return this.socketAt(address)
  }

  /** Polls until nothing is left to receive. */
  settle(): void {
    for (let round = 0; this.kernel.isReady; round++) {
      if (round === ROUND_COUNT_MAX) throw new Error('the engine does not see to what has arrived')
      this.engine.poll(0)
    }
  }

  socketAt(address: string): FakeSocket {
    const socket = this.kernel.descriptors.socketAt(addressOf(address))
    if (socket === null) throw new Error(`no socket at ${address}`)
    return socket
  }

  arrive(from: string, to: string, bytes: Uint8Array, trafficClass = 0): void {
    this.kernel.arrive({ from: addressOf(from), to: addressOf(to), bytes, trafficClass })
  }

  /** Everything that left since the last call: `from > to: length`, or with `+` between packets of one send. */
  takeSent(): string[] {
    const sends: string[] = []
    let left = 0
    for (const { from, to, bytes, segmentCount } of this.sent.splice(0)) {
      if (left === 0) sends.push(`${from} > ${to}: ${bytes.length}`)
      else sends.push(`${sends.pop()}+${bytes.length}`)
      left = left === 0 ? segmentCount - 1 : left - 1
    }
    return sends
  }

  counter(name: EngineCounterName): number {
    return this.engine.counters[COUNTER_NAMES.indexOf(name)]
  }

  /** How often the DF bit of this socket was switched. */
  switchCount(socket: FakeSocket): number {
    return socket.optionCalls.get(`${IPPROTO_IP}/${IP_MTU_DISCOVER}`) ?? 0
  }
}

export function clientOf(address: string, listenerId = 0): FiveTuple {
  const client = new FiveTuple()
  client.client.copyFrom(addressOf(address))
  client.listenerId = listenerId
  return client
}

/** A payload that says who it is. */
export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value)
}

/** An open relay. Frames of clients go to a peer that their first byte tells, 0: PEER, 1: OTHER_PEER; the second byte: 1 sets DF. */
export function sendingStage(stage = new Stage()): Stage {
  stage.openRelay()
  stage.core.onFrame = (_client, bytes, start, end) => {
    const peer = addressOf(bytes[start] === 0 ? PEER : OTHER_PEER)
    stage.engine.sendToPeer(RELAY_ID, peer, bytes, start, end, bytes[start + 1] === 1)
  }
  return stage
}

/** Frames for `sendingStage`, in one round; their third byte counts. */
export function send(stage: Stage, port: number, length: number, count: number, df = 0, trafficClass = 0): void {
  for (let index = 0; index < count; index++) {
    stage.arrive(
      CLIENT,
      LISTENER,
      Uint8Array.from({ length }, (_, at) => [port, df, index][at] ?? 0),
      trafficClass,
    )
  }
  stage.engine.poll(0)
}
