import t from 'tap'
import type { CertificateFacts } from '../../src/auth/certificate-file.js'
import { certificateWarnings } from '../../src/auth/certificate-warnings.js'

const DAY = 86_400_000
const NOW = Date.UTC(2030, 0, 1)

function facts(changes: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    path: '/etc/x.pem',
    subject: 'CN=vcse.octavio.com',
    issuer: 'CN=Authority',
    names: ['vcse.octavio.com'],
    validFrom: NOW - DAY,
    validTo: NOW + 100 * DAY,
    fingerprint256: '',
    isSelfSigned: false,
    isChainInOrder: true,
    isChainCut: false,
    ...changes,
  }
}

t.test('a certificate that is all right gives no warning', async (t) => {
  t.same(certificateWarnings(facts(), ['vcse.octavio.com'], NOW), [])
  t.same(certificateWarnings(facts({ names: [] }), [], NOW), [])
})

t.test('names', async (t) => {
  t.test('that are missing, with what it has instead and what to do', async (t) => {
    t.same(certificateWarnings(facts(), ['cmsweb.octavio.com', 'vcse.octavio.com'], NOW), [
      'the certificate /etc/x.pem does not name cmsweb.octavio.com (it names vcse.octavio.com): browsers will refuse turns: there; ' +
        'make one that does, such as with turnd cert --name cmsweb.octavio.com --name vcse.octavio.com',
    ])
  })
  t.test('of pages that are missing: who will notice is another one', async (t) => {
    t.same(certificateWarnings(facts(), ['vcse.octavio.com'], NOW, ['cmsweb.octavio.com', 'vcse.octavio.com']), [
      'the certificate /etc/x.pem does not name cmsweb.octavio.com (it names vcse.octavio.com): browsers will refuse https://cmsweb.octavio.com (--http-name); ' +
        'make one that does, such as with turnd cert --name vcse.octavio.com --name cmsweb.octavio.com',
    ])
    const wildcard = facts({ names: ['*.octavio.com'] })
    t.same(certificateWarnings(wildcard, [], NOW, ['cmsweb.octavio.com']), [])
    t.equal(certificateWarnings(wildcard, [], NOW, ['cmsweb.cms.octavio.com']).length, 1)
  })
  t.test('a wildcard covers one label', async (t) => {
    const wildcard = facts({ names: ['*.octavio.com'] })
    t.same(certificateWarnings(wildcard, ['cmsweb.octavio.com'], NOW), [])
    t.match(certificateWarnings(wildcard, ['a.b.octavio.com', 'octavio.com'], NOW), [
      /does not name a\.b\.octavio\.com and octavio\.com \(it names \*\.octavio\.com\)/,
    ])
  })
  t.test('a commonName is no name', async (t) => {
    t.match(certificateWarnings(facts({ names: [] }), ['vcse.octavio.com'], NOW), [
      /does not name vcse.octavio.com \(it has no subjectAltName with a name\)/,
    ])
  })
  t.test('many are counted after the fifth', async (t) => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((label) => `${label}.net`)
    t.match(certificateWarnings(facts({ names }), names.slice(0, 6), NOW), [])
    t.match(certificateWarnings(facts({ names: names.slice(0, 5) }), ['x.net'], NOW), [
      /names a.net, b.net, c.net, d.net and e.net\)/,
    ])
    t.match(certificateWarnings(facts({ names: names.slice(0, 6) }), ['x.net'], NOW), [
      /names a.net, b.net, c.net, d.net, e.net and 1 more\)/,
    ])
    t.match(certificateWarnings(facts(), names, NOW), [/--name e\.net …$/])
  })
})

t.test('validity', async (t) => {
  const warnings = (validFrom: number, validTo: number) => certificateWarnings(facts({ validFrom, validTo }), [], NOW)
  const expires = (text: string) => [
    `the certificate /etc/x.pem expires in ${text}: renew it, a running server takes the new one by itself`,
  ]
  t.test('14 days before the end, and a second around', async (t) => {
    t.same(warnings(NOW - DAY, NOW + 14 * DAY + 1000), [])
    t.same(warnings(NOW - DAY, NOW + 14 * DAY), expires('14 days'))
    t.same(warnings(NOW - DAY, NOW + 14 * DAY - 1000), expires('13 days'))
  })
  t.test('the last day', async (t) => {
    t.same(warnings(NOW - DAY, NOW + 2 * DAY - 1), expires('1 day'))
    t.same(warnings(NOW - DAY, NOW + DAY), expires('1 day'))
    t.same(warnings(NOW - DAY, NOW + DAY - 1), expires('less than a day'))
    t.same(warnings(NOW - DAY, NOW), expires('less than a day'), 'the last moment belongs to it')
  })
  t.test('after the end', async (t) => {
    const expired = (text: string) => [
      `the certificate /etc/x.pem expired ${text} ago: clients will refuse it; renew it`,
    ]
    t.same(warnings(NOW - DAY, NOW - 1), expired('less than a day'))
    t.same(warnings(NOW - 9 * DAY, NOW - 3 * DAY), expired('3 days'))
  })
  t.test('before the beginning', async (t) => {
    t.same(warnings(NOW, NOW + 100 * DAY), [])
    t.same(warnings(NOW + 1, NOW + 100 * DAY), [
      "the certificate /etc/x.pem is not valid yet, but in less than a day: clients will refuse it; look at this machine's clock, or wait until then",
    ])
  })
})

t.test('the chain', async (t) => {
  t.match(certificateWarnings(facts({ isChainInOrder: false }), [], NOW), [/is followed by others out of order/])
  t.same(certificateWarnings(facts({ isChainCut: true }), [], NOW), [
    'the certificate /etc/x.pem stands alone, without the one that signed it (CN=Authority): clients that do not know that one will refuse it; ' +
      'give the whole chain, such as fullchain.pem',
  ])
})
