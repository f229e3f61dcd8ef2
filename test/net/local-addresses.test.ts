import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import t from 'tap'
import { canBind } from '../../src/net/dgram/can-bind.js'
import { defaultRouteSource, localAddresses } from '../../src/net/local-addresses.js'
import { formatHost } from '../../src/stun/address.js'
import { createNamespace } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { addressOf } from '../support/udp-peer.js'

const MODULE = new URL('../../src/net/local-addresses.js', import.meta.url).href
const FOREIGN = '203.0.113.99'

t.test('localAddresses', async (t) => {
  t.test('are those of the interfaces, each once, with their text', async (t) => {
    const hosts = localAddresses().map(({ host }) => host)
    t.equal(new Set(hosts).size, hosts.length)
    t.ok(hosts.includes('127.0.0.1'))
    const ipv4 = Object.values(networkInterfaces()).flatMap(
      (list) => list?.filter(({ family }) => family === 'IPv4') ?? [],
    )
    t.same(new Set(hosts.filter((host) => !host.includes(':'))), new Set(ipv4.map(({ address }) => address)))
    for (const address of localAddresses()) t.equal(address.host, formatHost(address))
  })

  t.test('have no IPv6 link-local address: no TURN message can carry its zone', async (t) => {
    t.same(
      localAddresses().filter(({ host }) => /^fe[89ab]/.test(host)),
      [],
    )
  })

  t.test('can all be bound; an address of another machine cannot', async (t) => {
    for (const address of localAddresses()) t.equal(await canBind(address), true, address.host)
    const foreign = addressOf(FOREIGN, 0)
    foreign.host = FOREIGN
    t.equal(await canBind(foreign), false)
  })
})

t.test('defaultRouteSource', async (t) => {
  t.test('is a local address, or null', async (t) => {
    for (const family of [4, 6] as const) {
      const source = await defaultRouteSource(family)
      if (source === null) continue
      t.equal(source.family, family)
      t.ok(
        localAddresses().some(({ host }) => host === source.host),
        source.host,
      )
    }
  })

  const skip = peerOrSkip('network namespaces')
  t.test('is null where no route leads outside', { skip }, async (t) => {
    const { prefix } = createNamespace(t, ['192.168.245.61/32', 'fd00:99::1/128'])
    const [command = '', ...args] = prefix
    const script = `const { defaultRouteSource } = await import('${MODULE}')
      console.log(JSON.stringify([await defaultRouteSource(4), await defaultRouteSource(6)]))`
    const node = ['env', '-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '-e', script]
    const { stdout } = await promisify(execFile)(command, [...args, ...node])
    t.equal(stdout, '[null,null]\n')
  })
})
