// Every forbidden target in every encoding through every method that names a peer (security.md): 403 from requests, silence from
// indications, and in no case an effect towards a peer or towards the client.
import t from 'tap'
import type { TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import type { CoreClient } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions } from '../support/core-harness.js'
import { EMBEDDINGS, type Embedding } from '../support/embeddings.js'
import * as targets from '../support/peer-targets.js'
import { addressOf } from '../support/turn-address.js'

const DATA = Buffer.from('canary')
const PLAIN: Embedding = { name: 'plain IPv4', embed: (address) => address }
const IPV4_TARGETS = [...targets.ALWAYS_DENIED_TARGETS, ...targets.DENIED_BY_DEFAULT_TARGETS]

function allocated(options: CoreHarnessOptions): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness({ ...targets.TARGET_SERVER, ...options })
  const client = harness.client()
  client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
  return { harness, client }
}

/** Codes of CreatePermission and ChannelBind, and the number of datagrams that got through in either direction. */
function tryEverything(harness: CoreHarness, client: CoreClient, peer: TransportAddress): string {
  const permission = client.createPermission(peer).code
  const channel = client.channelBind(0x4000, peer).code
  const relay = harness.allocationOf(client).relayOfFamily(peer.family)
  harness.output.take()
  client.sendIndication(peer, DATA)
  client.channelData(0x4000, DATA)
  if (relay !== null) harness.peerSends(relay.id, peer.toString(), DATA)
  return `${permission} ${channel} ${harness.output.take().length}`
}

/** A permission that came about in some other way must not help either. */
function tryWithPermission(harness: CoreHarness, client: CoreClient, peer: TransportAddress): number {
  const allocation = harness.allocationOf(client)
  const permission = allocation.installPermission(peer, harness.core.now)
  const channel = allocation.addChannel(0x4001, permission, peer.port)
  channel.expiresAt = harness.core.now + 100
  client.sendIndication(peer, DATA)
  client.channelData(0x4001, DATA)
  harness.peerSends(harness.relayOf(client, peer.family as 4 | 6).id, peer.toString(), DATA)
  const count = harness.output.take().length
  allocation.removeChannel(channel)
  permission.expiresAt = 0
  allocation.forgetExpired(harness.core.now)
  return count
}

for (const { name, embed } of [PLAIN, ...EMBEDDINGS]) {
  t.test(`forbidden targets as ${name}`, async (t) => {
    t.test('get 403 from CreatePermission and ChannelBind, and nothing passes', async (t) => {
      const { harness, client } = allocated({})
      for (const text of IPV4_TARGETS) {
        const peer = embed(addressOf(text))
        t.equal(tryEverything(harness, client, peer), '403 403 0', `${text} as ${peer}`)
        t.equal(tryWithPermission(harness, client, peer), 0, `${text} as ${peer} with a permission`)
      }
    })

    t.test('also when --allow-peer opens all of IPv6', async (t) => {
      const { harness, client } = allocated({ allowPeer: ['::/0'] })
      for (const text of IPV4_TARGETS) {
        const peer = embed(addressOf(text))
        t.match(tryEverything(harness, client, peer), /^(403|0) 403 0$/, `${text} as ${peer}`)
        t.equal(tryWithPermission(harness, client, peer), 0, `${text} as ${peer} with a permission`)
      }
    })
  })
}

t.test('forbidden IPv6 targets get 403, and nothing passes', async (t) => {
  const { harness, client } = allocated({})
  for (const text of [...targets.ALWAYS_DENIED_IPV6, ...targets.DENIED_BY_DEFAULT_IPV6]) {
    t.equal(tryEverything(harness, client, addressOf(text)), '403 403 0', text)
    t.equal(tryWithPermission(harness, client, addressOf(text)), 0, text)
  }
})

t.test('a family that the allocation lacks gets 443, in every encoding (RFC 8656 §10.2)', async (t) => {
  const harness = new CoreHarness(targets.TARGET_SERVER)
  const ipv4 = harness.client()
  ipv4.allocate()
  const ipv6 = harness.client()
  ipv6.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6))
  for (const text of ['1.2.3.4:80', ...IPV4_TARGETS.slice(0, 20)]) {
    t.equal(tryEverything(harness, ipv6, addressOf(text)), '443 443 0', text)
    for (const { name, embed } of EMBEDDINGS) {
      t.equal(tryEverything(harness, ipv4, embed(addressOf(text))), '443 443 0', `${text} as ${name}`)
    }
  }
})

t.test('allowed targets pass all four ways', async (t) => {
  const { harness, client } = allocated({})
  for (const text of [...targets.ALLOWED_NEIGHBOURS, ...targets.ALLOWED_NEIGHBOURS_IPV6]) {
    const peer = addressOf(text)
    t.equal(tryEverything(harness, client, peer), '0 0 3', text)
    const allocation = harness.allocationOf(client)
    for (const channel of allocation.channels.values()) allocation.removeChannel(channel)
  }
})
