// STUN itself: Binding, and what a server must drop or refuse before anything else (RFC 8489 §5, §6.3, §7.3, §14).
import type { Test } from 'tap'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_UNKNOWN_ATTRIBUTES,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  CLASS_ERROR,
  CLASS_INDICATION,
  CLASS_REQUEST,
  CLASS_SUCCESS,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_DATA,
  METHOD_REFRESH,
  METHOD_SEND,
  methodName,
} from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import type { Describe } from '../support/turn-client.js'
import { type Suite, withoutIPv6 } from './suite.js'

const UNKNOWN_REQUIRED = 0x7f01
const UNKNOWN_REQUIRED_TOO = 0x0042
const UNKNOWN_OPTIONAL = 0xff01

export function binding(t: Test, suite: Suite): void {
  t.test('Binding', async (t) => {
    const server = await suite.sharedServer()

    t.test(
      'tells the client its transport address in 32 bytes, without authentication (RFC 8489 §7.3.1)',
      async (t) => {
        const client = await suite.connect(t, server)
        const answer = await client.binding()
        t.equal(answer.code, 0)
        t.equal(answer.address(ATTRIBUTE_XOR_MAPPED_ADDRESS).toString(), client.localAddress.toString())
        t.same(answer.types, [ATTRIBUTE_XOR_MAPPED_ADDRESS])
        t.equal(answer.bytes.length, 32)
      },
    )

    t.test('tells an IPv6 client its address in 44 bytes (RFC 8489 §14.2)', { skip: withoutIPv6 }, async (t) => {
      const client = await suite.connect(t, server, { family: 6 })
      const answer = await client.binding()
      t.equal(answer.address(ATTRIBUTE_XOR_MAPPED_ADDRESS).toString(), client.localAddress.toString())
      t.equal(answer.bytes.length, 44)
    })

    t.test('answers with FINGERPRINT whoever sends one, and nobody else (RFC 8489 §7.3)', async (t) => {
      const client = await suite.connect(t, server)
      // Its value is verified as it arrives.
      t.equal((await client.binding(() => {}, { hasFingerprint: true })).has(ATTRIBUTE_FINGERPRINT), true)
      t.equal((await client.binding()).has(ATTRIBUTE_FINGERPRINT), false)
    })

    t.test('ignores attributes that it may ignore (RFC 8489 §14)', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.binding((writer) => {
        writer.writeText(ATTRIBUTE_SOFTWARE, 'a client')
        writer.writeBytes(UNKNOWN_OPTIONAL, Buffer.from('anything'))
      })
      t.equal(answer.code, 0)
    })

    t.test('refuses unknown required attributes with 420 and lists each once (RFC 8489 §6.3.1)', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.binding((writer) => {
        writer.writeEmpty(UNKNOWN_REQUIRED)
        writer.writeEmpty(UNKNOWN_OPTIONAL)
        writer.writeUint32(UNKNOWN_REQUIRED_TOO, 1)
        writer.writeEmpty(UNKNOWN_REQUIRED)
      })
      t.equal(answer.code, 420)
      t.same(answer.uint16s(ATTRIBUTE_UNKNOWN_ATTRIBUTES), [UNKNOWN_REQUIRED, UNKNOWN_REQUIRED_TOO])
    })

    t.test('answers 1,000 requests of one client', async (t) => {
      const client = await suite.connect(t, server)
      for (let round = 0; round < 10; round++) {
        const answers = await Promise.all(Array.from({ length: 100 }, () => client.binding()))
        if (answers.some((answer) => answer.code !== 0)) t.fail('an answer is an error')
      }
      t.same(client.inbox.items, [])
    })
  })

  t.test('what gets no answer', async (t) => {
    const server = await suite.sharedServer()
    const ignored = async (t: Test, frame: Uint8Array) => {
      await suite.sendIgnored(t, await suite.connect(t, server), frame)
    }

    t.test('a Binding indication (RFC 8489 §7.3.2)', async (t) => ignored(t, frame(CLASS_INDICATION, METHOD_BINDING)))

    t.test('a message with a wrong FINGERPRINT (RFC 8489 §7.3)', async (t) => {
      const bytes = frame(CLASS_REQUEST, METHOD_BINDING, (writer) => writer.writeFingerprint())
      bytes[bytes.length - 1] ^= 1
      await ignored(t, bytes)
    })

    t.test('answers, of whatever method (RFC 8489 §6.3.3)', async (t) => {
      for (const messageClass of [CLASS_SUCCESS, CLASS_ERROR]) {
        for (const method of [METHOD_BINDING, METHOD_ALLOCATE, METHOD_SEND])
          await ignored(t, frame(messageClass, method))
      }
    })

    t.test('a method that does not exist (RFC 8489 §6.3)', async (t) => {
      for (const method of [0x000, 0x005, 0x00d, 0x123, 0xfff]) await ignored(t, frame(CLASS_REQUEST, method))
    })

    t.test('a class that the method does not have (RFC 8489 §6.3, RFC 8656 §17)', async (t) => {
      for (const method of [
        METHOD_ALLOCATE,
        METHOD_REFRESH,
        METHOD_CREATE_PERMISSION,
        METHOD_CHANNEL_BIND,
        METHOD_DATA,
      ]) {
        await ignored(t, frame(CLASS_INDICATION, method))
      }
      for (const method of [METHOD_SEND, METHOD_DATA]) {
        t.comment(`${methodName(method)} as a request`)
        await ignored(t, frame(CLASS_REQUEST, method))
      }
    })

    const datagrams = { skip: suite.transport.isStream && 'a stream closes on these, which its own tests show' }
    t.test('what is no STUN message (RFC 8489 §5)', datagrams, async (t) => {
      const good = Buffer.from(frame(CLASS_REQUEST, METHOD_BINDING))
      await ignored(t, Buffer.alloc(0))
      await ignored(t, Buffer.from([0]))
      await ignored(t, good.subarray(0, 19))
      await ignored(t, with16(good, 0, 0x8001))
      await ignored(t, with16(good, 0, 0xc001))
      await ignored(t, Buffer.from('GET / HTTP/1.1\r\nHost: turn.example.org\r\n\r\n'))
    })

    t.test('a request of RFC 3489, which has no magic cookie (RFC 8489 §12)', datagrams, async (t) => {
      await ignored(t, with16(frame(CLASS_REQUEST, METHOD_BINDING), 4, 0x2113))
    })

    t.test('a message whose length is not what it says (RFC 8489 §5)', datagrams, async (t) => {
      const good = Buffer.from(
        frame(CLASS_REQUEST, METHOD_BINDING, (writer) => writer.writeUint32(UNKNOWN_OPTIONAL, 0)),
      )
      await ignored(t, with16(good, 2, 4))
      await ignored(t, with16(good, 2, 12))
      await ignored(t, Buffer.concat([good, Buffer.alloc(4)]))
      await ignored(t, Buffer.concat([with16(good, 2, 9), Buffer.alloc(1)]))
    })

    t.test('an attribute that runs past the end (RFC 8489 §14)', async (t) => {
      const good = Buffer.from(
        frame(CLASS_REQUEST, METHOD_BINDING, (writer) => writer.writeUint32(UNKNOWN_OPTIONAL, 0)),
      )
      await ignored(t, with16(good, 22, 5))
      await ignored(t, with16(good, 22, 0xffff))
    })
  })
}

function frame(messageClass: number, method: number, describe: Describe = () => {}): Uint8Array {
  const transactionId = Buffer.from('no answer to')
  const writer = new MessageWriter().begin(new Uint8Array(256), 0, messageClass, method, transactionId, 0)
  describe(writer)
  return writer.bytes.slice(0, writer.finish())
}

/** A copy with another 16-bit number at `offset`. */
function with16(bytes: Uint8Array, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt16BE(value, offset)
  return copy
}
