// Who may be a peer (RFC 8656 §21.1.4): every spelling of a forbidden address, on every path, with a canary socket that must stay
// silent; rules with ports; our own sockets; and the loops that must not exist.

import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import type { TransportAddress } from '../../src/stun/address.js'
import { CLASS_REQUEST, METHOD_ALLOCATE, METHOD_BINDING } from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { type AllocateOptions, describeAllocate, type TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { type ClientOptions, LOOPBACKS, type Suite, serverAddress, withoutIPv6 } from './suite.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const CHANNEL = 0x4000

/** Addresses of one's own machine; the kernel takes 0.0.0.0 and :: for loopback. */
const OWN_MACHINE = ['127.0.0.1', '127.0.0.2', '127.255.255.254', '0.0.0.0', '0.0.0.1']
const OTHERS = [
  ...['10.0.0.1', '100.64.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1', '168.63.129.16'],
  ...['192.0.0.1', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.175.48.1', '198.18.0.1'],
  ...['198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
]
const PLAIN_IPV6 = [
  ...[
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd00::1',
    'ff02::1',
    'ff0e::1',
    '100::1',
    '2001::1',
    '2001:2::1',
    '2001:10::1',
  ],
  ...['2001:db8::1', '2620:4f:8000::1', '3fff::1', '1fff::1', '4000::1', 'fec0::1'],
]
/** Neighbours of the blocks above, and plain public addresses: permissions send nothing. */
const PUBLIC = [
  ...['8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255', '128.0.0.1'],
  ...[
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '192.169.0.1',
    '198.20.0.1',
    '223.255.255.255',
  ],
]
const PUBLIC_IPV6 = ['2606:4700::1111', '2001:4860:4860::8888', '2a00:1450::1', '2620:4f:8001::1', '3ffe::1']

/** Every IPv6 address that may stand for an IPv4 address. */
function spellings(ipv4: string): string[] {
  const [a, b, c, d] = ipv4.split('.').map(Number)
  const hex = (high: number, low: number) => ((high << 8) | low).toString(16)
  const [first, second] = [hex(a, b), hex(c, d)]
  return [
    `::ffff:${ipv4}`,
    `::${ipv4}`,
    `::ffff:0:${ipv4}`,
    `64:ff9b::${ipv4}`,
    `64:ff9b:1::${ipv4}`,
    `64:ff9b:1:${first}:${hex(0, c)}:${hex(d, 0)}::`,
    `64:ff9b:1:0:${hex(0, a)}:${hex(b, c)}:${hex(d, 0)}:0`,
    `2002:${first}:${second}::1`,
    `2001:0:808:808::${hex(255 - a, 255 - b)}:${hex(255 - c, 255 - d)}`,
    `2606:4700::5efe:${ipv4}`,
    `2606:4700::200:5efe:${ipv4}`,
    `fe80::5efe:${ipv4}`,
    `2606:4700:64::${ipv4}`,
  ]
}

export function peerPolicy(t: Test, suite: Suite): void {
  t.test('forbidden peers', async (t) => {
    const server = await suite.startServer(t, { allowPeer: [], nat64Prefix: '2606:4700:64::/96' })
    // The only one there is, and it ends with its test: a relay that lives on would open its address to the next client (hairpin).
    const allocateAlone = async (t: Test, options: AllocateOptions = {}, clientOptions: ClientOptions = {}) => {
      await suite.allocationCountIs(t, server, 0)
      const client = await suite.allocate(t, server, options, clientOptions)
      t.teardown(() => client.refresh({ lifetimeSeconds: 0 }))
      return client
    }

    for (const target of OWN_MACHINE) {
      t.test(
        `${target} ${isLong || target === OWN_MACHINE[0] ? 'in every spelling ' : ''}gets 403, and a canary there stays silent (RFC 8656 §21.1.4)`,
        async (t) => {
          const canaries = await Promise.all(LOOPBACKS.map((host) => UdpPeer.open(t, host)))
          const client = await allocateAlone(t, withoutIPv6 === false ? { additionalFamily: 6 } : {})
          // How an address is spelled is nothing to the way it is refused: all for one of them, where time is short, and one for all.
          const [first, ...rest] = spellings(target)
          const others = isLong || target === OWN_MACHINE[0] ? ['::', '::1', first, ...rest] : [first]
          const spelled = withoutIPv6 === false ? [target, ...others] : [target]
          let channel = CHANNEL
          for (const host of spelled) {
            for (const { port } of new Set(canaries.map(({ address }) => address))) {
              await tryEverything(t, client, addressOf(host, port), channel++)
            }
          }
          await client.settle()
          for (const canary of canaries) t.same(await canary.receivedSoFar(), [])
          t.same(client.inbox.items, [])
          t.equal((await client.refresh()).code, 0, 'the allocation goes on')
        },
      )
    }

    t.test('every special-purpose address gets 403, in every spelling (RFC 6890)', async (t) => {
      const client = await allocateAlone(t, withoutIPv6 === false ? { additionalFamily: 6 } : {})
      const hosts = withoutIPv6 === false ? [...OTHERS, ...OTHERS.flatMap(spellings), ...PLAIN_IPV6] : OTHERS
      for (const host of hosts) t.equal((await client.createPermission(addressOf(host, 9))).code, 403, host)
    })

    t.test('public addresses are allowed', async (t) => {
      const client = await allocateAlone(t, withoutIPv6 === false ? { additionalFamily: 6 } : {})
      for (const host of withoutIPv6 === false ? [...PUBLIC, ...PUBLIC_IPV6] : PUBLIC) {
        t.equal((await client.createPermission(addressOf(host, 9))).code, 0, host)
      }
    })

    t.test('a spelling in IPv6 is a family mismatch for an IPv4 relay: 443 (RFC 8656 §10.2)', async (t) => {
      const client = await allocateAlone(t)
      for (const host of spellings('127.0.0.1')) {
        t.equal((await client.createPermission(addressOf(host, 9))).code, 443, host)
        t.equal((await client.bindChannel(CHANNEL, addressOf(host, 9))).code, 443, host)
      }
    })

    t.test('the refusal says who wanted to reach whom', async (t) => {
      // Of a source of its own: of the others so many were refused in this second that the rest is only counted.
      const client = await allocateAlone(t, {}, { from: '127.77.0.1' })
      const refusal = suite.refusal(server, client, 'peer-policy')
      await client.createPermission(addressOf('169.254.169.254', 80))
      const source = client.localAddress.toString()
      t.match(await refusal, { reason: 'peer-policy', code: 403, user: 'alice', source, peer: '169.254.169.254:80' })
    })
  })

  t.test('rules', async (t) => {
    t.test('with ports: permission for the address, data for the port alone (RFC 8656 §9)', async (t) => {
      const [open, closed] = [await UdpPeer.open(t), await UdpPeer.open(t)]
      const server = await suite.startServer(t, { allowPeer: `127.0.0.1:${open.address.port}` })
      const client = await suite.allocate(t, server)
      t.equal((await client.bindChannel(CHANNEL, closed.address)).code, 403)
      t.equal((await client.createPermission(closed.address)).code, 0, 'a permission names no port')
      t.equal((await client.bindChannel(CHANNEL, closed.address)).code, 403)
      t.equal((await client.bindChannel(CHANNEL + 1, open.address)).code, 0)
      client.sendTo(closed.address, 'to a closed port')
      client.sendChannelData(CHANNEL, 'to a closed port')
      closed.send(client.relay, 'from a closed port')
      client.sendTo(open.address, 'hello')
      t.match(await open.inbox.next(), { text: 'hello' })
      open.send(client.relay, 'hello back')
      t.match(await client.nextData(), { text: 'hello back', channelNumber: CHANNEL + 1 })
      await client.settle()
      t.same(client.inbox.items, [])
      t.same(await closed.receivedSoFar(), [])
    })

    t.test('the most specific one wins, at equal length deny', async (t) => {
      const server = await suite.startServer(t, {
        allowPeer: ['127.0.0.0/8', '127.0.1.1', '127.0.3.0/24', '127.0.4.1:1000-2000'],
        denyPeer: ['127.0.1.0/24', '127.0.3.0/24', '127.0.4.1', '8.8.8.8'],
      })
      const client = await suite.allocate(t, server)
      const verdicts = [
        ['127.0.0.5', 9, 0],
        ['127.0.1.2', 9, 403],
        ['127.0.1.1', 9, 0],
        ['127.0.3.1', 9, 403],
        ['127.0.4.1', 1500, 403],
        ['8.8.8.8', 53, 403],
        ['8.8.4.4', 53, 0],
      ] as const
      for (const [index, [host, port, code]] of verdicts.entries()) {
        t.equal((await client.bindChannel(CHANNEL + index, addressOf(host, port))).code, code, `${host}:${port}`)
      }
    })

    t.test('open no address that must stay closed', async (t) => {
      const server = await suite.startServer(t, {
        allowPeer: ['0.0.0.0/0', '::/0', '0.0.0.0/8', '224.0.0.1', '2002::/16'],
      })
      const client = await suite.allocate(t, server, withoutIPv6 === false ? { additionalFamily: 6 } : {})
      const always = ['0.0.0.0', '0.0.0.1', '224.0.0.1', '239.1.2.3', '255.255.255.255']
      const always6 = ['::', 'ff02::1', '2002:808:808::1', '2001::1', '::ffff:224.0.0.1', '64:ff9b::255.255.255.255']
      for (const host of withoutIPv6 === false ? [...always, ...always6] : always) {
        t.equal((await client.createPermission(addressOf(host, 9))).code, 403, host)
      }
      t.equal((await client.createPermission(addressOf('10.0.0.1', 9))).code, 0)
    })
  })

  t.test('the sockets of the server itself', async (t) => {
    const { admin, server } = await startWithAdmin(t, suite)

    t.test('listeners and admin are forbidden, although --allow-peer opens their address', async (t) => {
      const client = await suite.allocate(t, server)
      const outsider = await UdpPeer.open(t)
      t.equal((await client.createPermission(outsider.address)).code, 0, 'other ports of the address are open')
      const own = [serverAddress(server), admin.address]
      for (const address of own) {
        t.equal((await client.bindChannel(CHANNEL, address)).code, 403, `${address}`)
        client.sendTo(address, bindingRequest())
        client.sendChannelData(CHANNEL, bindingRequest())
      }
      await client.settle()
      t.same(client.inbox.items, [], 'no Binding answer came through the relay')
      t.same(await admin.receivedSoFar(), [])
    })

    t.test('IPv6 listeners are forbidden in the same way', { skip: withoutIPv6 }, async (t) => {
      const client = await suite.allocate(t, server, { family: 6 })
      const address = serverAddress(server, 6)
      t.equal((await client.createPermission(address)).code, 0)
      t.equal((await client.bindChannel(CHANNEL, address)).code, 403)
      client.sendTo(address, bindingRequest())
      await client.settle()
      t.same(client.inbox.items, [])
    })

    t.test('another address has a port of its own', { skip: withoutIPv6 }, async (t) => {
      const client = await suite.allocate(t, server)
      const [port4, port6] = [serverAddress(server).port, serverAddress(server, 6).port]
      const peer = await UdpPeer.open(t, '127.0.0.1', port6)
      t.equal((await client.bindChannel(CHANNEL, addressOf('127.0.0.1', port4))).code, 403, 'the server’s')
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0, 'another program’s')
      client.sendChannelData(CHANNEL, 'hello')
      t.match(await peer.inbox.next(), { text: 'hello' })
    })

    t.test('an Allocate through one’s own relay gets nothing: no nested allocations', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.createPermission(addressOf('127.0.0.1', 0))).code, 0)
      const before = server.allocationCount()
      client.sendTo(serverAddress(server), client.message(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' }))
      client.sendTo(serverAddress(server), client.message(METHOD_ALLOCATE, describeAllocate))
      await client.settle()
      t.same(client.inbox.items, [])
      t.equal(server.allocationCount(), before)
    })

    t.test('one’s own relay is no peer', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.bindChannel(CHANNEL, client.relay)).code, 403)
      t.equal((await client.createPermission(client.relay)).code, 0, 'for the other ports of the address')
      client.sendTo(client.relay, 'to myself')
      await client.settle()
      t.same(client.inbox.items, [])
    })

    t.test('ports of the relay range without a relay are forbidden, whoever sits there', async (t) => {
      const two = await suite.startServer(t, { portCount: 2 })
      const client = await suite.allocate(t, two)
      const { minPort, maxPort } = two.settings
      const port = client.relay.port === maxPort ? minPort : maxPort
      const stranger = await UdpPeer.open(t, '127.0.0.1', port)
      t.equal((await client.createPermission(stranger.address)).code, 0)
      t.equal((await client.bindChannel(CHANNEL, stranger.address)).code, 403)
      client.sendTo(stranger.address, 'to a stranger')
      stranger.send(client.relay, 'from a stranger')
      await client.settle()
      t.same(await stranger.receivedSoFar(), [])
      await client.settle()
      t.same(client.inbox.items, [])
    })
  })

  t.test('two relays that are each other’s peer carry a packet once: no loop', async (t) => {
    const server = await suite.sharedServer()
    const [one, two] = [await suite.allocate(t, server), await suite.allocate(t, server)]
    t.equal((await one.bindChannel(CHANNEL, two.relay)).code, 0)
    t.equal((await two.bindChannel(CHANNEL, one.relay)).code, 0)
    one.sendChannelData(CHANNEL, 'once')
    t.match(await two.nextData(), { text: 'once', channelNumber: CHANNEL })
    for (let round = 0; round < 3; round++) {
      await one.settle()
      await two.settle()
    }
    t.same([...one.inbox.items, ...two.inbox.items], [])
  })
}

/** Every path that data could take to this peer. */
async function tryEverything(t: Test, client: TurnClient, peer: TransportAddress, channel: number): Promise<void> {
  t.equal((await client.createPermission(peer)).code, 403, `permission for ${peer}`)
  t.equal((await client.bindChannel(channel, peer)).code, 403, `channel to ${peer}`)
  client.sendTo(peer, 'Send')
  client.sendChannelData(channel, 'ChannelData')
}

function bindingRequest(): Uint8Array {
  const writer = new MessageWriter().begin(new Uint8Array(20), 0, CLASS_REQUEST, METHOD_BINDING, new Uint8Array(12), 0)
  return writer.bytes.slice(0, writer.finish())
}

/** A server whose admin port is a peer's as well, over UDP. Somebody else may have it over TCP: then it is another one. */
async function startWithAdmin(t: Test, suite: Suite): Promise<{ admin: UdpPeer; server: TurnServer }> {
  for (let attempt = 1; ; attempt++) {
    const admin = await UdpPeer.open(t)
    try {
      return { admin, server: await suite.startServer(t, { adminListen: `127.0.0.1:${admin.address.port}` }) }
    } catch (error) {
      if ((error as { code?: string }).code !== 'TURND_ERR_ADDRESS_IN_USE' || attempt === 5) throw error
    }
  }
}
