import t from 'tap'
import { parseListenSpec } from '../../src/config/listen-spec.js'
import { expandListenSpecs, TCP_SCHEMES } from '../../src/net/listen-targets.js'
import { localAddresses } from '../../src/net/local-addresses.js'

const expand = (...texts: string[]) => expandListenSpecs(texts.map(parseListenSpec))
const addressesOf = (...texts: string[]) => expand(...texts).map(({ address }) => address.toString())

function localHosts(family?: 4 | 6): string[] {
  return localAddresses()
    .filter((address) => family === undefined || address.family === family)
    .map((address) => {
      address.port = 3478
      return address.toString()
    })
}

t.test('expandListenSpecs', async (t) => {
  t.test('a named address is one socket, its host in canonical text', async (t) => {
    const targets = expand('udp:127.0.0.1:3478', 'udp:[0:0::1]:0')
    t.same(
      targets.map(({ address, isExpanded }) => [address.host, address.port, isExpanded]),
      [
        ['127.0.0.1', 3478, false],
        ['::1', 0, false],
      ],
    )
    t.equal(targets[1].spec.text, 'udp:[0:0::1]:0')
  })

  t.test('a wildcard is one socket for each local address of its family', async (t) => {
    t.same(addressesOf('udp:0.0.0.0:3478'), localHosts(4))
    t.same(addressesOf('udp:[::]:3478'), localHosts(6))
    t.same(addressesOf('udp:*:3478'), localHosts())
    t.same(addressesOf('*:3478'), localHosts())
    t.ok(expand('*:3478').every(({ isExpanded }) => isExpanded))
    t.ok(addressesOf('*:3478').includes('127.0.0.1:3478'))
  })

  t.test('without a scheme there is a UDP socket; other transports have none here', async (t) => {
    t.same(addressesOf('127.0.0.1:3478'), ['127.0.0.1:3478'])
    t.same(addressesOf('tcp:127.0.0.1:3478', 'tls:127.0.0.1:443', 'dtls:127.0.0.1:5349'), [])
  })

  t.test('an address that is named and in a wildcard is one socket, and keeps its name', async (t) => {
    const targets = expand('udp:0.0.0.0:3478', 'udp:127.0.0.1:3478')
    t.equal(targets.length, localHosts(4).length)
    t.match(targets[0], { isExpanded: false, spec: { text: 'udp:127.0.0.1:3478' }, address: { host: '127.0.0.1' } })
    t.equal(targets.filter(({ address }) => address.host === '127.0.0.1').length, 1)
  })

  t.test('port 0 is a socket for each scheme, and one for a scheme that is named twice', async (t) => {
    const schemesOf = (...texts: string[]) =>
      expandListenSpecs(texts.map(parseListenSpec), TCP_SCHEMES).map(({ scheme }) => scheme)
    t.same(schemesOf('tcp:127.0.0.1:0', 'tls:127.0.0.1:0'), ['tcp', 'tls'])
    t.same(schemesOf('127.0.0.1:0', 'tcp:127.0.0.1:0'), ['tcp'])
  })

  t.test('the same address with two ports is two sockets', async (t) => {
    t.same(addressesOf('udp:127.0.0.1:3478', 'udp:127.0.0.1:3479'), ['127.0.0.1:3478', '127.0.0.1:3479'])
  })
})
