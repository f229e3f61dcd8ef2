// What a worker is started with: plain data on the way, addresses with their class at the end.
import t from 'tap'
import { TemporaryUsers } from '../../../src/auth/temporary-users.js'
import { settingsFromObject } from '../../../src/config/library-options.js'
import { coreSettings } from '../../../src/server/core-settings.js'
import type { StreamWorkerStart, UdpWorkerStart } from '../../../src/server/worker/messages.js'
import { reviveStreamStart, reviveUdpStart } from '../../../src/server/worker/revive.js'
import { TransportAddress } from '../../../src/stun/address.js'
import { allocateSharedTables } from '../../../src/turn/shared-tables.js'
import { addressOf } from '../../support/turn-address.js'

const { settings } = settingsFromObject({
  allowPeer: ['10.0.0.0/8', '[fd00::/8]:443'],
  denyPeer: '192.0.2.0/24',
  nat64Prefix: '2a0a:9600::/32',
  proxyProtocolFrom: '192.0.2.128/25',
  user: 'alice:hunter2',
  authSecret: 'hunter3',
})

const [plain, nat] = [addressOf('192.0.2.1:0'), addressOf('10.0.0.1:0')]
const common = {
  workerIndex: 1,
  settings: coreSettings({
    ...{ settings, limitsLoopback: true },
    alternates: [{ transport: null, domain: '', port: 0, weight: 1, addresses: [addressOf('192.0.2.9:0')] }],
  }),
  relayHosts: [
    { address: plain, advertised: plain },
    { address: nat, advertised: addressOf('203.0.113.1:0') },
  ],
  ownSockets: { addresses: [addressOf('[2001:db8::1]:3478')], wildcardPorts: [3478] },
  localHosts: [addressOf('192.0.2.1:0')],
  users: {
    staticUsers: null,
    restSecrets: [],
    oauthKeys: [],
    usersFile: null,
    temporaryUsers: new TemporaryUsers('turnd').pack(),
    outsideId: 0,
  },
  nonceSecret: new Uint8Array(32),
  tables: allocateSharedTables({
    relayHostCount: 2,
    minPort: 24000,
    maxPort: 24009,
    workerCount: 2,
  }),
  statistics: new SharedArrayBuffer(8),
  heldFds: new SharedArrayBuffer(8),
  isDraining: true,
}

const offloads = { gro: true, gso: false }
const udpStart: UdpWorkerStart = {
  ...common,
  listeners: [{ scheme: 'udp', fd: 7, address: addressOf('192.0.2.1:3478'), isWildcard: false }],
  offloads,
}
const streams = {
  proxyProtocolFrom: settings.proxyProtocolFrom,
  httpUpstream: 'http://127.0.0.1:8080',
  httpUpstreamCa: null,
  pageNames: { names: ['cmsweb.example.org'], status: 421 as const },
  connectionCap: new SharedArrayBuffer(8),
}
const adopted: StreamWorkerStart = {
  ...common,
  streams,
  certificate: { cert: 'certificate', key: 'key' },
  ticketKeys: new Uint8Array(48),
  sockets: {
    kind: 'adopted',
    tcp: [{ scheme: 'tls', fd: 8, address: addressOf('192.0.2.1:443'), isWildcard: false }],
    dtls: [{ scheme: 'dtls', fd: 9, address: addressOf('192.0.2.1:5349'), isWildcard: false }],
    offloads,
  },
}
const own: StreamWorkerStart = {
  ...adopted,
  sockets: {
    kind: 'own',
    specs: settings.listen,
    otherListeners: [{ scheme: 'udp', address: addressOf('192.0.2.1:3478') }],
    adminListen: null,
  },
}

/** Every object in it that has the fields of an address. */
function addressesIn(value: unknown, found: object[] = []): object[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return found
  if ('word0' in value) found.push(value)
  for (const inner of Object.values(value)) addressesIn(inner, found)
  return found
}

const STARTS = [
  ['a worker for UDP clients', udpStart, (posted: unknown) => reviveUdpStart(posted as UdpWorkerStart)],
  ['a stream worker', adopted, (posted: unknown) => reviveStreamStart(posted as StreamWorkerStart)],
  [
    'a stream worker that opens its listeners',
    own,
    (posted: unknown) => reviveStreamStart(posted as StreamWorkerStart),
  ],
] as const

for (const [name, start, revive] of STARTS) {
  t.test(`the start of ${name}`, async (t) => {
    const posted = structuredClone<UdpWorkerStart | StreamWorkerStart>(start)
    const revived = revive(posted)

    t.test('arrives with every address an address', async (t) => {
      const addresses = addressesIn(revived)
      t.equal(addresses.length, addressesIn(start).length)
      t.ok(
        addressesIn(posted).every((address) => !(address instanceof TransportAddress)),
        'they lose their class on the way',
      )
      t.ok(addresses.every((address) => address instanceof TransportAddress))
    })

    t.test('arrives as it was, and with nothing else', async (t) => {
      t.same(revived, start)
      t.same(Object.keys(revived), Object.keys(start))
      t.equal(revived.tables.ports, posted.tables.ports, 'tables are shared')
    })

    t.test('keeps a relay address without a public side one object', async (t) => {
      const [first, second] = revived.relayHosts
      t.equal(first.address, first.advertised)
      t.not(second.address, second.advertised)
    })

    t.test('has no password and no secret in its settings', async (t) => {
      t.notMatch(JSON.stringify(start.settings), /hunter/)
      t.notOk('user' in start.settings)
    })
  })
}
