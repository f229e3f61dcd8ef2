import t from 'tap'
import { isNameCovered, subjectAltNames } from '../../src/auth/certificate-names.js'

t.test('the names of a subjectAltName', async (t) => {
  const cases: [text: string | undefined, names: string[]][] = [
    [undefined, []],
    ['DNS:turn.example.org', ['turn.example.org']],
    ['DNS:Turn.Example.org, DNS:*.example.org', ['turn.example.org', '*.example.org']],
    ['IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1', ['192.0.2.1', '2001:db8::1']],
    ['email:a@example.org, URI:https://example.org/, DNS:a', ['a']],
    ['URI:"https://example.org/, DNS:forged.example.org", DNS:a', ['a']],
    ['DNS:"a, DNS:forged"', ['a, dns:forged']],
  ]
  for (const [text, names] of cases) t.same(subjectAltNames(text), names, text ?? 'none')
})

t.test('a name is covered', async (t) => {
  const cases: [pattern: string, covered: string[], uncovered: string[]][] = [
    [
      'turn.example.org',
      ['turn.example.org', 'TURN.example.org', 'turn.example.org.'],
      ['example.org', 'a.turn.example.org'],
    ],
    [
      '*.example.org',
      ['turn.example.org', 'a.example.org'],
      ['example.org', 'a.b.example.org', '.example.org', 'turn.example.com'],
    ],
    ['*.org', [], ['example.org']],
    ['*', [], ['org', 'example.org']],
    ['t*.example.org', [], ['turn.example.org']],
    ['a.*.org', [], ['a.example.org']],
    ['192.0.2.1', ['192.0.2.1'], ['192.0.2.2']],
    ['*.0.2.1', [], ['192.0.2.1']],
    ['2001:db8::1', ['2001:DB8:0:0:0:0:0:1'], ['2001:db8::2']],
  ]
  for (const [pattern, covered, uncovered] of cases) {
    t.test(`by ${pattern}, or not (RFC 6125 §6.4)`, async (t) => {
      for (const name of covered) t.equal(isNameCovered(name, ['other', pattern]), true, name)
      for (const name of uncovered) t.equal(isNameCovered(name, ['other', pattern]), false, name)
    })
  }
})
