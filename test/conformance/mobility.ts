// Mobility (RFC 8016) over real sockets: a client that comes from another port, which with several workers is often another one's, keeps its
// allocation while media runs. The rules themselves are tested in test/turn/mobility.test.ts.
import type { Test } from 'tap'
import { ATTRIBUTE_MOBILITY_TICKET, METHOD_REFRESH } from '../../src/stun/constants.js'
import type { ReceivedMessage } from '../support/received-message.js'
import { type AllocateOptions, TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { ALICE, BOB, type Suite } from './suite.js'

const CHANNEL = 0x4000
const MOVE_COUNT = 20
/** Each is a handshake. */
const STREAM_MOVE_COUNT = 4
const BYSTANDER_COUNT = 8
const BURST_COUNT = 20

const asksForTicket: AllocateOptions = {
  extra: (writer) => writer.writeBytes(ATTRIBUTE_MOBILITY_TICKET, new Uint8Array(0)),
}

export function mobility(t: Test, suite: Suite): void {
  const { answersFromAnyAddress, isPlainUdp, isStream, scheme } = suite.transport

  t.test('mobility (RFC 8016)', async (t) => {
    // Streams move within one worker.
    const server = await suite.startServer(t, {
      mobility: true,
      ...(isPlainUdp ? { hasAllWorkers: true } : {}),
      listen: [`${scheme}:127.0.0.1:0`, ...(isPlainUdp && answersFromAnyAddress ? [`${scheme}:0.0.0.0:0`] : [])],
    })
    const [first] = server.address()
    const wildcardPort = server.address().find(({ port }) => port !== first.port)?.port

    const connect = async (t: Test, who = ALICE as typeof ALICE | typeof BOB, host = first.host, port = first.port) => {
      const client = TurnClient.on(t, await suite.transport.connect(host, port), who)
      await client.learnChallenge()
      return client
    }

    /** A client with a channel, its ticket, and its peer. */
    const stage = async (t: Test, host = first.host, port = first.port) => {
      const peer = await UdpPeer.open(t)
      const home = await connect(t, ALICE, host, port)
      const ticket = ticketOf(await home.allocate(asksForTicket))
      t.equal((await home.bindChannel(CHANNEL, peer.address)).code, 0)
      return { home, peer, relay: home.relay, ticket }
    }

    const places: readonly (readonly [string, string, number])[] = [
      [`${scheme} at its own address`, first.host, first.port],
      ...(wildcardPort === undefined
        ? []
        : ([
            ['a wildcard', '127.0.0.1', wildcardPort],
            ['a wildcard, at another address than the kernel would answer from', '127.0.0.2', wildcardPort],
          ] as const)),
    ]
    for (const [what, host, port] of places) {
      const moveCount = isStream ? STREAM_MOVE_COUNT : MOVE_COUNT
      t.test(`${moveCount} moves in a row, while media runs both ways: ${what}`, async (t) => {
        const { home, peer, relay, ticket } = await stage(t, host, port)
        let [client, current] = [home, ticket]
        for (let count = 0; count < moveCount; count++) {
          const away = await connect(t, ALICE, host, port)
          const answer = await move(away, current)
          t.equal(answer.code, 0, `move ${count}`)
          t.not(ticketOf(answer), current)
          current = ticketOf(answer)
          peer.send(relay, `to the old one, ${count}`)
          t.match(await client.nextData(), { text: `to the old one, ${count}` })
          for (let index = 0; index < BURST_COUNT; index++) away.sendChannelData(CHANNEL, `burst ${count}.${index}`)
          for (let index = 0; index < BURST_COUNT; index++) {
            t.match(await peer.inbox.next(), { text: `burst ${count}.${index}`, source: relay })
          }
          for (let index = 0; index < BURST_COUNT; index++) peer.send(relay, `to the new one, ${index}`)
          for (let index = 0; index < BURST_COUNT; index++) {
            t.match(await away.nextData(), { text: `to the new one, ${index}` })
          }
          t.same(client.inbox.takeAll(), [])
          await client.transport.close()
          client = away
        }
        t.equal((await client.refresh()).code, 0)
        t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
      })
    }

    t.test('whoever has the ticket, and not the key, gets 441; the owner goes on', async (t) => {
      const { home, peer, relay, ticket } = await stage(t)
      // Some of them come to the worker that has the allocation, some to the other.
      for (let count = 0; count < 6; count++) {
        const thief = await connect(t, BOB)
        t.equal((await move(thief, ticket)).code, 441)
        thief.sendTo(peer.address, 'stolen')
        await thief.settle()
      }
      peer.send(relay, 'to the owner')
      t.match(await home.nextData(), { text: 'to the owner' })
      t.equal((await home.refresh()).code, 0)
      t.same(await peer.receivedSoFar(), [])
      const away = await connect(t)
      t.equal((await move(away, ticket)).code, 0, 'it has not been used')
    })

    t.test(
      'a Refresh that is sent again and again has one outcome',
      { skip: isStream && 'nothing is lost' },
      async (t) => {
        const { peer, ticket } = await stage(t)
        let current = ticket
        for (let count = 0; count < 6; count++) {
          const away = await connect(t)
          const request = messageOf(away, current)
          for (let copy = 0; copy < 3; copy++) away.transport.send(request)
          const tickets = new Set([ticketOf(await away.exchange(request))])
          for (let copy = 0; copy < 2; copy++) tickets.add(ticketOf(await away.exchange(request)))
          t.equal(tickets.size, 1)
          ;[current] = tickets
          away.sendChannelData(CHANNEL, 'here')
          t.match(await peer.inbox.next(), { text: 'here' })
        }
      },
    )

    t.test('a client whose answer is lost comes back from yet another port', async (t) => {
      const { peer, ticket } = await stage(t)
      for (let count = 0; count < 4; count++) {
        const lost = await connect(t)
        t.equal((await move(lost, ticket)).code, 0)
        await lost.transport.close()
      }
      const away = await connect(t)
      t.equal((await move(away, ticket)).code, 0)
      away.sendChannelData(CHANNEL, 'here')
      t.match(await peer.inbox.next(), { text: 'here' })
    })

    t.test('others lose nothing while sockets come and go', { skip: !isPlainUdp && 'none do' }, async (t) => {
      const peer = await UdpPeer.open(t)
      const bystanders = await Promise.all(Array.from({ length: BYSTANDER_COUNT }, () => connect(t)))
      for (const bystander of bystanders) {
        await bystander.allocate()
        t.equal((await bystander.bindChannel(CHANNEL, peer.address)).code, 0)
      }
      const { ticket } = await stage(t)
      let current = ticket
      let sentCount = 0
      for (let count = 0; count < MOVE_COUNT; count++) {
        const away = await connect(t)
        const moved = move(away, current)
        for (let index = 0; index < BURST_COUNT; index++) {
          for (const bystander of bystanders) bystander.sendChannelData(CHANNEL, String(sentCount++))
          await new Promise((resolve) => setImmediate(resolve))
        }
        current = ticketOf(await moved)
        for (const bystander of bystanders) t.equal((await bystander.refresh()).code, 0)
      }
      const received = new Set((await peer.receivedSoFar()).map(({ text }) => text))
      t.equal(received.size, sentCount)
    })

    t.test('an allocation outlives its connection', { skip: !isStream && 'a socket has no end' }, async (t) => {
      const { home, peer, relay, ticket } = await stage(t)
      await home.transport.close()
      const away = await connect(t)
      t.equal((await move(away, ticket)).code, 0)
      // Nobody is at the old one, once the server has seen its end.
      away.sendChannelData(CHANNEL, 'back again')
      t.match(await peer.inbox.next(), { text: 'back again', source: relay })
      peer.send(relay, 'welcome')
      t.match(await away.nextData(), { text: 'welcome' })
    })
  })
}

function ticketOf(answer: ReceivedMessage): string {
  return answer.text(ATTRIBUTE_MOBILITY_TICKET)
}

function messageOf(client: TurnClient, ticket: string): Uint8Array {
  return client.message(METHOD_REFRESH, (writer) => writer.writeText(ATTRIBUTE_MOBILITY_TICKET, ticket))
}

function move(client: TurnClient, ticket: string): Promise<ReceivedMessage> {
  return client.exchange(messageOf(client, ticket))
}
