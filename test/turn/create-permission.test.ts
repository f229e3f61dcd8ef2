import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { DROP_NO_PERMISSION } from '../../src/turn/drop-reasons.js'
import { type CoreClient, writePeers } from '../support/core-client.js'
import {
  CoreHarness,
  type CoreHarnessOptions,
  PEER,
  PEER_IPV6,
  SERVER_HOST,
  SERVER_HOST_IPV6,
} from '../support/core-harness.js'
import { atPort } from '../support/turn-address.js'

const PERMISSION_TICKS = 30_000
const FORBIDDEN = '10.0.0.1:80'
const DATA = Buffer.from('data')

function allocated(options: CoreHarnessOptions = {}): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness(options)
  const client = harness.client()
  client.allocate((writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 3600))
  return { harness, client }
}

/** The addresses of the live permissions. */
function permissionsOf(harness: CoreHarness, client: CoreClient): string[] {
  const live = harness.allocationOf(client).livePermissions(harness.core.now)
  return [...live].map(({ address }) => address.toString().replace(/:0$/, ''))
}

function peers(count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, index) => `1.2.${(first + index) >> 8}.${(first + index) & 255}`)
}

t.test('CreatePermission (RFC 8656 §10)', async (t) => {
  t.test('lets data of the peer through, from any port, and data to it, and nothing before', async (t) => {
    const { harness, client } = allocated()
    const { id } = harness.relayOf(client)
    t.equal(harness.peerSends(id, PEER, DATA), DROP_NO_PERMISSION)
    t.equal(client.sendIndication(PEER, DATA), DROP_NO_PERMISSION)
    const answer = client.createPermission(PEER)
    t.equal(answer.code, 0)
    t.same(answer.types, [])
    for (const port of [6000, 1, 65_535]) {
      const peer = atPort(PEER, port).toString()
      t.equal(harness.peerSends(id, peer, DATA), 0, peer)
      t.equal(client.sendIndication(peer, DATA), 0, peer)
    }
    t.equal(harness.peerSends(id, '1.2.3.5:6000', DATA), DROP_NO_PERMISSION)
  })

  t.test('takes several peers of both families', async (t) => {
    const { harness, client } = allocatedDual()
    t.equal(client.createPermission('1.2.3.4', '1.2.3.5', '2a00::1').code, 0)
    t.same(permissionsOf(harness, client).sort(), ['1.2.3.4', '1.2.3.5', '[2a00::1]'])
  })

  t.test('installs all or nothing', async (t) => {
    for (const [bad, code] of [
      [FORBIDDEN, 403],
      [PEER_IPV6, 443],
      ['127.0.0.1', 403],
    ] as const) {
      for (const order of [
        ['1.2.3.4', bad],
        [bad, '1.2.3.4'],
        ['1.2.3.4', bad, '1.2.3.5'],
      ]) {
        const { harness, client } = allocated()
        t.equal(client.createPermission(...order).code, code)
        t.same(permissionsOf(harness, client), [])
      }
    }
  })

  t.test('does not refresh the others of a request that is refused', async (t) => {
    const { harness, client } = allocated()
    client.createPermission('1.2.3.4')
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(client.createPermission('1.2.3.4', FORBIDDEN).code, 403)
    harness.advanceTicks(1)
    t.same(permissionsOf(harness, client), [])
  })

  t.test('without XOR-PEER-ADDRESS gets 400', async (t) => {
    const { harness, client } = allocated()
    t.equal(client.createPermission().code, 400)
    t.equal(harness.observer.lastRefusal(), 'missing-attribute 400')
  })

  for (const [name, value] of [
    ['of 7 bytes', [0, 1, 0, 0, 1, 2, 3]],
    ['without a value', []],
    ['of an unknown family', [0, 3, 0, 0, 1, 2, 3, 4]],
    ['of IPv4 with 20 bytes', [0, 1, ...new Array<number>(18).fill(1)]],
    ['of IPv6 with 8 bytes', [0, 2, 0, 0, 1, 2, 3, 4]],
  ] as const) {
    t.test(`with a malformed XOR-PEER-ADDRESS ${name} gets 400, and installs nothing`, async (t) => {
      const { harness, client } = allocated()
      const answer = client.ask(stun.METHOD_CREATE_PERMISSION, (writer) => {
        writePeers(writer, [PEER]).writeBytes(stun.ATTRIBUTE_XOR_PEER_ADDRESS, Uint8Array.from(value))
      })
      t.equal(answer.code, 400)
      t.equal(harness.observer.lastRefusal(), 'malformed-attribute 400')
      t.same(permissionsOf(harness, client), [])
    })
  }

  function allocatedDual(): { harness: CoreHarness; client: CoreClient } {
    const harness = new CoreHarness({ relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] })
    const client = harness.client()
    client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
    return { harness, client }
  }
})

t.test('a permission lives 300 s (RFC 8656 §9)', async (t) => {
  t.test('to the tick, in both directions', async (t) => {
    const { harness, client } = allocated()
    const { id } = harness.relayOf(client)
    client.createPermission(PEER)
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(harness.peerSends(id, PEER, DATA), 0)
    t.equal(client.sendIndication(PEER, DATA), 0)
    harness.advanceTicks(1)
    t.equal(harness.peerSends(id, PEER, DATA), DROP_NO_PERMISSION)
    t.equal(client.sendIndication(PEER, DATA), DROP_NO_PERMISSION)
  })

  t.test('CreatePermission refreshes it, from then on', async (t) => {
    const { harness, client } = allocated()
    const { id } = harness.relayOf(client)
    client.createPermission(PEER)
    harness.advanceSeconds(200)
    client.createPermission(atPort(PEER, 1))
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(harness.peerSends(id, PEER, DATA), 0)
    harness.advanceTicks(1)
    t.equal(harness.peerSends(id, PEER, DATA), DROP_NO_PERMISSION)
  })

  t.test('data does not refresh it, in no direction (RFC 8656 §11)', async (t) => {
    const { harness, client } = allocated()
    const { id } = harness.relayOf(client)
    client.createPermission(PEER)
    for (let second = 0; second < 299; second += 13) {
      t.equal(harness.peerSends(id, PEER, DATA), 0)
      t.equal(client.sendIndication(PEER, DATA), 0)
      harness.advanceSeconds(13)
    }
    t.equal(harness.core.now, PERMISSION_TICKS - 100)
    t.equal(harness.peerSends(id, PEER, DATA), 0)
    harness.advanceSeconds(1)
    t.equal(harness.peerSends(id, PEER, DATA), DROP_NO_PERMISSION)
    t.equal(client.sendIndication(PEER, DATA), DROP_NO_PERMISSION)
  })

  t.test('and can be made again', async (t) => {
    const { harness, client } = allocated()
    client.createPermission(PEER)
    harness.advanceTicks(PERMISSION_TICKS)
    t.equal(client.createPermission(PEER).code, 0)
    t.equal(harness.peerSends(harness.relayOf(client).id, PEER, DATA), 0)
    t.equal(harness.allocationOf(client).permissionCount, 1)
  })
})

t.test('the cap of permissions (security.md)', async (t) => {
  t.test('128, then 508 and nothing of that request; refreshing goes on', async (t) => {
    const { harness, client } = allocated()
    t.equal(client.createPermission(...peers(127)).code, 0)
    t.equal(client.createPermission(...peers(2, 127)).code, 508, 'two do not fit')
    t.equal(harness.allocationOf(client).permissionCount, 127)
    t.equal(client.createPermission(...peers(1, 127)).code, 0, 'one does')
    t.equal(client.createPermission(...peers(1, 128)).code, 508)
    t.equal(harness.observer.lastRefusal(), 'permission-limit 508')
    t.equal(client.createPermission(...peers(128)).code, 0, 'all of them again')
    t.equal(harness.allocationOf(client).permissionCount, 128)
  })

  t.test('counts a peer once, whatever its ports', async (t) => {
    const { harness, client } = allocated({ permissionCountMax: 1 })
    t.equal(client.createPermission('1.2.3.4:1', '1.2.3.4:2', '1.2.3.4:1').code, 0)
    t.equal(harness.allocationOf(client).permissionCount, 1)
  })

  t.test('forgets expired ones', async (t) => {
    const { harness, client } = allocated()
    client.createPermission(...peers(128))
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(client.createPermission('1.3.0.0').code, 508)
    harness.advanceTicks(1)
    t.equal(client.createPermission('1.3.0.0').code, 0)
    t.equal(harness.allocationOf(client).permissionCount, 1)
  })

  t.test('is not passed by a request that renews expired ones and adds others', async (t) => {
    const { harness, client } = allocated({ permissionCountMax: 10 })
    client.createPermission(...peers(4))
    harness.advanceSeconds(200)
    client.createPermission(...peers(6, 4))
    harness.advanceSeconds(100)
    // Four have expired: of four renewed and four new ones only four have room.
    t.equal(client.createPermission(...peers(4), ...peers(4, 20)).code, 508)
    t.ok(harness.allocationOf(client).permissionCount <= 10)
    t.equal(client.createPermission(...peers(4)).code, 0)
    t.equal(harness.allocationOf(client).permissionCount, 10)
  })

  t.test('keeps the heap flat: nothing is left of 100 generations', async (t) => {
    const { harness, client } = allocated()
    for (let generation = 0; generation < 100; generation++) {
      client.nonce = ''
      t.equal(client.createPermission(...peers(128, generation * 128)).code, 0)
      harness.advanceTicks(PERMISSION_TICKS)
      client.nonce = ''
      client.refresh(3600)
    }
    const allocation = harness.allocationOf(client)
    t.equal(allocation.permissionCount, 0)
    t.equal(allocation.permissions.size, 0)
  })
})

t.test('what is forbidden gets 403', async (t) => {
  t.test('with the peer told to the observer', async (t) => {
    const { harness, client } = allocated()
    for (const peer of [FORBIDDEN, '127.0.0.1:3478', '0.0.0.0:1', '224.0.0.1:1', `${SERVER_HOST}:3478`]) {
      t.equal(client.createPermission(peer).code, 403, peer)
      t.equal(harness.observer.refusals.at(-1)?.peer, peer)
    }
  })

  t.test('but an address of which some port is open gets its permission, and only that port is relayed', async (t) => {
    const { harness, client } = allocated({ allowPeer: ['10.0.0.1:5000'] })
    const { id } = harness.relayOf(client)
    t.equal(client.createPermission('10.0.0.1:80').code, 0, 'a permission names no port')
    t.equal(client.sendIndication('10.0.0.1:5000', DATA), 0)
    t.equal(harness.peerSends(id, '10.0.0.1:5000', DATA), 0)
    for (const port of [4999, 5001, 80]) {
      t.not(client.sendIndication(`10.0.0.1:${port}`, DATA), 0)
      t.not(harness.peerSends(id, `10.0.0.1:${port}`, DATA), 0)
      t.equal(client.channelBind(0x4000, `10.0.0.1:${port}`).code, 403)
    }
    t.equal(client.channelBind(0x4000, '10.0.0.1:5000').code, 0)
  })
})
