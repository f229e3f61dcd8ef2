import t from 'tap'
import { parseListenSpec } from '../../src/config/listen-spec.js'
import { listenError } from '../../src/net/listen-error.js'
import type { ListenerScheme } from '../../src/net/listen-targets.js'
import type { ProcReader } from '../../src/net/port-holder.js'
import { addressOf } from '../support/udp-peer.js'

/** A system that says nothing. */
const MUTE: ProcReader = { readText: () => null, holderOf: () => null }

function errorOf(
  code: string,
  text = 'udp:192.0.2.9:80',
  isExpanded = false,
  scheme: ListenerScheme = 'udp',
  { port = 80, proc = MUTE } = {},
) {
  const address = addressOf('192.0.2.9', port)
  address.host = '192.0.2.9'
  const cause = Object.assign(new Error(`bind ${code} 192.0.2.9:80`), { code })
  return { cause, error: listenError({ scheme, address, spec: parseListenSpec(text), isExpanded }, cause, proc) }
}

t.test('listenError is one sentence with the option, its value, and what to do', async (t) => {
  const sentences = [
    ['EADDRINUSE', 'TURND_ERR_ADDRESS_IN_USE', /^--listen udp:192\.0\.2\.9:80: another process .*choose another port$/],
    [
      'EADDRNOTAVAIL',
      'TURND_ERR_ADDRESS_NOT_AVAILABLE',
      /^--listen udp:192\.0\.2\.9:80: 192\.0\.2\.9 is not an address of this/,
    ],
    ['EACCES', 'TURND_ERR_LISTEN_FAILED', /^--listen udp:192\.0\.2\.9:80: port 80 needs privileges/],
    ['EMFILE', 'TURND_ERR_LISTEN_FAILED', /^--listen udp:192\.0\.2\.9:80: bind EMFILE 192\.0\.2\.9:80$/],
  ] as const
  for (const [systemCode, code, message] of sentences) {
    const { error, cause } = errorOf(systemCode)
    t.match(error, { code, message, cause })
  }
})

t.test('listenError of a wildcard also names the address that failed', async (t) => {
  const { error } = errorOf('EADDRINUSE', 'udp:0.0.0.0:80', true)
  t.match(
    error.message,
    /^--listen udp:0\.0\.0\.0:80 \(192\.0\.2\.9:80\): another process listens on UDP 192\.0\.2\.9:80/,
  )
})

t.test('listenError names the protocol that is taken', async (t) => {
  for (const [scheme, protocol] of [
    ['tcp', 'TCP'],
    ['tls', 'TCP'],
    ['dtls', 'UDP'],
  ] as const) {
    const { error } = errorOf('EADDRINUSE', `${scheme}:192.0.2.9:80`, false, scheme)
    t.match(error.message, `another process listens on ${protocol} 192.0.2.9:80`)
  }
})

/** One socket listens on this port of every address. */
function systemWith(protocol: 'tcp' | 'udp', port: number, pid: number, name: string): ProcReader {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const row = `   0: 00000000:${hexPort} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1`
  return {
    readText: (path) => (path === `/proc/net/${protocol}` ? row : null),
    holderOf: (inodes) => (inodes.includes('4711') ? { pid, name } : null),
  }
}

t.test('listenError says who holds the port', async (t) => {
  const proc = systemWith('tcp', 443, 812, 'nginx')
  const { error } = errorOf('EADDRINUSE', 'tls:192.0.2.9:443', false, 'tls', { port: 443, proc })
  t.equal(
    error.message,
    '--listen tls:192.0.2.9:443: nginx (process 812) listens on TCP 192.0.2.9:443; stop it, or move it to another port (a web server can stand behind this one: --http-upstream), or choose another port',
  )
  const own = systemWith('udp', 80, process.pid, 'node')
  t.match(
    errorOf('EADDRINUSE', 'udp:192.0.2.9:80', false, 'udp', { proc: own }).error.message,
    /: this process itself listens on UDP/,
  )
})
