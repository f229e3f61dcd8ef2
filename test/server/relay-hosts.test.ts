// Which addresses relays are opened on, and what clients are told of them.
import t from 'tap'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { resolveRelayHosts } from '../../src/server/relay-hosts.js'
import { settingsOf } from './settings.js'

/** `advertised/address` of each; warnings are none of these tests' business. */
async function hostsOf(options: TurnServerOptions): Promise<string[]> {
  const hosts = await resolveRelayHosts(settingsOf(options), () => {})
  return hosts.map(({ address, advertised }) => `${advertised.host}/${address.host}`)
}

t.test('relay hosts', async (t) => {
  t.test('are those of --relay-ip, in order', async (t) => {
    t.same(await hostsOf({ relayIp: ['127.0.0.2', '127.0.0.1'] }), ['127.0.0.2/127.0.0.2', '127.0.0.1/127.0.0.1'])
  })

  t.test('are advertised by the --external-ip of their private side', async (t) => {
    const relayIp = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    const externalIp = ['203.0.113.1/127.0.0.1', '203.0.113.3/127.0.0.3']
    t.same(await hostsOf({ relayIp, externalIp }), [
      ...['203.0.113.1/127.0.0.1', '127.0.0.2/127.0.0.2', '203.0.113.3/127.0.0.3'],
    ])
  })

  t.test('are advertised by an --external-ip without a private side', async (t) => {
    t.same(await hostsOf({ relayIp: '127.0.0.1', externalIp: '203.0.113.1' }), ['203.0.113.1/127.0.0.1'])
  })

  t.test('carry the text that sockets are bound by, and no port', async (t) => {
    const [{ address, advertised }] = await resolveRelayHosts(settingsOf({ relayIp: '127.0.0.1' }), () => {})
    t.equal(address.host, '127.0.0.1')
    t.equal(address.port, 0)
    t.equal(advertised, address, 'the same object when there is no public side')
  })

  t.test('are at least one without --relay-ip, each of this machine', async (t) => {
    const warnings: string[] = []
    const hosts = await resolveRelayHosts(settingsOf({}), (text) => warnings.push(text))
    t.ok(hosts.length > 0)
    const isLoopback = hosts.some(({ address }) => address.host === '127.0.0.1' || address.host === '::1')
    t.equal(warnings.length, isLoopback ? 1 : 0, 'a warning when they reach nobody else')
  })

  t.test('of another machine are refused', async (t) => {
    await t.rejects(hostsOf({ relayIp: ['127.0.0.1', '192.0.2.77'] }), {
      code: 'TURND_ERR_ADDRESS_NOT_AVAILABLE',
      message: /^--relay-ip 192\.0\.2\.77 is not an address of this machine/,
    })
  })

  t.test('that an --external-ip misses are refused', async (t) => {
    await t.rejects(hostsOf({ externalIp: '203.0.113.1/192.0.2.77' }), {
      code: 'TURND_ERR_OPTION',
      message: /^--external-ip 203\.0\.113\.1\/192\.0\.2\.77 stands for no relay address/,
    })
  })
})
