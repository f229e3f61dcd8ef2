import t from 'tap'
import { parseListenSpec } from '../../src/config/listen-spec.js'
import { listenError } from '../../src/net/listen-error.js'
import type { ListenerScheme } from '../../src/net/listen-targets.js'
import { addressOf } from '../support/udp-peer.js'

function errorOf(code: string, text = 'udp:192.0.2.9:80', isExpanded = false, scheme: ListenerScheme = 'udp') {
  const address = addressOf('192.0.2.9', 80)
  address.host = '192.0.2.9'
  const cause = Object.assign(new Error(`bind ${code} 192.0.2.9:80`), { code })
  return { cause, error: listenError({ scheme, address, spec: parseListenSpec(text), isExpanded }, cause) }
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
