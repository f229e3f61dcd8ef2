// Which transport addresses are this server's own, so that no client reaches them through a relay.
import t from 'tap'
import { parseAdminListen } from '../../src/config/listen-spec.js'
import { localAddresses } from '../../src/net/local-addresses.js'
import { ownSockets } from '../../src/server/own-sockets.js'
import { addressOf } from '../support/turn-address.js'

const listener = (text: string) => ({ scheme: 'udp', address: addressOf(text) }) as const
const relay = addressOf('10.0.0.1:0')
const plain = { address: relay, advertised: relay }
const mapped = { address: relay, advertised: addressOf('203.0.113.1:0') }
const text = ({ addresses, wildcardPorts }: ReturnType<typeof ownSockets>) => ({
  addresses: addresses.map(String),
  wildcardPorts,
})

t.test('own sockets', async (t) => {
  t.test('are the listeners and the admin address, and their ports behind the public address', async (t) => {
    const listeners = [listener('10.0.0.1:3478'), listener('10.0.0.2:3479')]
    t.same(text(ownSockets(listeners, [], [mapped], parseAdminListen('127.0.0.1:8445'))), {
      addresses: [
        ...['10.0.0.1:3478', '10.0.0.2:3479', '127.0.0.1:8445'],
        ...['203.0.113.1:3478', '203.0.113.1:3479', '203.0.113.1:8445'],
      ],
      wildcardPorts: [],
    })
    t.notMatch(text(ownSockets(listeners, [], [plain], null)).addresses, ['203.0.113.1:3478'])
  })

  t.test('are bound to their own address: the same port of another relay address is not theirs', async (t) => {
    const loopback = addressOf('127.0.0.1:0')
    const hosts = [{ address: loopback, advertised: loopback }, plain]
    t.same(text(ownSockets([listener('[::1]:3478')], [], hosts, null)).addresses, ['[::1]:3478'])
  })

  t.test('of wildcards are their ports on whatever address this machine gets', async (t) => {
    t.same(ownSockets([listener('10.0.0.1:3478')], [3478], [plain], null).wildcardPorts, [3478])
    for (const host of ['0.0.0.0', '[::]', '*']) {
      const own = text(ownSockets([], [3478], [plain], parseAdminListen(`${host}:8445`)))
      t.same(own.wildcardPorts, [3478, 8445])
      for (const local of localAddresses()) {
        local.port = 8445
        t.ok(own.addresses.includes(local.toString()), local.toString())
      }
    }
  })
})
