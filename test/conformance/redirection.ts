// Clients that are sent to another server (--alternate), by a server that sends everybody away: whom, and with what (RFC 8489 §10). When it does so,
// and which server a client gets, is in test/turn/alternate.test.ts.
import type { Test } from 'tap'
import {
  ATTRIBUTE_ALTERNATE_DOMAIN,
  ATTRIBUTE_ALTERNATE_SERVER,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import { describeAllocate } from '../support/turn-client.js'
import type { Suite } from './suite.js'

/** Nobody follows to there. */
const PORT = 4000

export function redirection(t: Test, suite: Suite): void {
  t.test('a server that sends everybody to another one', async (t) => {
    const { scheme } = suite.transport
    const isSecure = scheme === 'tls' || scheme === 'dtls'
    const server = await suite.startServer(t, { alternate: `${scheme}:localhost:${PORT}`, alternateAbove: 0 })

    t.test('answers Allocate with a signed 300 and the address of the other one (RFC 8489 §10)', async (t) => {
      const client = await suite.connect(t, server)
      // Of another method: an Allocate would get more than a challenge.
      client.takeChallenge(await client.exchange(client.message(METHOD_REFRESH, () => {}, { integrity: 'none' })))
      const answer = await client.allocate()
      t.equal(answer.code, 300)
      t.ok(answer.has(ATTRIBUTE_MESSAGE_INTEGRITY))
      t.same([...answer.value(ATTRIBUTE_ALTERNATE_SERVER)], [0, 1, PORT >> 8, PORT & 0xff, 127, 0, 0, 1])
      t.equal((await client.refresh()).code, 437, 'and has made nothing')
    })

    t.test('adds the name that the certificate is for over TLS and DTLS (RFC 8489 §14.16)', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.exchange(client.message(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' }))
      t.equal(answer.code, 300)
      t.equal(answer.has(ATTRIBUTE_MESSAGE_INTEGRITY), false, 'there is no key yet')
      t.equal(answer.has(ATTRIBUTE_ALTERNATE_DOMAIN), isSecure)
      if (isSecure) t.equal(answer.text(ATTRIBUTE_ALTERNATE_DOMAIN), 'localhost')
    })

    t.test('answers Binding', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.exchange(client.message(METHOD_BINDING, () => {}, { integrity: 'none' }))
      t.equal(answer.code, 0)
    })
  })
}
