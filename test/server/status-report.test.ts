import t from 'tap'
import { settingsFromObject } from '../../src/config/library-options.js'
import type { Relaying } from '../../src/server/relaying.js'
import { Statistics, totalsOf } from '../../src/server/statistics.js'
import { statusReport } from '../../src/server/status-report.js'
import { hostAddress, type TransportAddress } from '../../src/stun/address.js'

const HOST = hostAddress('192.0.2.1', 5349) as TransportAddress
HOST.host = '192.0.2.1'
const DAY_MS = 86_400_000

function statusOf({ isDraining = false, isRelaying = true } = {}) {
  const statistics = new Statistics()
  statistics.relays.set([5, 4, 3, 2])
  const relaying = {
    ...{ engine: 'native', workerCount: 2, listeners: [{ scheme: 'tls', address: HOST }] },
    ...{ totals: () => totalsOf([statistics]), allocationCount: () => 12, isRelaying: () => isRelaying },
  } as unknown as Relaying
  const facts = { path: 'c.pem', subject: 'CN=turn.test', issuer: '', names: ['turn.test'], validFrom: 0 }
  return statusReport(
    {
      ...{ version: '1.2.3', settings: settingsFromObject({ realm: 'example.org', maxAllocations: 99 }).settings },
      ...{
        relaying,
        relayHosts: [{ address: HOST, advertised: HOST }],
        engineReason: '',
        startTimeMs: 1000,
        isDraining,
      },
      ...{ uris: ['turns:192.0.2.1:5349?transport=tcp'], alarms: [], userStores: null, alternates: [] },
      certificate: {
        ...{ ...facts, validTo: 3 * DAY_MS, fingerprint256: 'AB' },
        ...{ isSelfSigned: true, isChainInOrder: true, isChainCut: false },
      },
    },
    61_000,
  )
}

t.test('statusReport', async (t) => {
  t.test('tells what runs, since when, and how much of it is in use', async (t) => {
    t.match(statusOf(), {
      ...{ version: '1.2.3', realm: 'example.org', engine: 'native', uptimeSeconds: 60, activeClients: 12 },
      ...{ relays: { udp: 5, tcp: 4, tls: 3, dtls: 2 }, licence: { used: 12, limit: 99 } },
    })
  })

  t.test('is Active, Draining, or Inactive when no worker relays', async (t) => {
    t.equal(statusOf().status, 'Active')
    t.equal(statusOf({ isDraining: true }).status, 'Draining')
    t.equal(statusOf({ isRelaying: false }).status, 'Inactive')
  })

  t.test('has the certificate of listeners that use it', async (t) => {
    t.match(statusOf().listeners, [
      { scheme: 'tls', host: '192.0.2.1', port: 5349, certificate: { names: ['turn.test'], daysLeft: 2 } },
    ])
  })
})
