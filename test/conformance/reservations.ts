// EVEN-PORT and RESERVATION-TOKEN (RFC 8656 §7.2, §18.7, §18.10).
import type { Test } from 'tap'
import { ATTRIBUTE_RESERVATION_TOKEN } from '../../src/stun/constants.js'
import { UdpPeer } from '../support/udp-peer.js'
import { BOB, type Suite, withoutIPv6 } from './suite.js'

export function reservations(t: Test, suite: Suite): void {
  t.test('EVEN-PORT', async (t) => {
    t.test('without R gives an even port and reserves nothing (RFC 8656 §7.2)', async (t) => {
      const server = await suite.startServer(t, { hasAllWorkers: true, portCount: 4 })
      const ports: number[] = []
      for (let index = 0; index < 2; index++) {
        const client = await suite.connect(t, server)
        const answer = await client.allocate({ evenPort: 'even' })
        t.equal(answer.has(ATTRIBUTE_RESERVATION_TOKEN), false)
        t.equal(client.relay.port % 2, 0)
        ports.push(client.relay.port)
      }
      t.equal((await (await suite.connect(t, server)).allocate({ evenPort: 'even' })).code, 508, 'no even port is left')
      for (let index = 0; index < 2; index++) ports.push((await suite.allocate(t, server)).relay.port)
      const { minPort } = server.settings
      t.same(
        ports.sort((a, b) => a - b),
        [minPort, minPort + 1, minPort + 2, minPort + 3],
      )
    })

    t.test('with R keeps the next port for whoever brings the token (RFC 8656 §7.2)', async (t) => {
      const server = await suite.sharedServer()
      const rtp = await suite.connect(t, server)
      const answer = await rtp.allocate({ evenPort: 'pair' })
      const token = answer.value(ATTRIBUTE_RESERVATION_TOKEN)
      t.equal(token.length, 8)
      t.equal(rtp.relay.port % 2, 0)

      // Another client, on another 5-tuple.
      const rtcp = await suite.connect(t, server)
      const claimed = await rtcp.allocate({ token })
      t.equal(claimed.code, 0)
      t.equal(claimed.has(ATTRIBUTE_RESERVATION_TOKEN), false)
      t.equal(rtcp.relay.toString(), `127.0.0.1:${rtp.relay.port + 1}`)

      const peer = await UdpPeer.open(t)
      for (const client of [rtp, rtcp]) {
        t.equal((await client.bindChannel(0x4000, peer.address)).code, 0)
        client.sendChannelData(0x4000, 'media')
        t.match(await peer.inbox.next(), { text: 'media', source: client.relay })
      }
    })

    t.test('takes a pair of ports or nothing, and gives back both (RFC 8656 §7.2)', async (t) => {
      const server = await suite.startServer(t, { hasAllWorkers: true, portCount: 4 })
      for (let round = 0; round < 10; round++) {
        const clients = [await suite.connect(t, server), await suite.connect(t, server)]
        const tokens: Buffer[] = []
        for (const client of clients) {
          tokens.push((await client.allocate({ evenPort: 'pair' })).value(ATTRIBUTE_RESERVATION_TOKEN))
        }
        const third = await suite.connect(t, server)
        t.equal((await third.allocate({ evenPort: 'pair' })).code, 508, 'all four ports are taken')
        t.equal((await third.allocate()).code, 508, 'a reserved port is not free')
        for (const token of tokens) {
          const claimer = await suite.connect(t, server)
          t.equal((await claimer.allocate({ token })).code, 0)
          await claimer.refresh({ lifetimeSeconds: 0 })
        }
        for (const client of clients) await client.refresh({ lifetimeSeconds: 0 })
      }
    })

    t.test('works for IPv6 relays (RFC 8656 §7.2)', { skip: withoutIPv6 }, async (t) => {
      const server = await suite.sharedServer()
      const rtp = await suite.connect(t, server)
      const answer = await rtp.allocate({ evenPort: 'pair', family: 6 })
      const rtcp = await suite.allocate(t, server, { token: answer.value(ATTRIBUTE_RESERVATION_TOKEN) })
      t.equal(rtcp.relay.toString(), `[::1]:${rtp.relay.port + 1}`)
    })
  })

  t.test('RESERVATION-TOKEN', async (t) => {
    const server = await suite.sharedServer()

    t.test('is good for one allocation (RFC 8656 §7.2)', async (t) => {
      const token = await reserve(t, suite, server)
      t.equal((await (await suite.connect(t, server)).allocate({ token })).code, 0)
      t.equal((await (await suite.connect(t, server)).allocate({ token })).code, 508)
    })

    t.test('is good for the user who got it, and is not lost by trying', async (t) => {
      const token = await reserve(t, suite, server)
      t.equal((await (await suite.connect(t, server, BOB)).allocate({ token })).code, 508)
      t.equal((await (await suite.connect(t, server)).allocate({ token })).code, 0)
    })

    t.test('outlives the allocation that reserved it (RFC 8656 §7.2)', async (t) => {
      const rtp = await suite.connect(t, server)
      const token = (await rtp.allocate({ evenPort: 'pair' })).value(ATTRIBUTE_RESERVATION_TOKEN)
      await rtp.refresh({ lifetimeSeconds: 0 })
      t.equal((await (await suite.connect(t, server)).allocate({ token })).code, 0)
    })

    t.test('of another length gets 400, an unknown one 508 (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      for (const length of [0, 7, 9]) t.equal((await client.allocate({ token: Buffer.alloc(length) })).code, 400)
      t.equal((await client.allocate({ token: Buffer.alloc(8) })).code, 508)
    })
  })
}

async function reserve(t: Test, suite: Suite, server: Parameters<Suite['connect']>[1]): Promise<Buffer> {
  const client = await suite.connect(t, server)
  return (await client.allocate({ evenPort: 'pair' })).value(ATTRIBUTE_RESERVATION_TOKEN)
}
