// Bursts of mixed sizes over several flows at once: every payload arrives once, whole and in its flow's order, whatever an engine does to
// handle packets in groups. Bursts that the kernel keeps together on their way are in coalesced.ts.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import type { ReceivedData, TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import type { Suite } from './suite.js'

const FLOW_COUNT = 5
const PACKET_COUNT = 400
/** Of each flow, in flight at once: no socket buffer overflows. */
const BURST_COUNT = 10
const LENGTHS = [0, 1, 172, 172, 172, 172, 1200, 1200, 1200, 8000, 3, 172, 1199]
const CHANNEL = 0x4000

interface Flow {
  readonly client: TurnClient
  readonly peer: UdpPeer
  /** 0: this flow uses indications. */
  readonly channelNumber: number
  readonly payloads: readonly Buffer[]
}

export function bursts(t: Test, suite: Suite): void {
  t.test('bursts of mixed sizes, over channels and indications, arrive whole, once and in order', async (t) => {
    const server = await suite.sharedServer()
    const flows = await openFlows(t, suite, server)
    for (let start = 0; start < PACKET_COUNT; start += BURST_COUNT) {
      const end = start + BURST_COUNT
      for (let index = start; index < end; index++) for (const flow of flows) sendToPeer(flow, index)
      for (const [index, flow] of flows.entries()) await checkAtPeer(t, flow, index, start, end)
      for (let index = start; index < end; index++) {
        for (const { client, payloads, peer } of flows) peer.send(client.relay, payloads[index])
      }
      await checkAtClients(t, flows, start, end)
    }
    for (const { client, peer } of flows) {
      await client.settle()
      t.same(client.inbox.items, [])
      t.same(await peer.receivedSoFar(), [])
    }
  })
}

/** The first two share a client, the others have one each; every other one has a channel. */
async function openFlows(t: Test, suite: Suite, server: TurnServer): Promise<Flow[]> {
  const flows: Flow[] = []
  for (let index = 0; index < FLOW_COUNT; index++) {
    const client = index === 1 ? flows[0].client : await suite.allocate(t, server)
    const peer = await UdpPeer.open(t)
    const channelNumber = index % 2 === 0 ? CHANNEL + index : 0
    const answer =
      channelNumber > 0 ? client.bindChannel(channelNumber, peer.address) : client.createPermission(peer.address)
    t.equal((await answer).code, 0)
    // Flows are at different places of the list of lengths at the same time.
    const payloads = Array.from({ length: PACKET_COUNT }, (_, packet) =>
      randomBytes(LENGTHS[(packet + 3 * index) % LENGTHS.length]),
    )
    flows.push({ client, peer, channelNumber, payloads })
  }
  return flows
}

function sendToPeer({ channelNumber, client, payloads, peer }: Flow, index: number): void {
  if (channelNumber > 0) client.sendChannelData(channelNumber, payloads[index])
  else client.sendTo(peer.address, payloads[index])
}

async function checkAtPeer(t: Test, flow: Flow, flowIndex: number, start: number, end: number): Promise<void> {
  for (let index = start; index < end; index++) {
    const { bytes, source } = await flow.peer.inbox.next()
    if (!bytes.equals(flow.payloads[index]))
      t.fail(`flow ${flowIndex}: ${bytes.length} bytes in place of packet ${index}`)
    if (!source.equals(flow.client.relay)) t.fail(`flow ${flowIndex} comes from ${source}`)
  }
}

/** Flows of one client arrive mixed, but each in its order. */
async function checkAtClients(t: Test, flows: readonly Flow[], start: number, end: number): Promise<void> {
  const next = new Map(flows.map((flow) => [flow, start]))
  for (const { client } of flows) {
    for (let count = start; count < end; count++) {
      const data = await client.nextData()
      const flow = flows.find((candidate) => candidate.client === client && isOf(candidate, data))
      const index = flow === undefined ? -1 : (next.get(flow) ?? -1)
      if (flow === undefined || data.text !== flow.payloads[index]?.toString('latin1')) {
        t.fail(`${data.text.length} bytes of ${data.peer || data.channelNumber} in place of packet ${index}`)
      } else {
        next.set(flow, index + 1)
      }
    }
  }
  if ([...next.values()].some((index) => index !== end)) t.fail(`the flows end at ${[...next.values()].join()}`)
}

function isOf(flow: Flow, { channelNumber, peer }: ReceivedData): boolean {
  return channelNumber > 0 ? flow.channelNumber === channelNumber : flow.peer.address.toString() === peer
}
