import t from 'tap'
import { PEER_ALLOWED, PEER_FORBIDDEN } from '../../src/turn/peer-policy.js'
import { mayHavePermission, stage, verdict } from '../support/peer-stage.js'
import { addressOf } from '../support/turn-address.js'

const WILDCARD_PORT = 4478
const EVERYTHING = ['0.0.0.0/0', '::/0', '::1', '127.0.0.0/8']

function server(wildcardPorts: readonly number[]) {
  return stage({
    relayHosts: ['5.6.7.8/10.0.0.5'],
    maxPort: 29_999,
    localHosts: ['10.0.0.5', '10.9.9.9', 'fd00::9'].map((host) => (host.includes(':') ? `[${host}]:0` : `${host}:0`)),
    ownSockets: [],
    allowPeer: EVERYTHING,
    wildcardPorts,
  })
}

const OURS = ['10.0.0.5', '10.9.9.9', '[fd00::9]', '5.6.7.8', '127.0.0.1', '127.1.2.3', '127.255.255.255', '[::1]']

t.test('a port of a wildcard socket', async (t) => {
  t.test('is forbidden on every address of this machine, whatever the rules open', async (t) => {
    const [withWildcard, without] = [server([80, WILDCARD_PORT]), server([])]
    for (const host of OURS) {
      t.equal(verdict(withWildcard, `${host}:${WILDCARD_PORT}`), PEER_FORBIDDEN, host)
      t.equal(verdict(withWildcard, `${host}:80`), PEER_FORBIDDEN, host)
      for (const port of [WILDCARD_PORT - 1, WILDCARD_PORT + 1]) {
        t.equal(verdict(withWildcard, `${host}:${port}`), PEER_ALLOWED, `${host}:${port}`)
      }
      t.equal(verdict(without, `${host}:${WILDCARD_PORT}`), PEER_ALLOWED, host)
    }
  })

  t.test('is forbidden in other spellings too', async (t) => {
    const policy = server([WILDCARD_PORT])
    for (const host of ['::ffff:127.0.0.9', '64:ff9b::10.9.9.9', '::10.0.0.5', '::ffff:0:5.6.7.8']) {
      t.equal(verdict(policy, `[${host}]:${WILDCARD_PORT}`), PEER_FORBIDDEN, host)
    }
  })

  t.test('is a port like any other elsewhere', async (t) => {
    const policy = server([WILDCARD_PORT])
    for (const host of ['1.2.3.4', '10.9.9.8', '126.255.255.255', '128.0.0.0', '[2a00::1]', '[fd00::a]']) {
      t.equal(verdict(policy, `${host}:${WILDCARD_PORT}`), PEER_ALLOWED, host)
    }
  })

  t.test('is forbidden on an address that comes later', async (t) => {
    const policy = server([WILDCARD_PORT])
    t.equal(verdict(policy, `10.4.4.4:${WILDCARD_PORT}`), PEER_ALLOWED)
    policy.policy.setLocalHosts([addressOf('10.4.4.4:0')])
    t.equal(verdict(policy, `10.4.4.4:${WILDCARD_PORT}`), PEER_FORBIDDEN)
  })

  t.test('does not keep a permission from an address whose other ports are open', async (t) => {
    // The first ports that a permission tries, below and above the relay range, are all sockets of ours.
    const policy = server([1, 2, 30_000, 30_001])
    t.equal(mayHavePermission(policy, '127.0.0.1:0'), true)
    const closed = stage({ allowPeer: ['127.0.0.1:1-3'], wildcardPorts: [1, 2, 3] })
    t.equal(mayHavePermission(closed, '127.0.0.1:0'), false)
  })
})
