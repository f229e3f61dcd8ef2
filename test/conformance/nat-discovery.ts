// NAT behaviour discovery (RFC 5780) and Binding of RFC 3489 over real sockets: what is told is true, and answers come from and go to where they are
// said to. Each rule by itself is in test/turn/nat-discovery.test.ts and legacy-binding.test.ts.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import { TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import { decodeLegacyMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { Received } from '../support/core-client.js'
import { encodeRequest, type Write } from '../support/request-encoder.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { ALICE, type Suite } from './suite.js'

const HOSTS = ['127.0.0.1', '127.0.0.2'] as const
/** With several workers all of them get some. */
const CLIENT_COUNT = 12

export function natDiscovery(t: Test, suite: Suite): void {
  const { isPlainUdp, scheme } = suite.transport
  if (isPlainUdp) t.test('NAT discovery', (t) => overUdp(t, suite))
  else if (scheme === 'tcp') t.test('NAT discovery over TCP', (t) => overTcp(t, suite))
}

async function overUdp(t: Test, suite: Suite): Promise<void> {
  const { minPort: first } = await suite.takePorts(2)
  const server = await startDiscovery(t, suite, 'udp:', first)
  // As listener ids of the logic's tests: 1 is another address, 2 another port.
  const places = [0, 1, 2, 3].map((place) => addressOf(HOSTS[place & 1], first + (place >> 1)))

  t.test('answers from each address and port what it asks for, on every worker (RFC 5780 §6.1)', async (t) => {
    for (let count = 0; count < CLIENT_COUNT; count++) {
      const client = await UdpPeer.open(t)
      for (const [asked, place] of places.entries()) {
        for (const [flags, origin] of [
          [0, asked],
          [stun.CHANGE_REQUEST_IP, asked ^ 1],
          [stun.CHANGE_REQUEST_PORT, asked ^ 2],
          [stun.CHANGE_REQUEST_IP | stun.CHANGE_REQUEST_PORT, asked ^ 3],
        ] as const) {
          client.send(place, binding(changing(flags)))
          const { bytes, source } = await client.inbox.next()
          const answer = new Received(bytes)
          t.equal(`${source}`, `${places[origin]}`)
          t.same(
            [stun.ATTRIBUTE_MAPPED_ADDRESS, stun.ATTRIBUTE_RESPONSE_ORIGIN, stun.ATTRIBUTE_OTHER_ADDRESS].map((type) =>
              addressIn(answer.view, type),
            ),
            [client.address, places[origin], places[asked ^ 3]].map(String),
          )
        }
      }
    }
  })

  t.test('RESPONSE-PORT goes to another socket of that address (RFC 5780 §7.5)', async (t) => {
    const [client, other] = [await UdpPeer.open(t), await UdpPeer.open(t)]
    client.send(
      places[0],
      binding((writer) => writer.writeUint32(stun.ATTRIBUTE_RESPONSE_PORT, other.address.port * 65_536)),
    )
    const { bytes, source } = await other.inbox.next()
    t.equal(`${source}`, `${places[0]}`)
    t.equal(addressIn(new Received(bytes).view, stun.ATTRIBUTE_MAPPED_ADDRESS), `${client.address}`)
    t.same(await client.receivedSoFar(), [])
  })

  t.test('PADDING makes the answer as long as the request, past the MTU of most links (RFC 5780 §7.6)', async (t) => {
    const client = await UdpPeer.open(t)
    const request = binding((writer) => writer.writeBytes(stun.ATTRIBUTE_PADDING, new Uint8Array(1500)))
    client.send(places[0], request)
    t.equal((await client.inbox.next()).bytes.length, request.length)
  })

  t.test('Binding of RFC 3489 is answered in its form, from where it asks for (RFC 3489 §8.1)', async (t) => {
    const client = await UdpPeer.open(t)
    const request = new Uint8Array(28)
    const writer = new MessageWriter()
    writer.beginLegacy(request, 0, stun.CLASS_REQUEST, stun.METHOD_BINDING, randomBytes(16), 0)
    writer.writeUint32(stun.ATTRIBUTE_CHANGE_REQUEST, stun.CHANGE_REQUEST_IP | stun.CHANGE_REQUEST_PORT)
    client.send(places[0], request)
    const { bytes, source } = await client.inbox.next()
    t.equal(`${source}`, `${places[3]}`)
    const answer = new MessageView()
    t.equal(decodeLegacyMessage(answer, bytes, 0, bytes.length), 0)
    t.same([...bytes.subarray(4, 20)], [...request.subarray(4, 20)])
    t.equal(addressIn(answer, stun.ATTRIBUTE_MAPPED_ADDRESS), `${client.address}`)
    t.equal(addressIn(answer, stun.ATTRIBUTE_CHANGED_ADDRESS), `${places[3]}`)
  })

  t.test('the second port relays as the first one does, and no client is sent there', async (t) => {
    const client = TurnClient.on(t, await suite.transport.connect('127.0.0.2', first + 1), ALICE)
    t.equal((await client.allocate()).code, 0)
    t.same(
      server.uris().map((uri) => Number(/:(\d+)\?/.exec(uri)?.[1])),
      [first, first],
    )
    t.equal((await client.bindChannel(0x4000, places[3])).code, 403, 'a socket of the server')
  })
}

async function overTcp(t: Test, suite: Suite): Promise<void> {
  const { minPort: first } = await suite.takePorts(2)
  await startDiscovery(t, suite, '', first)
  const client = TurnClient.on(t, await suite.transport.connect('127.0.0.1', first + 1), ALICE)
  const answer = await client.binding()
  t.equal(addressIn(new Received(answer.bytes).view, stun.ATTRIBUTE_RESPONSE_ORIGIN), `127.0.0.1:${first + 1}`)
  t.equal(addressIn(new Received(answer.bytes).view, stun.ATTRIBUTE_OTHER_ADDRESS), `127.0.0.2:${first}`)
  const changed = await client.binding((writer) => writer.writeUint32(stun.ATTRIBUTE_CHANGE_REQUEST, 6))
  t.equal(changed.code, 420, 'a server opens no connections (RFC 5780 §3)')
}

function startDiscovery(t: Test, suite: Suite, scheme: string, port: number): Promise<TurnServer> {
  const listen = HOSTS.map((host) => `${scheme}${host}:${port}`)
  return suite.startServer(t, { hasAllWorkers: true, natDiscovery: true, rfc3489: true, listen })
}

const changing =
  (flags: number): Write =>
  (writer) =>
    writer.writeUint32(stun.ATTRIBUTE_CHANGE_REQUEST, flags)

function binding(write: Write): Uint8Array {
  return encodeRequest(stun.METHOD_BINDING, randomBytes(12), write, null, false)
}

/** In the clear. */
function addressIn(view: MessageView, type: number): string {
  const address = new TransportAddress()
  return view.readAddress(view.find(type), address) ? String(address) : ''
}
