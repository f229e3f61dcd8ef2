import t from 'tap'
import { parseProxySource } from '../../src/config/proxy-source.js'
import { messageOf } from './refusals.js'

t.test('--proxy-protocol-from', async (t) => {
  t.test('takes an address or a block', async (t) => {
    for (const [text, prefixLength] of [
      ['192.0.2.1', 32],
      ['10.0.0.0/8', 8],
      ['2001:db8::1', 128],
      ['2001:db8::/32', 32],
      ['0.0.0.0/0', 0],
    ] as const) {
      t.equal(parseProxySource(text).prefixLength, prefixLength, text)
    }
  })

  t.test('says what is wrong with anything else', async (t) => {
    for (const text of ['', 'proxy.example.org', '10.0.0.0/33', '10.0.0.1:443', '2001:db8::/129', '::ffff:10.0.0.1']) {
      t.match(
        messageOf(() => parseProxySource(text)),
        /^is not a CIDR: ./,
        text,
      )
    }
  })
})
