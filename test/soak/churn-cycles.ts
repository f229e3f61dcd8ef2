// The cycles of the churn over UDP: an allocation from Allocate to its end, in every way that RFC 8656 has. A client has two of them, the second with
// the nonce of the first. Data goes both ways through some: a payload names the relay port through which alone it may come to its peer.
import { LOOPBACK_WORD } from '../../bench/generator/endpoint.js'
import type { Kernel } from '../../bench/generator/kernel.js'
import { SOCK_DGRAM } from '../../src/net/native/layout.js'
import { TransportAddress } from '../../src/stun/address.js'
import { KernelIo } from '../support/kernel-io.js'
import { addressOf } from '../support/udp-peer.js'
import { Crowd } from './crowd.js'
import { type Dialogue, mustSucceed, SoakClient } from './dialogue.js'

const CHANNEL = 0x4000
const OTHER_CHANNEL = 0x4001
/** 127.64.0.0/10: four million clients, and as many again that claim their tokens. */
const FIRST_HOST = (127 << 24) | (64 << 16)
const HOST_COUNT = 1 << 22
export const CYCLES_PER_CLIENT = 2
const PAYLOAD_WORDS = 16
const MARK = 0x63687572
/** One in so many. */
const DATA_EVERY = 4
const VANISHING_EVERY = 512
const UNCLAIMED_EVERY = 256
/** More would hold ports and places for ten minutes each until there are none. */
const VANISHING_COUNT_MAX = 600
const KIND_COUNT = 16

export interface CycleCounts {
  plain: number
  'dual-stack': number
  'IPv6 only': number
  'EVEN-PORT': number
  'token claimed': number
  'token left to expire': number
  'client vanished': number
  'with data': number
  /** 401 and 438. */
  challenges: number
}

export class ChurnCycles {
  readonly counts: CycleCounts = {
    ...{ plain: 0, 'dual-stack': 0, 'IPv6 only': 0, 'EVEN-PORT': 0, 'token claimed': 0, 'token left to expire': 0 },
    ...{ 'client vanished': 0, 'with data': 0, challenges: 0 },
  }
  /** Allocations that were granted. */
  allocationCount = 0
  endedCount = 0
  readonly #peers: Crowd
  readonly #peer6 = new KernelIo(6, SOCK_DGRAM, 0)
  readonly #peerAddress = new TransportAddress()
  readonly #peer6Address: TransportAddress
  #count = 0

  constructor(kernel: Kernel) {
    this.#peers = new Crowd(kernel)
    this.#peer6.bind(addressOf('::1', 0))
    this.#peer6Address = this.#peer6.localAddress()
    this.#peerAddress.setIPv4(LOOPBACK_WORD, this.#peers.port)
  }

  /** The next client, with all its cycles. */
  *next(): Dialogue {
    const first = this.#count
    this.#count += CYCLES_PER_CLIENT
    const client = new SoakClient(FIRST_HOST + ((first / CYCLES_PER_CLIENT) % HOST_COUNT))
    for (let number = first; number < first + CYCLES_PER_CLIENT; number++) {
      // Its 5-tuple has an allocation for ten minutes now.
      const hasVanished = yield* this.#cycle(client, number)
      this.endedCount++
      if (hasVanished) break
    }
    this.counts.challenges += client.challengeCount
  }

  /** Peers return what they get. Returns how much there was. */
  answerAsPeers(): number {
    const count = this.#peers.receive((host, sourceHost, sourcePort, bytes) => {
      checkPayload(bytes, sourcePort)
      this.#peers.send(host, sourceHost, sourcePort, bytes)
    })
    this.#peers.flush()
    let count6 = 0
    for (let got = this.#peer6.receive(); got !== null; got = this.#peer6.receive()) {
      checkPayload(got.bytes, got.source.port)
      this.#peer6.send(got.source, got.bytes)
      count6++
    }
    return count + count6
  }

  close(): void {
    this.#peers.close()
    this.#peer6.close()
  }

  /** True if the client ended without a word. */
  *#cycle(client: SoakClient, number: number): Dialogue<boolean> {
    const { counts } = this
    const kind = number % KIND_COUNT
    const isVanishing =
      number % VANISHING_EVERY === VANISHING_EVERY - 1 && counts['client vanished'] < VANISHING_COUNT_MAX
    if (number % UNCLAIMED_EVERY === 0) {
      counts['token left to expire']++
      yield* this.#allocate(client, { evenPort: 'pair' })
      yield* mustSucceed('Refresh', client.refresh(0))
    } else if (kind === 0) {
      counts['token claimed']++
      yield* this.#claimToken(client)
    } else if (kind <= 2) {
      counts['dual-stack']++
      yield* this.#allocate(client, { additionalFamily: 6 })
      yield* this.#use(client, number, [this.#peerAddress, this.#peer6Address])
    } else if (kind === 3) {
      counts['IPv6 only']++
      yield* this.#allocate(client, { family: 6 })
      yield* this.#use(client, number, [this.#peer6Address])
    } else if (kind === 4) {
      counts['EVEN-PORT']++
      yield* this.#allocate(client, { evenPort: 'even' })
      yield* this.#use(client, number, [this.#peerAddress])
    } else {
      counts[isVanishing ? 'client vanished' : 'plain']++
      yield* this.#allocate(client)
      yield* this.#use(client, number, [this.#peerAddress], isVanishing)
    }
    return isVanishing
  }

  *#allocate(client: SoakClient, options: Parameters<SoakClient['allocate']>[0] = {}): Dialogue {
    yield* mustSucceed('Allocate', client.allocate(options))
    this.allocationCount++
  }

  /** Permissions, a channel to each peer, data through some of them, and the end. */
  *#use(client: SoakClient, number: number, peers: readonly TransportAddress[], isVanishing = false): Dialogue {
    yield* mustSucceed('CreatePermission', client.createPermission(...peers))
    for (const [index, peer] of peers.entries()) {
      yield* mustSucceed('ChannelBind', client.bindChannel(CHANNEL + index, peer))
      // Both halves of a pair of cycles have some with data.
      if ((number >> 1) % DATA_EVERY !== 0) continue
      const relay = client.relayed[peer.family === 4 ? 0 : 1]
      yield* client.echo(CHANNEL + index, payloadThrough(relay.port, number))
      this.counts['with data']++
    }
    if (!isVanishing) yield* mustSucceed('Refresh', client.refresh(0))
  }

  /** The second port of a pair, for another client of the same user: with two workers often on the other one. */
  *#claimToken(client: SoakClient): Dialogue {
    yield* this.#allocate(client, { evenPort: 'pair' })
    const { token } = client
    if (token === null) throw new Error('EVEN-PORT with R=1 brought no token')
    const other = new SoakClient(client.host + HOST_COUNT)
    yield* this.#allocate(other, { token })
    if (other.relayed[0].port !== client.relayed[0].port + 1) throw new Error('the token brought another port')
    yield* mustSucceed('ChannelBind', other.bindChannel(OTHER_CHANNEL, this.#peerAddress))
    yield* other.echo(OTHER_CHANNEL, payloadThrough(other.relayed[0].port, 0))
    yield* mustSucceed('Refresh', client.refresh(0))
    yield* mustSucceed('Refresh', other.refresh(0))
    this.counts.challenges += other.challengeCount
  }
}

function payloadThrough(relayPort: number, number: number): Uint8Array {
  const words = new Int32Array(PAYLOAD_WORDS).fill(number)
  words[0] = MARK
  words[1] = relayPort
  return new Uint8Array(words.buffer)
}

function checkPayload(bytes: Uint8Array, relayPort: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const isOurs = bytes.length === 4 * PAYLOAD_WORDS && view.getInt32(0, true) === MARK
  if (!isOurs || view.getInt32(4, true) !== relayPort) {
    throw new Error(`a peer got ${Buffer.from(bytes).toString('hex')} from the relay port ${relayPort}`)
  }
}
