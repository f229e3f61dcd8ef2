// Which addresses NAT behaviour discovery answers from, and that it comes and goes with a reload.
import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { checkDiscoveryPairs, discoveryPairs } from '../../src/server/nat-discovery.js'
import * as stun from '../../src/stun/constants.js'
import { Received } from '../support/core-client.js'
import { MAIN_ENGINE } from '../support/engines.js'
import { findFreePorts } from '../support/free-ports.js'
import { encodeRequest } from '../support/request-encoder.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { ReloadStage } from './reload-stage.js'
import { settingsOf } from './settings.js'

const ON: TurnServerOptions = { natDiscovery: true, listen: ['udp:192.0.2.1:3478', 'udp:192.0.2.2:3478'] }
const shown = (options: TurnServerOptions) =>
  discoveryPairs(settingsOf(options)).map(
    ({ advertised, ports }) => `${advertised.map(({ host }) => host).join(' and ')} at ${ports.join(' and ')}`,
  )

t.test('the addresses of discovery', async (t) => {
  t.test('are the first two of each family that listeners name', async (t) => {
    t.same(shown({ ...ON, natDiscovery: false }), [])
    const listen = ['192.0.2.2:3478', '[2001:db8::2]:3478', '192.0.2.1:3478', '[2001:db8::1]:3478', '192.0.2.3:3478']
    const pairs = discoveryPairs(settingsOf({ natDiscovery: true, listen }))
    t.same(
      pairs.map(({ addresses }) => addresses.map(String)),
      [
        ['192.0.2.2:0', '192.0.2.1:0'],
        ['[2001:db8::2]:0', '[2001:db8::1]:0'],
      ],
    )
    t.same(
      pairs.map(({ isForTcp }) => isForTcp),
      [true, true],
    )
    t.equal(discoveryPairs(settingsOf(ON))[0].isForTcp, false)
  })

  t.test('behind static NAT are told as the public ones', async (t) => {
    const externalIp = ['203.0.113.1/192.0.2.1', '203.0.113.2/192.0.2.2']
    const [{ advertised }] = discoveryPairs(settingsOf({ ...ON, externalIp }))
    t.same(advertised.map(String), ['203.0.113.1:0', '203.0.113.2:0'])
    t.doesNotThrow(() => checkDiscoveryPairs(settingsOf({ ...ON, externalIp })))
  })

  t.test('one public address for both stops the start, and so do too few', async (t) => {
    t.throws(() => checkDiscoveryPairs(settingsOf({ ...ON, externalIp: '203.0.113.1' })), {
      code: 'TURND_ERR_OPTION',
      message: /by one public address, 203\.0\.113\.1: give each its own, --external-ip PUBLIC\/192\.0\.2\.1/,
    })
    // Of a wildcard only public addresses count, of which a machine of tests has none, or one.
    t.throws(
      () => checkDiscoveryPairs(settingsOf({ natDiscovery: true, listen: '127.0.0.1:3478', natDiscoveryPort: 1 })),
      {
        code: 'TURND_ERR_OPTION',
      },
    )
  })
})

t.test('a reload switches discovery and RFC 3489 on and off', { skip: MAIN_ENGINE.skip }, async (t) => {
  const { minPort: port } = await findFreePorts({ first: 34_860, last: 34_959 }, 2)
  const stage = await ReloadStage.start(t, MAIN_ENGINE, {
    listen: ['udp:127.0.0.1', 'udp:127.0.0.2'].map((host) => `${host}:${port}`),
  })
  const client = await UdpPeer.open(t)
  const binding = encodeRequest(stun.METHOD_BINDING, randomBytes(12), () => {}, null, false)
  const ask = async (place: string) => {
    client.send(addressOf(place, port), binding)
    return new Received((await client.inbox.next()).bytes)
  }
  t.notOk((await ask('127.0.0.1')).has(stun.ATTRIBUTE_OTHER_ADDRESS))
  t.match(await stage.change({ natDiscovery: true, rfc3489: true }), { applied: true, errors: [] })
  t.equal(stage.server.address().length, 4)
  t.ok((await ask('127.0.0.2')).has(stun.ATTRIBUTE_OTHER_ADDRESS))
  client.send(addressOf('127.0.0.1', port), Buffer.concat([Buffer.from([0, 1, 0, 0]), Buffer.alloc(16, 7)]))
  t.equal((await client.inbox.next()).bytes.readUInt16BE(0), 0x0101, 'a client of RFC 3489')
  t.match(await stage.change({ natDiscovery: true, listen: `udp:127.0.0.1:${port}` }), {
    applied: false,
    errors: [/needs two addresses/],
  })
  t.ok((await ask('127.0.0.2')).has(stun.ATTRIBUTE_OTHER_ADDRESS), 'nothing has changed')
  t.match(await stage.change({}), { applied: true })
  t.notOk((await ask('127.0.0.1')).has(stun.ATTRIBUTE_OTHER_ADDRESS))
  t.equal(stage.server.address().length, 2)
})
