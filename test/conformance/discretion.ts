// What answers do not say: nothing about the software, nothing to strangers but numbers, and never much more than was asked
// (RFC 8489 §14.14, §16.1.2; reflection).
import type { Test } from 'tap'
import {
  ATTRIBUTE_MAPPED_ADDRESS,
  ATTRIBUTE_OTHER_ADDRESS,
  ATTRIBUTE_RESPONSE_ORIGIN,
  ATTRIBUTE_SOFTWARE,
  METHOD_ALLOCATE,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import { ReceivedMessage } from '../support/received-message.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import type { Suite } from './suite.js'

const ANSWER_LENGTH_MAX = 98

export function discretion(t: Test, suite: Suite): void {
  t.test('discretion', async (t) => {
    const server = await suite.sharedServer()

    t.test('no answer and no indication carries SOFTWARE, or the addresses of RFC 3489 and 5780', async (t) => {
      const peer = await UdpPeer.open(t)
      const client = await suite.connect(t, server)
      const messages = [
        await client.binding(),
        await client.binding((writer) => writer.writeEmpty(0x7f01)),
        await client.learnChallenge(),
        await client.request(METHOD_REFRESH, () => {}, { password: 'wrong' }),
        await client.request(METHOD_REFRESH, () => {}, { nonce: null }),
        await client.request(METHOD_REFRESH, () => {}, { nonce: 'stale' }),
        await client.allocate({ protocol: null }),
        await client.allocate(),
        await client.allocate(),
        await client.refresh(),
        await client.createPermission(peer.address),
        await client.createPermission(addressOf('10.0.0.1', 9)),
        await client.bindChannel(0x4000, addressOf('127.0.0.1', 9)),
      ]
      t.same(
        messages.map(({ code }) => code),
        [0, 420, 401, 401, 400, 438, 400, 0, 437, 0, 0, 403, 0],
      )
      peer.send(client.relay, 'data')
      messages.push(new ReceivedMessage((await client.nextData()).frame))
      const unwanted = [
        ATTRIBUTE_SOFTWARE,
        ATTRIBUTE_MAPPED_ADDRESS,
        ATTRIBUTE_RESPONSE_ORIGIN,
        ATTRIBUTE_OTHER_ADDRESS,
      ]
      for (const message of messages)
        t.same(
          message.types.filter((type) => unwanted.includes(type)),
          [],
        )
    })

    t.test('strangers get codes without words, clients with', async (t) => {
      const client = await suite.connect(t, server)
      const strangers = [
        await client.learnChallenge(),
        await client.request(METHOD_REFRESH, () => {}, { password: 'wrong' }),
        await client.request(METHOD_REFRESH, () => {}, { nonce: null }),
      ]
      for (const { reasonPhrase } of strangers) t.equal(reasonPhrase, '')
      t.equal((await client.refresh()).reasonPhrase, 'Allocation Mismatch')
      t.equal((await client.allocate({ protocol: null })).reasonPhrase, 'Bad Request')
    })

    t.test(`no answer to a stranger has more than ${ANSWER_LENGTH_MAX} bytes`, async (t) => {
      const client = await suite.connect(t, server)
      const many = Array.from({ length: 20 }, (_, index) => 0x7f00 + index)
      const messages = [
        await client.learnChallenge(),
        await client.request(METHOD_ALLOCATE, () => {}, { username: 'mallory' }),
        await client.request(METHOD_ALLOCATE, () => {}, { nonce: 'stale' }),
        await client.request(METHOD_ALLOCATE, () => {}, { nonce: null }),
      ]
      for (const { bytes, code } of messages) t.ok(bytes.length <= ANSWER_LENGTH_MAX, `${code}: ${bytes.length} bytes`)
      const request = client.message(0x001, (writer) => many.forEach((type) => void writer.writeEmpty(type)), {
        integrity: 'none',
      })
      const answer = await client.exchange(request)
      t.equal(answer.code, 420)
      t.ok(answer.bytes.length <= request.length, 'a list of unknown attributes is shorter than the attributes')
    })
  })
}
