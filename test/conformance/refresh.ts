// Refresh (RFC 8656 §8), and requests on a 5-tuple without an allocation (§5).
import type { Test } from 'tap'
import {
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  METHOD_ALLOCATE,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import { nextEvent } from '../support/next-event.js'
import { describeAllocate } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { type Suite, withoutIPv6 } from './suite.js'

export function refresh(t: Test, suite: Suite): void {
  t.test('Refresh', async (t) => {
    const server = await suite.sharedServer()

    t.test(
      'grants 600 s for anything below it but 0, and caps at 3600 s instead of failing (RFC 8656 §8.2)',
      async (t) => {
        const client = await suite.allocate(t, server)
        const lifetimes = [
          [undefined, 600],
          [1, 600],
          [599, 600],
          [601, 601],
          [3600, 3600],
          [3601, 3600],
          [0xffffffff, 3600],
        ] as const
        for (const [lifetimeSeconds, granted] of lifetimes) {
          const answer = await client.refresh(lifetimeSeconds === undefined ? {} : { lifetimeSeconds })
          t.equal(answer.code, 0)
          t.same(answer.types, [ATTRIBUTE_LIFETIME, ATTRIBUTE_MESSAGE_INTEGRITY])
          t.equal(answer.uint32(ATTRIBUTE_LIFETIME), granted)
        }
      },
    )

    t.test('with LIFETIME 0 closes the relay at once: its port is free (RFC 8656 §8.2)', async (t) => {
      const client = await suite.allocate(t, server)
      const { port } = client.relay
      await t.rejects(UdpPeer.open(t, '127.0.0.1', port), { code: 'EADDRINUSE' })
      const deleted = nextEvent(server, 'allocationDeleted', ({ relayed }) => relayed.includes(`127.0.0.1:${port}`))
      const answer = await client.refresh({ lifetimeSeconds: 0 })
      t.equal(answer.uint32(ATTRIBUTE_LIFETIME), 0)
      await UdpPeer.open(t, '127.0.0.1', port)
      t.match(await deleted, [{ user: 'alice', relayed: [`127.0.0.1:${port}`] }, 'refresh'])
    })

    t.test('with LIFETIME 0 again gets 437 (RFC 8656 §8.2)', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
      t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 437)
    })

    t.test('of a wrong length gets 400, and changes nothing', async (t) => {
      const client = await suite.allocate(t, server)
      for (const length of [0, 3, 5, 8]) {
        const answer = await client.request(METHOD_REFRESH, (writer) => {
          writer.writeBytes(ATTRIBUTE_LIFETIME, Buffer.alloc(length))
        })
        t.equal(answer.code, 400, `LIFETIME of ${length} bytes`)
      }
      const answer = await client.request(METHOD_REFRESH, (writer) => {
        writer.writeBytes(ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, Buffer.from([1]))
      })
      t.equal(answer.code, 400)
      t.equal((await client.refresh()).code, 0)
    })

    t.test('of a family that the allocation lacks, or that does not exist, gets 443 (RFC 8656 §8.2)', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.refresh({ family: 6 })).code, 443)
      t.equal((await client.refresh({ family: 6, lifetimeSeconds: 0 })).code, 443)
      t.equal((await client.refresh({ family: 3 })).code, 443)
      t.equal((await client.refresh({ family: 4 })).code, 0)
    })

    t.test('of an IPv6 allocation for IPv4 gets 443 (RFC 8656 §8.2)', { skip: withoutIPv6 }, async (t) => {
      const client = await suite.allocate(t, server, { family: 6 })
      t.equal((await client.refresh({ family: 4, lifetimeSeconds: 0 })).code, 443)
      t.equal((await client.refresh({ family: 6 })).code, 0)
    })

    t.test('deletes permissions and channels with the allocation (RFC 8656 §8.1)', async (t) => {
      const peer = await UdpPeer.open(t)
      const client = await suite.allocate(t, server)
      t.equal((await client.bindChannel(0x4000, peer.address)).code, 0)
      await client.refresh({ lifetimeSeconds: 0 })
      t.equal((await client.allocate()).code, 0, 'the 5-tuple is free')
      client.sendChannelData(0x4000, 'old channel')
      client.sendTo(peer.address, 'old permission')
      await client.settle()
      t.same(await peer.receivedSoFar(), [])
    })
  })

  t.test('without an allocation', async (t) => {
    const server = await suite.sharedServer()

    t.test('Refresh, CreatePermission and ChannelBind get 437 (RFC 8656 §5)', async (t) => {
      const peer = await UdpPeer.open(t)
      const client = await suite.connect(t, server)
      t.equal((await client.refresh()).code, 437)
      t.equal((await client.createPermission(peer.address)).code, 437)
      t.equal((await client.bindChannel(0x4000, peer.address)).code, 437)
    })

    t.test('Send indications and ChannelData are silent (RFC 8656 §5)', async (t) => {
      const peer = await UdpPeer.open(t)
      const client = await suite.connect(t, server)
      client.sendTo(peer.address, 'nowhere')
      await client.settle()
      // The first message of a stream is never ChannelData: the Send came before it.
      client.sendChannelData(0x4000, 'nowhere')
      await client.settle()
      t.same(client.inbox.items, [])
      t.same(await peer.receivedSoFar(), [])
    })

    t.test(
      'the allocation of one client is nothing to another one, even of the same user (RFC 8656 §2.2)',
      async (t) => {
        const peer = await UdpPeer.open(t)
        const owner = await suite.allocate(t, server)
        t.equal((await owner.bindChannel(0x4000, peer.address)).code, 0)
        const other = await suite.connect(t, server)
        t.equal((await other.refresh({ lifetimeSeconds: 0 })).code, 437)
        other.sendChannelData(0x4000, 'not mine')
        await other.settle()
        t.same(await peer.receivedSoFar(), [])
        t.equal((await owner.refresh()).code, 0)
      },
    )

    t.test('an Allocate whose allocation was deleted makes a new one (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      await client.learnChallenge()
      const request = client.message(METHOD_ALLOCATE, describeAllocate)
      const reported = () => {
        return nextEvent(server, 'allocation', (info) => info.client === client.localAddress.toString())
      }
      const first = reported()
      t.equal((await client.exchange(request)).code, 0)
      await first
      t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
      const second = reported()
      t.equal((await client.exchange(request)).code, 0)
      await second
    })
  })
}
