import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import type { MessageWriter } from '../../src/stun/writer.js'
import {
  BOB,
  type CoreClient,
  type CoreClientOptions,
  type Received,
  requestUdp,
  writePeers,
} from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'

const FORBIDDEN_PEER = '10.0.0.1:80'

/** A way to each error that comes after authentication, with this client. */
const REFUSALS: readonly {
  code: number
  options?: CoreHarnessOptions
  provoke: (client: CoreClient, harness: CoreHarness) => Received
}[] = [
  { code: 400, provoke: (client) => client.ask(stun.METHOD_ALLOCATE) },
  {
    code: 403,
    provoke: (client) => {
      client.allocate()
      return client.createPermission(FORBIDDEN_PEER)
    },
  },
  { code: 420, provoke: (client) => client.allocate((writer) => writer.writeEmpty(0x7fff)) },
  { code: 437, provoke: (client) => client.refresh() },
  {
    code: 440,
    provoke: (client) => client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6)),
  },
  {
    code: 441,
    provoke: (client, harness) => {
      harness.client({ address: client.address.toString(), user: BOB }).allocate()
      return client.refresh()
    },
  },
  {
    code: 442,
    provoke: (client) =>
      client.ask(stun.METHOD_ALLOCATE, (writer) => writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, 99 << 24)),
  },
  {
    code: 443,
    provoke: (client) => {
      client.allocate()
      return client.createPermission('2a00::1')
    },
  },
  {
    code: 486,
    options: { userQuota: 1 },
    provoke: (client, harness) => {
      harness.client().allocate()
      return client.allocate()
    },
  },
  { code: 508, options: { maxAllocations: 0 }, provoke: (client) => client.allocate() },
  {
    code: 508,
    provoke: (client, harness) => {
      harness.openOutcome = () => 'refused'
      return client.allocate()
    },
  },
]

const VARIANTS: readonly CoreClientOptions[] = [
  { integrity: 'sha1', fingerprint: false },
  { integrity: 'sha1', fingerprint: true },
  { integrity: 'sha256', fingerprint: false },
  { integrity: 'sha256', fingerprint: true },
]

for (const variant of VARIANTS) {
  const name = `${variant.integrity}${variant.fingerprint ? ' and FINGERPRINT' : ''}`
  t.test(`answers to a client that uses ${name}`, async (t) => {
    t.test('errors carry its integrity, and FINGERPRINT if and only if asked (RFC 8489 §9.2.4)', async (t) => {
      for (const { code, options, provoke } of REFUSALS) {
        const harness = new CoreHarness(options)
        const client = harness.client(variant)
        const answer = provoke(client, harness)
        t.equal(answer.code, code)
        t.ok(client.isProtected(answer), `${code} is protected`)
        t.notOk(answer.has(stun.ATTRIBUTE_SOFTWARE))
        const last = harness.observer.refusals.at(-1)
        t.match(last, { code, username: 'alice', client: client.address.toString() }, 'and is told to the observer')
      }
    })

    t.test('successes carry its integrity, and FINGERPRINT if and only if asked', async (t) => {
      const harness = new CoreHarness()
      const client = harness.client(variant)
      const answers = [
        client.allocate(),
        client.createPermission(PEER),
        client.channelBind(0x4000, PEER),
        client.refresh(),
      ]
      for (const answer of answers) {
        t.equal(answer.code, 0)
        t.ok(client.isProtected(answer))
        t.notOk(answer.has(stun.ATTRIBUTE_SOFTWARE))
      }
      t.same(harness.observer.refusals, [], 'the first challenge is no refusal')
    })

    t.test('each answer has the transaction id and method of its request', async (t) => {
      const client = new CoreHarness().client(variant)
      client.allocate()
      for (const method of [
        stun.METHOD_ALLOCATE,
        stun.METHOD_REFRESH,
        stun.METHOD_CREATE_PERMISSION,
        stun.METHOD_CHANNEL_BIND,
      ]) {
        const transactionId = Uint8Array.from({ length: 12 }, (_, index) => index * method)
        const answer = client.ask(method, requestUdp, { transactionId })
        t.equal(answer.view.method, method)
        t.same(answer.transactionId, transactionId)
      }
    })
  })
}

t.test('before authentication', async (t) => {
  t.test('a 401 has no integrity and no reason phrase, and at most 98 bytes for a realm of 8', async (t) => {
    const answer = new CoreHarness().client().challenge()
    t.equal(answer.code, 401)
    t.equal(answer.view.messageIntegrityStart, -1)
    t.same(answer.value(stun.ATTRIBUTE_ERROR_CODE).length, 4)
    t.same(answer.types, [
      stun.ATTRIBUTE_ERROR_CODE,
      stun.ATTRIBUTE_REALM,
      stun.ATTRIBUTE_NONCE,
      stun.ATTRIBUTE_PASSWORD_ALGORITHMS,
    ])
    const excess = ((answer.text(stun.ATTRIBUTE_REALM).length + 3) & ~3) - 8
    t.ok(answer.bytes.length - excess <= 98)
  })

  t.test('nothing of an earlier request shows: no integrity, no FINGERPRINT, no user name', async (t) => {
    const harness = new CoreHarness()
    const alice = harness.client({ fingerprint: true, integrity: 'sha256' })
    alice.allocate()
    t.equal(alice.refresh().code, 0)
    const stranger = harness.client()
    const ask = (method: number) => stranger.ask(method, (writer) => writer.writeEmpty(0x7fff), { integrity: 'none' })
    for (const [method, code] of [
      [stun.METHOD_REFRESH, 401],
      [stun.METHOD_BINDING, 420],
    ]) {
      const answer = ask(method)
      const { messageIntegrityStart, messageIntegritySha256Start, fingerprintStart } = answer.view
      t.equal(answer.code, code)
      t.same([messageIntegrityStart, messageIntegritySha256Start, fingerprintStart], [-1, -1, -1])
    }
    t.match(harness.observer.refusals.at(-1), { code: 420, username: '' })
    const nested = harness.client({ address: harness.relayOf(alice).address.toString() })
    nested.request(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
    t.match(harness.observer.refusals.at(-1), { reason: 'nested-client', username: '' })
  })

  t.test('an unknown user and a wrong password get the same bytes (RFC 8489 §9.2.4)', async (t) => {
    const answerFor = (user: { username: string; password: string }) => {
      const harness = new CoreHarness()
      const client = harness.client({ user })
      client.challenge()
      const answer = client.ask(stun.METHOD_ALLOCATE, requestUdp, { transactionId: new Uint8Array(12) })
      return { answer, refusal: harness.observer.lastRefusal() }
    }
    const unknown = answerFor({ username: 'nobody', password: 'correct horse' })
    const wrong = answerFor({ username: 'alice', password: 'wrong' })
    t.equal(unknown.answer.code, 401)
    t.same(unknown.answer.bytes, wrong.answer.bytes)
    t.equal(unknown.refusal, 'unknown-user 401', 'the operator learns which it was')
    t.equal(wrong.refusal, 'bad-password 401')
  })

  t.test('integrity without USERNAME, REALM or NONCE gets 400 without integrity', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    const bytes = client.encode(stun.METHOD_ALLOCATE, (writer) => writer.writeMessageIntegrity(client.key), {
      integrity: 'none',
    })
    const answer = client.exchange(bytes)
    t.equal(answer?.code, 400)
    t.equal(answer?.view.messageIntegrityStart, -1)
    t.equal(harness.observer.lastRefusal(), 'missing-attribute 400')
  })
})

t.test('438 Stale Nonce', async (t) => {
  for (const integrity of ['sha1', 'sha256'] as const) {
    t.test(`brings a fresh nonce that works, for ${integrity} (RFC 8489 §9.2.4)`, async (t) => {
      const harness = new CoreHarness()
      const client = harness.client({ integrity })
      client.allocate((writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 3600))
      harness.advanceSeconds(600)
      t.equal(client.refresh(3600).code, 0, 'ten minutes')
      harness.advanceSeconds(1)
      const stale = client.refresh(3600)
      t.equal(stale.code, 438)
      t.equal(harness.observer.lastRefusal(), 'stale-nonce 438')
      t.ok(stale.has(stun.ATTRIBUTE_REALM))
      t.ok(stale.has(stun.ATTRIBUTE_PASSWORD_ALGORITHMS))
      t.notOk(stale.has(stun.ATTRIBUTE_USERNAME))
      client.nonce = stale.text(stun.ATTRIBUTE_NONCE)
      t.equal(client.refresh(3600).code, 0)
    })
  }

  t.test('answers a nonce that was given to another address or port (hijacking)', async (t) => {
    const harness = new CoreHarness()
    const alice = harness.client({ address: '198.51.100.7:50000' })
    alice.challenge()
    for (const address of ['198.51.100.7:50001', '198.51.100.8:50000']) {
      const thief = harness.client({ address })
      t.equal(thief.ask(stun.METHOD_ALLOCATE, requestUdp, { nonce: alice.nonce }).code, 438)
    }
    t.equal(harness.core.allocations.size, 0)
  })

  t.test('is not told to those without the password: they get 401', async (t) => {
    const client = new CoreHarness().client({ user: { username: 'alice', password: 'wrong' } })
    t.equal(client.ask(stun.METHOD_ALLOCATE, requestUdp, { nonce: 'stale' }).code, 401)
  })
})

t.test('the observer is told of the peer that was refused', async (t) => {
  const harness = new CoreHarness()
  const client = harness.client()
  client.allocate()
  client.ask(stun.METHOD_CREATE_PERMISSION, (writer) => writePeers(writer, [PEER, FORBIDDEN_PEER]))
  t.match(harness.observer.refusals.at(-1), {
    ...{ reason: 'peer-policy', code: 403, method: stun.METHOD_CREATE_PERMISSION, username: 'alice' },
    ...{ client: client.address.toString(), peer: FORBIDDEN_PEER },
  })
})

t.test('TRANSACTION_TRANSMIT_COUNTER', async (t) => {
  const counting = (word: number) => (writer: MessageWriter) =>
    writer.writeUint32(stun.ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER, word)

  t.test(
    'says again how often the client has sent the request, in answers of every kind (RFC 7982 §3.3)',
    async (t) => {
      const harness = new CoreHarness()
      const client = harness.client()
      const counter = ({ view }: Received) => view.readUint32(view.find(stun.ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER))
      t.equal(counter(client.ask(stun.METHOD_BINDING, counting(0x0100), { integrity: 'none' })), 0x0100)
      t.equal(counter(client.ask(stun.METHOD_ALLOCATE, counting(0x0200), { integrity: 'none' })), 0x0200, 'a challenge')
      t.equal(counter(client.ask(stun.METHOD_REFRESH, counting(0xff00))), 0xff00, 'an error')
      // What answers it has had is not remembered: 0. Reserved bits and its own field are not said again.
      const udp = (writer: MessageWriter) => {
        writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_UDP << 24)
        counting(0xffff0305)(writer)
      }
      t.equal(counter(client.ask(stun.METHOD_ALLOCATE, udp)), 0x0300, 'an answer that waited for its relay')
    },
  )

  t.test('stands in no answer to a request without it, or with another length (RFC 7982 §3.3)', async (t) => {
    const client = new CoreHarness().client()
    const short = (writer: MessageWriter) => writer.writeUint16(stun.ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER, 1)
    for (const write of [() => {}, short]) {
      const answer = client.ask(stun.METHOD_BINDING, write, { integrity: 'none' })
      t.notOk(answer.has(stun.ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER))
    }
  })
})
