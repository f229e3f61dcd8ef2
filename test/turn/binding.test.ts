import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { CoreHarness } from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

t.test('Binding', async (t) => {
  for (const [address, length] of [
    ['198.51.100.7:50000', 32],
    ['[2a00:1450::7]:50000', 44],
  ] as const) {
    t.test(`tells ${address} its own address, without credentials, in ${length} bytes (RFC 8489 §7.3.1)`, async (t) => {
      const client = new CoreHarness().client({ address })
      const answer = client.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
      t.equal(answer.code, 0)
      t.same(answer.types, [stun.ATTRIBUTE_XOR_MAPPED_ADDRESS], 'no SOFTWARE, nothing else')
      t.same(answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), [addressOf(address).toString()])
      t.equal(answer.bytes.length, length)
    })
  }

  t.test('carries FINGERPRINT if and only if the request did', async (t) => {
    const harness = new CoreHarness()
    for (const fingerprint of [true, false]) {
      const client = harness.client({ fingerprint })
      const answer = client.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
      t.equal(answer.view.fingerprintStart >= 0, fingerprint)
    }
  })

  t.test('needs no right credential, and answers without integrity', async (t) => {
    const client = new CoreHarness().client({ user: { username: 'nobody', password: 'x' } })
    const answer = client.ask(stun.METHOD_BINDING, () => {}, { nonce: 'not a nonce' })
    t.equal(answer.code, 0)
    t.equal(answer.view.messageIntegrityStart, -1)
  })

  t.test('refuses an unknown required attribute with 420, and ignores optional ones', async (t) => {
    const client = new CoreHarness().client()
    const ask = (type: number) =>
      client.ask(stun.METHOD_BINDING, (writer) => writer.writeUint32(type, 1), { integrity: 'none' })
    t.equal(ask(0x7fff).code, 420)
    t.equal(ask(stun.ATTRIBUTE_CHANGE_REQUEST).code, 420)
    t.equal(ask(0x8000 | 0x7ff).code, 0)
  })

  t.test('leaves no trace in the core', async (t) => {
    const harness = new CoreHarness()
    harness.client().ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
    t.equal(harness.core.allocations.size, 0)
    t.same(harness.observer.refusals, [])
  })

  t.test('indications are heard and not answered (RFC 8489 §6.3.2)', async (t) => {
    const harness = new CoreHarness()
    t.equal(harness.client().indication(stun.METHOD_BINDING), 0)
    t.same(harness.output.effects, [])
  })
})
