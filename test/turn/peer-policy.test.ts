import t from 'tap'
import { PEER_ALLOWED, PEER_FORBIDDEN } from '../../src/turn/peer-policy.js'
import { EMBEDDINGS } from '../support/embeddings.js'
import { mayHavePermission, stage, verdict } from '../support/peer-stage.js'
import * as targets from '../support/peer-targets.js'
import { SeededRandom } from '../support/random.js'
import { addressOf, atPort } from '../support/turn-address.js'

t.test('authorizePeer without rules', async (t) => {
  const server = stage()
  for (const [name, list, expected] of [
    [
      'forbids what is no unicast peer, our own sockets and the relay range',
      targets.ALWAYS_DENIED_TARGETS,
      PEER_FORBIDDEN,
    ],
    ['forbids the first and last address of each special block', targets.DENIED_BY_DEFAULT_TARGETS, PEER_FORBIDDEN],
    ['allows the addresses next to them', targets.ALLOWED_NEIGHBOURS, PEER_ALLOWED],
    ['forbids IPv6 that is never a peer', targets.ALWAYS_DENIED_IPV6, PEER_FORBIDDEN],
    ['forbids IPv6 outside 2000::/3 and the special blocks inside it', targets.DENIED_BY_DEFAULT_IPV6, PEER_FORBIDDEN],
    ['allows the IPv6 addresses next to them', targets.ALLOWED_NEIGHBOURS_IPV6, PEER_ALLOWED],
  ] as const) {
    t.test(name, async (t) => {
      for (const peer of list) {
        t.equal(verdict(server, peer), expected, peer)
        t.equal(mayHavePermission(server, peer), expected === PEER_ALLOWED, `permission for ${peer}`)
      }
    })
  }

  t.test('forbids port 0', async (t) => {
    t.equal(verdict(server, '1.2.3.4:0'), PEER_FORBIDDEN)
    t.equal(verdict(server, '1.2.3.4:1'), PEER_ALLOWED)
    t.equal(verdict(server, '1.2.3.4:65535'), PEER_ALLOWED)
  })
})

t.test('authorizePeer with everything allowed', async (t) => {
  const server = stage({ allowPeer: ['0.0.0.0/0', '::/0', '255.255.255.255', '0.0.0.0', '224.0.0.1', '2002::/16'] })
  t.test('still forbids what no rule opens', async (t) => {
    for (const peer of [...targets.ALWAYS_DENIED_TARGETS, ...targets.ALWAYS_DENIED_IPV6]) {
      t.equal(verdict(server, peer), PEER_FORBIDDEN, peer)
    }
  })
  t.test('opens the rest', async (t) => {
    const ipv6 = targets.DENIED_BY_DEFAULT_IPV6.filter((peer) => !/^\[::|\[64:/.test(peer))
    for (const peer of [...targets.DENIED_BY_DEFAULT_TARGETS, ...ipv6, '[::1]:80']) {
      t.equal(verdict(server, peer), PEER_ALLOWED, peer)
    }
  })
})

t.test('every spelling of a forbidden IPv4 address is forbidden', async (t) => {
  const forbidden = [...targets.ALWAYS_DENIED_TARGETS, ...targets.DENIED_BY_DEFAULT_TARGETS]
  const withoutRules = stage()
  // Opens every IPv6 spelling, and nothing of IPv4.
  const withIPv6 = stage({ allowPeer: ['::/0'] })
  const withEverything = stage({ allowPeer: ['::/0', '0.0.0.0/0', '64:ff9b::/96', '2002::/16', '2001::/32'] })
  const withDeny = stage({ allowPeer: ['::/0'], denyPeer: ['1.2.3.4', '5.6.7.0/24:80'] })
  for (const { name, embed, isAlwaysDenied = false } of EMBEDDINGS) {
    t.test(name, async (t) => {
      for (const text of forbidden) {
        const peer = embed(addressOf(text)).toString()
        t.equal(verdict(withoutRules, peer), PEER_FORBIDDEN, `${text} as ${peer}`)
        t.equal(mayHavePermission(withoutRules, peer), false, `permission for ${text} as ${peer}`)
        t.equal(verdict(withIPv6, peer), PEER_FORBIDDEN, `${text} as ${peer} under --allow-peer ::/0`)
      }
      for (const text of targets.ALWAYS_DENIED_TARGETS) {
        const peer = embed(addressOf(text)).toString()
        t.equal(verdict(withEverything, peer), PEER_FORBIDDEN, `${text} as ${peer} with everything allowed`)
      }
      for (const text of ['1.2.3.4:80', '5.6.7.8:80']) {
        const peer = embed(addressOf(text)).toString()
        t.equal(verdict(withDeny, peer), PEER_FORBIDDEN, `${text} as ${peer} under --deny-peer`)
      }
      const allowed = embed(addressOf('5.6.7.8:81')).toString()
      if (isAlwaysDenied) t.equal(verdict(withEverything, allowed), PEER_FORBIDDEN, 'no rule opens it')
      // In the local-use block the other positions hold other addresses, which are not all on the Internet.
      else if (!name.includes('64:ff9b:1'))
        t.equal(verdict(withDeny, allowed), PEER_ALLOWED, 'what is not denied is allowed')
    })
  }
})

t.test('a spelling of an address that is open is open too', async (t) => {
  const server = stage({ allowPeer: ['::/0', `${targets.LOCAL_HOST}:22`] })
  for (const [peer, expected] of [
    [`[::ffff:1.2.3.4]:${targets.RELAY_PORT_MIN}`, PEER_ALLOWED],
    [`[::ffff:${targets.LOCAL_HOST}]:22`, PEER_ALLOWED],
    [`[::ffff:${targets.LOCAL_HOST}]:23`, PEER_FORBIDDEN],
    [`[::ffff:${targets.LOCAL_HOST}]:${targets.RELAY_PORT_MIN}`, PEER_FORBIDDEN],
  ] as const) {
    t.equal(verdict(server, peer), expected, peer)
  }
})

t.test('rules', async (t) => {
  t.test('open and close blocks, and only these', async (t) => {
    const server = stage({ allowPeer: ['10.1.0.0/16'], denyPeer: ['8.8.0.0/16', '2a00:1450::/32'] })
    t.equal(verdict(server, '10.1.255.255:80'), PEER_ALLOWED)
    t.equal(verdict(server, '10.2.0.0:80'), PEER_FORBIDDEN)
    t.equal(verdict(server, '8.8.8.8:80'), PEER_FORBIDDEN)
    t.equal(verdict(server, '8.9.0.0:80'), PEER_ALLOWED)
    t.equal(verdict(server, '[2a00:1450::1]:80'), PEER_FORBIDDEN)
    t.equal(verdict(server, '[2a00:1451::1]:80'), PEER_ALLOWED)
  })

  t.test('the most specific wins, whatever the order', async (t) => {
    for (const denyPeer of [
      ['10.1.0.0/16', '10.1.2.3'],
      ['10.1.2.3', '10.1.0.0/16'],
    ]) {
      const server = stage({ allowPeer: ['10.0.0.0/8', '10.1.2.0/24'], denyPeer })
      t.equal(verdict(server, '10.2.0.1:80'), PEER_ALLOWED, 'by the /8')
      t.equal(verdict(server, '10.1.1.1:80'), PEER_FORBIDDEN, 'by the /16')
      t.equal(verdict(server, '10.1.2.4:80'), PEER_ALLOWED, 'by the /24')
      t.equal(verdict(server, '10.1.2.3:80'), PEER_FORBIDDEN, 'by the /32')
    }
  })

  t.test('at equal length deny wins', async (t) => {
    const server = stage({ allowPeer: ['10.0.0.0/8', '8.8.8.8'], denyPeer: ['10.0.0.0/8', '8.8.8.8'] })
    t.equal(verdict(server, '10.0.0.1:80'), PEER_FORBIDDEN)
    t.equal(verdict(server, '8.8.8.8:80'), PEER_FORBIDDEN)
  })

  t.test('with ports hold for these ports alone', async (t) => {
    const server = stage({ allowPeer: ['10.0.0.0/8:5000-6000'], denyPeer: ['8.8.8.8:53', '[2a00:1450::/32]:443'] })
    for (const [peer, expected] of [
      ['10.0.0.1:4999', PEER_FORBIDDEN],
      ['10.0.0.1:5000', PEER_ALLOWED],
      ['10.0.0.1:6000', PEER_ALLOWED],
      ['10.0.0.1:6001', PEER_FORBIDDEN],
      ['8.8.8.8:53', PEER_FORBIDDEN],
      ['8.8.8.8:54', PEER_ALLOWED],
      ['[2a00:1450::1]:443', PEER_FORBIDDEN],
      ['[2a00:1450::1]:444', PEER_ALLOWED],
    ] as const) {
      t.equal(verdict(server, peer), expected, peer)
    }
  })

  t.test('decide before the defaults: this machine’s own addresses and loopback can be opened', async (t) => {
    const server = stage({ allowPeer: ['127.0.0.0/8', '::1', `${targets.LOCAL_HOST}:22`] })
    t.equal(verdict(server, '127.0.0.1:80'), PEER_ALLOWED)
    t.equal(verdict(server, '[::1]:80'), PEER_ALLOWED)
    t.equal(verdict(server, `${targets.LOCAL_HOST}:22`), PEER_ALLOWED)
    t.equal(verdict(server, `${targets.LOCAL_HOST}:23`), PEER_FORBIDDEN)
    t.equal(verdict(server, '127.0.0.1:8445'), PEER_FORBIDDEN, 'but our sockets stay closed')
    t.equal(verdict(server, `${targets.LOCAL_HOST}:3478`), PEER_FORBIDDEN)
  })

  t.test('a local address that comes later is forbidden from then on', async (t) => {
    const server = stage({ localHosts: ['7.7.7.7'] })
    t.equal(verdict(server, '1.2.3.4:80'), PEER_ALLOWED)
    t.equal(verdict(server, '7.7.7.7:80'), PEER_FORBIDDEN)
    server.policy.setLocalHosts([addressOf('1.2.3.4')])
    t.equal(verdict(server, '1.2.3.4:80'), PEER_FORBIDDEN)
    t.equal(verdict(server, '7.7.7.7:80'), PEER_ALLOWED, 'and one that has gone is not')
    t.equal(verdict(server, `${targets.LOCAL_HOST}:80`), PEER_FORBIDDEN, 'relay addresses stay ours')
  })
})

t.test('authorizeHost: a permission names no port', async (t) => {
  t.test('is granted when some port may be reached', async (t) => {
    for (const [rules, peer, expected] of [
      [{ allowPeer: ['10.0.0.1:5000'] }, '10.0.0.1', true],
      [{ allowPeer: ['10.0.0.1:65535'] }, '10.0.0.1', true],
      [{ allowPeer: ['10.0.0.1:1'] }, '10.0.0.1', true],
      [{ allowPeer: ['10.0.0.1:5000'] }, '10.0.0.2', false],
      [{ denyPeer: ['8.8.8.8:1-65534'] }, '8.8.8.8', true],
      [{ denyPeer: ['8.8.8.8:2-65535'] }, '8.8.8.8', true],
      [{ denyPeer: ['8.8.8.8:1-65535'] }, '8.8.8.8', false],
      [{ denyPeer: ['8.8.8.8:1-5000', '8.8.8.8:5001-65535'] }, '8.8.8.8', false],
      [{ denyPeer: ['8.8.8.8:1-5000', '8.8.8.8:5002-65535'] }, '8.8.8.8', true],
      [{ allowPeer: ['10.0.0.1:5000'], denyPeer: ['10.0.0.1'] }, '10.0.0.1', false],
      [{ allowPeer: ['10.0.0.1:5000-5001'], denyPeer: ['10.0.0.1:5000'] }, '10.0.0.1', true],
      [{ allowPeer: ['127.0.0.1:8445'] }, '127.0.0.1', false],
      [{ allowPeer: ['127.0.0.1:8445-8446'] }, '127.0.0.1', true],
      [{ allowPeer: [targets.LOCAL_HOST] }, targets.LOCAL_HOST, true],
      [{ allowPeer: [`${targets.LOCAL_HOST}:24000-24999`] }, targets.LOCAL_HOST, false],
      [{ allowPeer: [`${targets.LOCAL_HOST}:24000-25000`] }, targets.LOCAL_HOST, true],
      [{ allowPeer: [`${targets.LOCAL_HOST}:23999-24999`] }, targets.LOCAL_HOST, true],
    ] as const) {
      const server = stage(rules)
      t.equal(mayHavePermission(server, peer), expected, `${JSON.stringify(rules)}: ${peer}`)
    }
  })

  // Verdicts change only where a rule, the relay range or a socket of ours begins or ends: a few ports stand for all.
  const PORTS = [1, 2, 3, 4, 99, 100, 101, 102, 103, 104, 200, 65_533, 65_534, 65_535]
  t.test('agrees with a look at every port, for any rules', async (t) => {
    const random = new SeededRandom(5)
    const host = () => random.pick(['7.7.7.7', '7.7.7.8', '10.0.0.1'])
    const port = () => random.pick([1, 2, 100, 101, 102, 103, 65_534, 65_535])
    const rule = () => {
      const [from, to] = [port(), port()].sort((a, b) => a - b)
      return `${random.pick(['0.0.0.0/0', '7.7.7.0/24', host()])}:${from}-${to}`
    }
    const list = (make: () => string) => Array.from({ length: random.nextInt(4) }, make)
    let grantedCount = 0
    for (let round = 0; round < 3000; round++) {
      const options = {
        relayHosts: ['7.7.7.7'],
        minPort: 100,
        maxPort: 102,
        allowPeer: [...list(rule), '::/0'],
        denyPeer: list(rule),
        ownSockets: list(() => `${host()}:${port()}`),
        localHosts: list(host),
      }
      const server = stage(options)
      for (const text of ['7.7.7.7', '7.7.7.8', '10.0.0.1', '::ffff:7.7.7.7', '::ffff:10.0.0.1']) {
        const peer = addressOf(text)
        const isReachable = PORTS.some((each) => server.policy.authorizePeer(atPort(peer, each), server.allocation) > 0)
        if (server.policy.authorizeHost(peer, server.allocation) !== isReachable) {
          t.fail(`${text} is ${isReachable ? '' : 'not '}reachable`, options)
          return
        }
        if (isReachable) grantedCount++
      }
    }
    t.ok(grantedCount > 3000 && grantedCount < 12_000, 'both happen')
  })
})
