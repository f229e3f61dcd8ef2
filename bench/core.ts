// Bench of src/turn: what the core decides per second without sockets, and the heap that it uses for it. Run by run.ts in a
// process of its own. 100 allocations take turns packet by packet, so every look-up misses the last one's cache.
import { randomBytes } from 'node:crypto'
import { TransportAddress } from '../src/stun/address.js'
import { writeChannelDataHeader } from '../src/stun/channel-data.js'
import { ATTRIBUTE_DATA, ATTRIBUTE_XOR_PEER_ADDRESS, CLASS_INDICATION, METHOD_SEND } from '../src/stun/constants.js'
import { MessageWriter } from '../src/stun/writer.js'
import { FiveTuple } from '../src/turn/five-tuple.js'
import { CoreWorld, type Flow } from './core-world.js'
import { type Measurement, measure, type Operation } from './measure.js'
import { PAYLOAD_LENGTH, reportFromChild, secondsOfChild } from './micro.js'

const FLOW_COUNT = 100

/** What an engine hands in: one scratch 5-tuple per listener, filled per packet, and the received bytes. */
const client = new FiveTuple()
const source = new TransportAddress()
const payload = new Uint8Array(randomBytes(PAYLOAD_LENGTH))

function fillClient(flow: Flow): void {
  client.client.setIPv4(flow.fiveTuple.client.word0, flow.fiveTuple.client.port)
}

function fillSource(flow: Flow): void {
  source.setIPv4(flow.peer.word0, flow.peer.port)
}

function channelDataOf(flow: Flow): Uint8Array {
  const bytes = new Uint8Array(4 + PAYLOAD_LENGTH)
  writeChannelDataHeader(bytes, 0, flow.channelNumber, PAYLOAD_LENGTH)
  bytes.set(payload, 4)
  return bytes
}

function sendIndicationOf(flow: Flow): Uint8Array {
  const bytes = new Uint8Array(512)
  const writer = new MessageWriter().begin(bytes, 0, CLASS_INDICATION, METHOD_SEND, randomBytes(12), 0)
  writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, flow.peer).writeBytes(ATTRIBUTE_DATA, payload)
  return bytes.slice(0, writer.finish())
}

function clientToPeer(world: CoreWorld, flows: readonly Flow[], frameOf: (flow: Flow) => Uint8Array): Operation {
  const frames = flows.map(frameOf)
  let index = 0
  return (count) => {
    let drops = 0
    for (let run = 0; run < count; run++) {
      index = index === flows.length - 1 ? 0 : index + 1
      fillClient(flows[index])
      const frame = frames[index]
      drops += world.core.handleClientFrame(client, frame, 0, frame.length)
    }
    return drops
  }
}

function peerToClient(world: CoreWorld, flows: readonly Flow[]): Operation {
  let index = 0
  return (count) => {
    let drops = 0
    for (let run = 0; run < count; run++) {
      index = index === flows.length - 1 ? 0 : index + 1
      const flow = flows[index]
      fillSource(flow)
      drops += world.core.handlePeerDatagram(flow.relayId, source, payload, 0, payload.length)
    }
    return drops
  }
}

/** Measures, and makes sure that the packets were relayed: a core that drops them all would be fast. */
function measureRelaying(name: string, world: CoreWorld, operation: Operation): Measurement {
  const measurement = measure(name, secondsOfChild(), operation)
  const before = world.output.packetCount
  const drops = operation(FLOW_COUNT)
  if (drops !== 0 || world.output.packetCount !== before + FLOW_COUNT) throw new Error(`${name}: packets were dropped`)
  return measurement
}

const withChannels = new CoreWorld(FLOW_COUNT)
const channelFlows = withChannels.addFlows(FLOW_COUNT, true)
const withPermissions = new CoreWorld(FLOW_COUNT)
const permissionFlows = withPermissions.addFlows(FLOW_COUNT, false)
const withPairs = new CoreWorld(FLOW_COUNT)
const pairFlows = withPairs.addPairs(FLOW_COUNT / 2)

reportFromChild([
  measureRelaying('ChannelData, client to peer', withChannels, clientToPeer(withChannels, channelFlows, channelDataOf)),
  measureRelaying('ChannelData, peer to client', withChannels, peerToClient(withChannels, channelFlows)),
  measureRelaying(
    'ChannelData of two ports in turns, client to peer',
    withPairs,
    clientToPeer(withPairs, pairFlows, channelDataOf),
  ),
  measureRelaying('ChannelData of two ports in turns, peer to client', withPairs, peerToClient(withPairs, pairFlows)),
  measureRelaying(
    'Send indication, client to peer',
    withPermissions,
    clientToPeer(withPermissions, permissionFlows, sendIndicationOf),
  ),
  measureRelaying('Data indication, peer to client', withPermissions, peerToClient(withPermissions, permissionFlows)),
])
