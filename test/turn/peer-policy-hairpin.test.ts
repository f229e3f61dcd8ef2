import t from 'tap'
import { Allocation, Relay } from '../../src/turn/allocation.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { PEER_FORBIDDEN, PEER_HAIRPIN } from '../../src/turn/peer-policy.js'
import { relayHostOf } from '../support/core-harness.js'
import { EMBEDDINGS } from '../support/embeddings.js'
import { mayHavePermission, stage, verdict } from '../support/peer-stage.js'
import * as targets from '../support/peer-targets.js'
import { addressOf, atPort } from '../support/turn-address.js'

t.test('hairpin', async (t) => {
  /** Two allocations with a relay each on host `hostIndex`. */
  function twoAllocations(hostIndex: number) {
    const server = stage()
    const relays = [server.allocation, new Allocation(new FiveTuple(), 'bob', 0, new Uint8Array(12))].map(
      (allocation, id) => {
        const host = relayHostOf(targets.TARGET_SERVER.relayHosts?.[hostIndex] ?? '')
        const port = server.relayPorts.claim(hostIndex)
        const relay = new Relay(id, allocation, hostIndex, atPort(host.address, port), atPort(host.advertised, port))
        if (relay.address.family === 4) allocation.relay4 = relay
        else allocation.relay6 = relay
        return relay
      },
    )
    return { ...server, own: relays[0], other: relays[1] }
  }

  for (const [hostIndex, name] of [
    [0, 'a relay address'],
    [1, 'a relay address behind static NAT'],
    [2, 'an IPv6 relay address'],
  ] as const) {
    t.test(`to the live relay of another allocation on ${name}, and to nothing else there`, async (t) => {
      const world = twoAllocations(hostIndex)
      const { policy, relayPorts, allocation, own, other } = world
      for (const side of ['advertised', 'address'] as const) {
        t.equal(policy.authorizePeer(other[side], allocation), PEER_FORBIDDEN, 'not live yet')
        t.equal(policy.authorizeHost(other[side], allocation), false)
      }
      relayPorts.markLive(hostIndex, own.address.port)
      t.equal(policy.authorizePeer(own.advertised, allocation), PEER_FORBIDDEN, 'its own relay')
      t.equal(policy.authorizePeer(own.address, allocation), PEER_FORBIDDEN)
      t.equal(policy.authorizeHost(own.advertised, allocation), false, 'its own is the only one')
      relayPorts.markLive(hostIndex, other.address.port)
      t.equal(policy.authorizePeer(other.advertised, allocation), PEER_HAIRPIN + hostIndex)
      t.equal(policy.authorizePeer(other.address, allocation), PEER_HAIRPIN + hostIndex)
      t.equal(policy.authorizeHost(other.advertised, allocation), true)
      t.equal(policy.authorizePeer(own.advertised, allocation), PEER_FORBIDDEN, 'still')
      for (const port of [targets.RELAY_PORT_MIN, targets.RELAY_PORT_MAX, 3478, 22]) {
        if (port === other.address.port) continue
        t.equal(policy.authorizePeer(atPort(other.advertised, port), allocation), PEER_FORBIDDEN, String(port))
      }
      relayPorts.release(hostIndex, other.address.port)
      t.equal(policy.authorizePeer(other.advertised, allocation), PEER_FORBIDDEN, 'gone')
      t.equal(policy.authorizeHost(other.advertised, allocation), false)
    })
  }

  t.test('never through another spelling of the relay address', async (t) => {
    for (const hostIndex of [0, 1]) {
      const { policy, relayPorts, allocation, other } = twoAllocations(hostIndex)
      relayPorts.markLive(hostIndex, other.address.port)
      for (const { name, embed } of EMBEDDINGS) {
        t.equal(policy.authorizePeer(embed(other.advertised), allocation), PEER_FORBIDDEN, name)
      }
    }
  })

  t.test('no deny rule breaks it', async (t) => {
    const options = { denyPeer: ['0.0.0.0/0', '10.0.0.0/8'] }
    const server = stage(options)
    const port = server.relayPorts.claim(0)
    server.relayPorts.markLive(0, port)
    t.equal(verdict(server, `${targets.LOCAL_HOST}:${port}`), PEER_HAIRPIN)
    t.equal(mayHavePermission(server, targets.LOCAL_HOST), true)
  })

  t.test('isLiveRelay knows bound and advertised addresses', async (t) => {
    const { policy, relayPorts, other } = twoAllocations(1)
    t.equal(policy.isLiveRelay(other.address), false)
    relayPorts.markLive(1, other.address.port)
    t.equal(policy.isLiveRelay(other.address), true)
    t.equal(policy.isLiveRelay(other.advertised), true)
    t.equal(policy.isLiveRelay(atPort(other.advertised, 3478)), false)
    t.equal(policy.isLiveRelay(addressOf(`1.2.3.4:${other.address.port}`)), false)
  })
})
