// The status of the busy server of the page's tests: several listeners and certificates, a licence that is nearly used up, alarms.
import type { Client } from '../../src/admin/schema/clients.js'
import type { Listener, Status } from '../../src/admin/schema/status.js'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** @param base what is not made up here */
export function madeUpStatus(base: Status, clients: readonly Client[]): Status {
  const now = Date.now()
  const startMs = now - 3 * DAY_MS - 4 * HOUR_MS
  const relaysVia = (transport: string) => clients.filter((client) => client.transport === transport).length
  return {
    ...base,
    ...{ startTime: iso(startMs), time: iso(now), uptimeSeconds: Math.floor((now - startMs) / 1000) },
    ...{ realm: 'turnuser', workerCount: 2 },
    uris: [
      'turn:172.16.85.168:3478?transport=udp',
      'turn:172.16.85.168:3478?transport=tcp',
      'turns:vcse.octavio.com:5349?transport=tcp',
    ],
    listeners: listeners(now),
    relayAddresses: [{ address: '172.16.85.168', advertised: '198.51.100.10' }],
    relays: { udp: relaysVia('udp'), tcp: relaysVia('tcp'), tls: relaysVia('tls'), dtls: relaysVia('dtls') },
    licence: { used: clients.length, limit: clients.length > 1800 ? 6500 : 1800 },
    alarms: [
      {
        ...{
          id: 'licence-approaching',
          number: 30007,
          severity: 'warning',
          text: 'Nearly all relays of the licence are in use.',
        },
        ...{ remedy: 'Raise --max-allocations, or add a server.', raisedTime: iso(now - HOUR_MS / 4) },
      },
      {
        ...{ id: 'certificate-expired', number: null, severity: 'critical' },
        text: 'The certificate of dtls:192.168.245.61:5349 has expired.',
        ...{ remedy: 'Put a new one in its place: it is read by itself.', raisedTime: iso(now - 2 * DAY_MS) },
      },
    ],
  }
}

function listeners(now: number): Listener[] {
  const certificate = (name: string, daysLeft: number) => ({
    ...{ subject: `CN=${name}`, names: [name, `cmsweb.${name}`], daysLeft, fingerprint256: 'AB:CD:EF:01' },
    validToTime: iso(now + daysLeft * DAY_MS),
  })
  return [
    { scheme: 'udp', host: '172.16.85.168', port: 3478, certificate: null },
    { scheme: 'tcp', host: '172.16.85.168', port: 3478, certificate: null },
    { scheme: 'udp', host: '192.168.245.61', port: 3478, certificate: null },
    { scheme: 'tls', host: '172.16.85.168', port: 443, certificate: certificate('vcse.octavio.com', 211) },
    { scheme: 'tls', host: '192.168.245.61', port: 5349, certificate: certificate('vcse.octavio.local', 9) },
    { scheme: 'dtls', host: '192.168.245.61', port: 5349, certificate: certificate('old.octavio.local', -2) },
  ]
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
