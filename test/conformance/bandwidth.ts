// Bandwidth: --max-bps of an allocation, --user-max-bps of all allocations of a user. What passes of an overload is the limit; what stays
// below it passes whole; each direction has a limit of its own.
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import { offerLoad } from '../support/offered-load.js'
import type { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { BOB, type ClientOptions, type Suite } from './suite.js'

const LIMIT_BPS = 1_600_000
const PAYLOAD = Buffer.alloc(1000, 'x')
const LIMIT_PACKETS_PER_SECOND = LIMIT_BPS / (8 * PAYLOAD.length)
/** In which the budget that was saved up is used. */
const WARM_UP_MILLISECONDS = 800
const MEASURED_MILLISECONDS = 2000
/** Where time is short, other tests have the processors as well: what is offered and taken comes late, and in bursts. */
const TOLERANCE = process.env.TURND_TEST_LONG === '1' ? 0.25 : 0.6
/** Of one user: with two workers some are on each. */
const USER_CLIENT_COUNT = 6
/** Of an equal share of the user's bandwidth: workers share about equally, however many of the allocations each has. */
const FAIR_SHARE_MIN = 0.2
const CHANNEL = 0x4000

interface Call {
  readonly client: TurnClient
  readonly peer: UdpPeer
}

export function bandwidth(t: Test, suite: Suite): void {
  t.test('bandwidth', { jobs: 4 }, async (t) => {
    const ofAllocation = await suite.startServer(t, { hasAllWorkers: true, maxBps: LIMIT_BPS })
    const ofUser = await suite.startServer(t, { hasAllWorkers: true, userMaxBps: LIMIT_BPS })
    const atOnce = { buffered: true }

    for (const direction of ['to the peer', 'to the client'] as const) {
      t.test(`of an allocation is limited ${direction}, and the other direction loses nothing`, atOnce, async (t) => {
        const call = await openCall(t, suite, ofAllocation)
        const [forth, back] = [countersOf(call, direction), countersOf(call, opposite(direction))]
        const isBelow = belowLimit(t, back)
        const rate = await measure(
          4 * LIMIT_PACKETS_PER_SECOND,
          () => forth.send(),
          () => forth.take(),
        )
        await isBelow
        checkRate(t, rate)
      })
    }

    for (const direction of ['to the peer', 'to the client'] as const) {
      t.test(`of a user is limited over ${USER_CLIENT_COUNT} allocations, ${direction}`, atOnce, async (t) => {
        // One user for each test that runs at the same time.
        const user = direction === 'to the peer' ? {} : BOB
        const calls: Call[] = []
        for (let index = 0; index < USER_CLIENT_COUNT; index++) calls.push(await openCall(t, suite, ofUser, user))
        const flows = calls.map((call) => countersOf(call, direction))
        let delivered: number[] = []
        const rate = await measure(
          4 * LIMIT_PACKETS_PER_SECOND,
          (index) => flows[index % flows.length].send(),
          () => {
            delivered = flows.map(({ take }) => take())
            return sumOf(delivered)
          },
        )
        checkRate(t, rate)
        const fewest = (FAIR_SHARE_MIN * sumOf(delivered)) / flows.length
        t.ok(Math.min(...delivered) >= fewest, `no allocation starves: ${delivered.join(', ')} packets`)
      })
    }
  })

  t.test('without a limit nothing is held back', async (t) => {
    const server = await suite.sharedServer()
    const flow = countersOf(await openCall(t, suite, server), 'to the peer')
    t.equal(await deliveredOf(flow, 8 * LIMIT_PACKETS_PER_SECOND), 8 * LIMIT_PACKETS_PER_SECOND)
  })
}

async function openCall(t: Test, suite: Suite, server: TurnServer, options: ClientOptions = {}): Promise<Call> {
  const client = await suite.allocate(t, server, {}, options)
  const peer = await UdpPeer.open(t)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  return { client, peer }
}

type Direction = 'to the peer' | 'to the client'

interface Flow {
  send(): void
  /** Packets that have arrived since the last call. */
  take(): number
  /** Resolves when what was sent before has been dealt with. */
  settle(): Promise<void>
}

function countersOf({ client, peer }: Call, direction: Direction): Flow {
  return direction === 'to the peer'
    ? {
        send: () => client.sendChannelData(CHANNEL, PAYLOAD),
        take: () => peer.inbox.takeAll().length,
        settle: () => client.settle(),
      }
    : {
        send: () => peer.send(client.relay, PAYLOAD),
        take: () => client.inbox.takeAll().length,
        settle: () => client.settle(),
      }
}

function opposite(direction: Direction): Direction {
  return direction === 'to the peer' ? 'to the client' : 'to the peer'
}

/** Offers an overload; returns what passed, in bits of payload per second. */
async function measure(packetsPerSecond: number, send: (index: number) => void, take: () => number): Promise<number> {
  await offerLoad(packetsPerSecond, WARM_UP_MILLISECONDS, send)
  take()
  const milliseconds = await offerLoad(packetsPerSecond, MEASURED_MILLISECONDS, send)
  return (take() * PAYLOAD.length * 8 * 1000) / milliseconds
}

function checkRate(t: Test, bitsPerSecond: number): void {
  const [min, max] = [LIMIT_BPS * (1 - TOLERANCE), LIMIT_BPS * (1 + TOLERANCE)]
  t.ok(bitsPerSecond >= min && bitsPerSecond <= max, `${Math.round(bitsPerSecond)} bit/s of ${LIMIT_BPS}`)
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Half of the limit passes whole. */
async function belowLimit(t: Test, flow: Flow): Promise<void> {
  const count = LIMIT_PACKETS_PER_SECOND
  t.equal(await deliveredOf(flow, count / 2, 2000), count)
}

async function deliveredOf(flow: Flow, packetsPerSecond: number, milliseconds = 1000): Promise<number> {
  let delivered = 0
  await offerLoad(packetsPerSecond, milliseconds, () => flow.send())
  // The last ones are on their way.
  for (let round = 0; round < 3; round++) {
    await flow.settle()
    delivered += flow.take()
  }
  return delivered
}
