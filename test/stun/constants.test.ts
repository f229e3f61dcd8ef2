import { readFileSync } from 'node:fs'
import t from 'tap'
import * as constants from '../../src/stun/constants.js'
import { reasonPhrase } from '../../src/stun/reason-phrases.js'

interface Row {
  value: number
  constantName: string
}

const named = new Map<string, unknown>(Object.entries(constants))

/** The assigned rows of one registry; `Reserved; was X` and `Reserved (was X)` count as X, other reserved rows as none. */
function readRegistry(file: string, prefix: string): Row[] {
  // build/test/stun is where this runs; the CSV files stay beside their source.
  const text = readFileSync(new URL(`../../../test/stun/iana/${file}`, import.meta.url), 'utf8')
  const rows: Row[] = []
  for (const line of text.trim().split('\n').slice(1)) {
    const [value, registryName] = line.split(',')
    const name = registryName.replace(/^Reserved(; was | \(was )(\S+?)\)?( prior to .*)?$/, '$2')
    if (name !== 'Reserved') rows.push({ value: Number(value), constantName: prefix + toConstantCase(name) })
  }
  return rows
}

function toConstantCase(name: string): string {
  if (name === 'SHA-256') return 'SHA256'
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[ -]/g, '_')
    .toUpperCase()
}

function ourConstants(prefix: string): Row[] {
  const rows: Row[] = []
  for (const [constantName, value] of named) {
    if (constantName.startsWith(prefix) && typeof value === 'number') rows.push({ value, constantName })
  }
  return rows
}

function byValue(rows: Row[]): Row[] {
  return rows.sort((left, right) => left.value - right.value)
}

t.test('IANA STUN parameters', async (t) => {
  t.test('methods are the registry’s, neither more nor fewer (RFC 8489 §18.2)', async (t) => {
    const registry = readRegistry('methods.csv', 'METHOD_')
    t.equal(registry.length, 12)
    t.same(byValue(ourConstants('METHOD_')), registry)
  })

  t.test('attributes are the registry’s, neither more nor fewer (RFC 8489 §18.3)', async (t) => {
    const ours = byValue(ourConstants('ATTRIBUTE_').filter((row) => row.constantName !== 'ATTRIBUTE_HEADER_LENGTH'))
    const registry = readRegistry('attributes.csv', 'ATTRIBUTE_')
    t.equal(registry.length, 65)
    t.same(ours, registry)
  })

  t.test('error codes are the registry’s, and 430 and 431 of RFC 3489 (RFC 8489 §18.4)', async (t) => {
    const registry = readRegistry('error-codes.csv', 'ERROR_')
    t.equal(registry.length, 18)
    registry.push({ value: 430, constantName: 'ERROR_STALE_CREDENTIALS' })
    registry.push({ value: 431, constantName: 'ERROR_INTEGRITY_CHECK_FAILURE' })
    t.same(byValue(ourConstants('ERROR_')), byValue(registry))
  })

  t.test('every error code has its registered name as its reason phrase', async (t) => {
    for (const row of readRegistry('error-codes.csv', 'ERROR_')) {
      t.equal(`ERROR_${toConstantCase(reasonPhrase(row.value))}`, row.constantName)
    }
    t.equal(reasonPhrase(402), '')
  })

  t.test('password algorithms are the registry’s (RFC 8489 §18.5)', async (t) => {
    const registry = readRegistry('password-algorithms.csv', 'PASSWORD_ALGORITHM_')
    t.equal(registry.length, 2)
    t.same(byValue(ourConstants('PASSWORD_ALGORITHM_')), registry)
  })

  t.test(
    'security features are the registry’s bits, counted from the most significant of 24 (RFC 8489 §18.1)',
    async (t) => {
      const registry = readRegistry('security-features.csv', 'SECURITY_FEATURE_')
      t.equal(registry.length, 2)
      const masks = registry.map((row) => ({ ...row, value: 0x800000 >> row.value }))
      t.same(byValue(ourConstants('SECURITY_FEATURE_')), byValue(masks))
    },
  )

  t.test('every registered attribute type is known, every other one is not', async (t) => {
    const registered = new Set(readRegistry('attributes.csv', '').map((row) => row.value))
    const wrong: number[] = []
    for (let type = 0; type <= 0xffff; type++) {
      if (constants.isKnownAttribute(type) !== registered.has(type)) wrong.push(type)
    }
    t.same(wrong, [])
  })

  t.test('every method has its registered name, an unassigned one its number', async (t) => {
    for (const row of readRegistry('methods.csv', '')) {
      t.equal(toConstantCase(constants.methodName(row.value)), row.constantName)
    }
    t.equal(constants.methodName(0x005), '0x005')
    t.equal(constants.methodName(0xfff), '0xfff')
  })
})

t.test('comprehension', async (t) => {
  t.test('is required below 0x8000 and optional from there (RFC 8489 §14)', async (t) => {
    t.equal(constants.isComprehensionRequired(0x0000), true)
    t.equal(constants.isComprehensionRequired(0x7fff), true)
    t.equal(constants.isComprehensionRequired(0x8000), false)
    t.equal(constants.isComprehensionRequired(0xffff), false)
  })
})
