// DSCP and ECN of relayed data (RFC 8656 §14): carried from each packet to the one that it becomes, both ways and with either framing;
// an engine that cannot see them sends with none.
import type { Test } from 'tap'
import { withoutKoffi } from '../support/engines.js'
import { connectKernel, KernelSocket, type KernelTransport } from '../support/kernel-socket.js'
import { TurnClient } from '../support/turn-client.js'
import { ALICE, LOOPBACKS, type Suite, serverAddress } from './suite.js'

const CHANNEL = 0x4000
/** DSCP EF, AF41 and CS1; ECN ECT(1), ECT(0), none and CE. */
const TRAFFIC_CLASSES = [0xb9, 0x8a, 0x20, 0x03, 0x00]
const ROUND_COUNT = 40

export function trafficClass(t: Test, suite: Suite): void {
  const isCarried = suite.transport.carriesTrafficClass
  const skip = withoutKoffi() || (!suite.transport.isPlainUdp && 'frames are no packets here')
  const expected = (value: number) => (isCarried ? value : 0)

  t.test('DSCP and ECN', { skip }, async (t) => {
    const server = await suite.sharedServer()

    for (const host of LOOPBACKS) {
      const family = host === '::1' ? 6 : 4
      const sentence = isCarried ? 'are carried both ways' : 'are not carried by this engine'
      t.test(`${sentence} with ${host} (RFC 8656 §14)`, async (t) => {
        const listener = serverAddress(server, family)
        const transport = connectKernel(host, listener.port)
        const client = TurnClient.on(t, transport, ALICE)
        t.equal((await client.allocate({ family })).code, 0)
        const peer = KernelSocket.open(t, host)

        await bothWays(t, client, transport, peer, (text) => client.sendTo(peer.address, text))
        t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
        await bothWays(t, client, transport, peer, (text) => client.sendChannelData(CHANNEL, text))
      })
    }
  })

  async function bothWays(
    t: Test,
    client: TurnClient,
    transport: KernelTransport,
    peer: KernelSocket,
    send: (text: string) => void,
  ): Promise<void> {
    // CreatePermission, as a Send without one goes nowhere.
    t.equal((await client.createPermission(peer.address)).code, 0)
    const classOf = (round: number) => TRAFFIC_CLASSES[round % TRAFFIC_CLASSES.length]
    // Of equal length and at once: what an engine sends in groups, and must not mix.
    for (let round = 0; round < ROUND_COUNT; round++) {
      transport.socket.setTrafficClass(classOf(round))
      send(`round ${round % 10}`)
    }
    const toPeer: number[] = []
    for (let round = 0; round < ROUND_COUNT; round++) {
      const { text, trafficClass } = await peer.inbox.next()
      if (text !== `round ${round % 10}`) t.fail(`${text} in round ${round}`)
      toPeer.push(trafficClass)
    }
    t.same(
      toPeer,
      Array.from({ length: ROUND_COUNT }, (_, round) => expected(classOf(round))),
    )

    for (let round = 0; round < ROUND_COUNT; round++) {
      peer.setTrafficClass(classOf(round))
      peer.send(client.relay, `round ${round % 10}`)
    }
    const toClient: number[] = []
    for (let round = 0; round < ROUND_COUNT; round++) {
      t.match(await client.nextData(), { text: `round ${round % 10}` })
      toClient.push(transport.trafficClasses.shift() ?? -1)
    }
    t.same(
      toClient,
      Array.from({ length: ROUND_COUNT }, (_, round) => expected(classOf(round))),
    )

    transport.socket.setTrafficClass(0xff)
    t.equal((await client.binding()).code, 0)
    transport.socket.setTrafficClass(0)
    transport.trafficClasses.length = 0
  }
}
