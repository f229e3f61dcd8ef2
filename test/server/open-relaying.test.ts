// Which engine relays in the end, and what is left of one that could not start.
import t, { type Test } from 'tap'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { describeEngine, type OpenedRelaying, openRelaying } from '../../src/server/open-relaying.js'
import { resolveRelayHosts } from '../../src/server/relay-hosts.js'
import type { Relaying, RelayingParts } from '../../src/server/relaying.js'
import { loadUsers } from '../../src/server/users.js'
import { NATIVE } from '../support/engines.js'
import { UdpPeer } from '../support/udp-peer.js'
import { settingsOf } from './settings.js'

const OFFLOADS = { gro: false, gso: false }
const OPTIONS: TurnServerOptions = {
  ...{ user: 'alice:secret', relayIp: '127.0.0.1', minPort: 31_750, maxPort: 31_759, workers: 2 },
}

/** @param snapshot what workers are started with */
async function partsFor(options: TurnServerOptions, snapshot?: unknown): Promise<RelayingParts> {
  const settings = settingsOf({ ...OPTIONS, ...options })
  const silent = () => {}
  const users = loadUsers(settings, false, silent)
  return {
    settings,
    ...{ limitsLoopback: false, alternates: [] },
    relayHosts: await resolveRelayHosts(settings, silent),
    users: snapshot === undefined ? users : { ...users, snapshot: () => snapshot as never },
    nonceSecret: new Uint8Array(32),
    certificate: null,
    httpUpstreamCa: null,
    news: { report: silent, workerDied: silent, workerRestarted: silent, warn: silent },
  }
}

async function freeListen(t: Test) {
  const peer = await UdpPeer.open(t)
  await peer.close()
  return { listen: `udp:${peer.address}`, port: peer.address.port }
}

t.test('a worker that cannot start', { skip: NATIVE.skip }, async (t) => {
  const cases: readonly (readonly [what: string, snapshot: unknown, reason: RegExp])[] = [
    ['because it cannot be told', { usersFile: () => {} }, /could not be cloned/],
    ['because it throws', null, /Cannot .+ null/],
  ]
  for (const [what, snapshot, reason] of cases) {
    t.test(`${what} means the dgram engine with --engine auto, and says why`, async (t) => {
      const { listen, port } = await freeListen(t)
      const parts = await partsFor({ engine: 'auto', listen }, snapshot)
      const opened = await openRelaying({ engine: 'native', offloads: OFFLOADS, reason: '' }, parts)
      t.teardown(() => opened.relaying.stop())
      t.match(opened, { relaying: { engine: 'dgram', workerCount: 1 }, offloads: null })
      t.match(opened.reason, reason)
      t.match(opened.reason, /^a worker of the native engine could not start: /)
      t.match(opened.relaying.listeners, [{ address: { port } }], 'on the port that the workers have left')
    })

    t.test(`${what} stops the start with --engine native, and leaves nothing open`, async (t) => {
      const { listen, port } = await freeListen(t)
      const parts = await partsFor({ engine: 'native', listen }, snapshot)
      const opening = openRelaying({ engine: 'native', offloads: OFFLOADS, reason: '' }, parts)
      await t.rejects(opening, { code: 'TURND_ERR_ENGINE', message: reason })
      t.equal((await UdpPeer.open(t, '127.0.0.1', port)).address.port, port)
    })
  }
})

t.test('an address in use is no reason to take another engine', { skip: NATIVE.skip }, async (t) => {
  const taken = await UdpPeer.open(t)
  const parts = await partsFor({ engine: 'auto', listen: `udp:${taken.address}` })
  const opening = openRelaying({ engine: 'native', offloads: OFFLOADS, reason: '' }, parts)
  await t.rejects(opening, { code: 'TURND_ERR_ADDRESS_IN_USE' })
})

t.test('an engine is described in a few words', async (t) => {
  const describe = (engine: 'dgram' | 'native', workerCount: number, offloads: OpenedRelaying['offloads']) =>
    describeEngine({ relaying: { engine, workerCount } as Relaying, offloads, reason: '' })
  t.equal(describe('dgram', 1, null), 'dgram engine')
  t.equal(describe('native', 1, { gro: true, gso: true }), 'native engine with 1 worker, GRO and GSO')
  t.equal(describe('native', 2, { gro: true, gso: false }), 'native engine with 2 workers, GRO')
  t.equal(describe('native', 2, OFFLOADS), 'native engine with 2 workers')
})
