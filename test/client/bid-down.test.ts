// Our own client and a real server, and somebody between them who wants them to agree on less than both can do (RFC 8489 §9.2.1, §16.1.3). Whatever
// is changed, nothing is granted under it: either the client gives up, or the server refuses.
import t from 'tap'
import { ClientError, StunError } from '../../src/client/client-error.js'
import { openTransport } from '../../src/client/transport.js'
import { TurnClient } from '../../src/client/turn-client.js'
import { createTurnServer, type Refusal } from '../../src/index.js'
import {
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
} from '../../src/stun/constants.js'
import { DGRAM } from '../support/engines.js'
import { findFreePorts } from '../support/free-ports.js'
import { type Meddle, openMeddlingPath } from '../support/meddling-path.js'

const USER = { username: 'alice', password: 'correct horse' }
/** Longer than a machine that is busy takes for an answer; waited for only where every answer is thrown away. */
const ANSWER_MILLISECONDS = 1_500
const SHA256_ALONE = Buffer.of(0, 2, 0, 0)
const MD5_ALONE = Buffer.of(0, 1, 0, 0)

interface Attack {
  readonly what: string
  readonly toClient?: Meddle
  readonly toServer?: Meddle
  /** Of the client's error, with the number where the server's answer is the error; null: it has got its allocation. */
  readonly outcome: string | null
  /** Of the server's refusals, in order. */
  readonly refusals: readonly string[]
}

const STRONGEST = [ATTRIBUTE_USERNAME, ATTRIBUTE_MESSAGE_INTEGRITY_SHA256]
const IDENTITY_AND_INTEGRITY = [...STRONGEST, ATTRIBUTE_USERHASH, ATTRIBUTE_MESSAGE_INTEGRITY]

const without =
  (...types: number[]): Meddle =>
  (attributes) =>
    attributes.filter(({ type }) => !types.includes(type))
const withValue =
  (type: number, change: (value: Buffer) => Buffer): Meddle =>
  (attributes) =>
    attributes.map((each) => (each.type === type ? { type, value: change(each.value) } : each))
const offering = (...offer: Buffer[]) => withValue(ATTRIBUTE_PASSWORD_ALGORITHMS, () => Buffer.concat(offer))
const withBits = (bits: string) =>
  withValue(ATTRIBUTE_NONCE, (nonce) => Buffer.from(nonce.toString('latin1').replace('wAAA', bits), 'latin1'))
const all =
  (...steps: Meddle[]): Meddle =>
  (attributes, count) =>
    steps.reduce((changed, step) => step(changed, count), attributes)
const once =
  (meddle: Meddle, at = 1): Meddle =>
  (attributes, count) =>
    count === at ? meddle(attributes, count) : attributes

/** As a server before RFC 8489 would have answered. */
const asOfOldServer = all(without(ATTRIBUTE_PASSWORD_ALGORITHMS), withBits('AAAA'))

const ATTACKS: readonly Attack[] = [
  { what: 'nothing is changed', outcome: null, refusals: [] },
  {
    what: 'the offer is taken out of the 401',
    toClient: without(ATTRIBUTE_PASSWORD_ALGORITHMS),
    ...{ outcome: 'bad-answer', refusals: [] },
  },
  {
    what: 'the offer is taken out, and its announcement from the nonce, each time',
    toClient: asOfOldServer,
    ...{ outcome: 'stun-error 438', refusals: ['stale-nonce', 'stale-nonce', 'stale-nonce'] },
  },
  {
    what: 'the same, of the first answer alone: the second one is believed, and nothing less than both can do is agreed on',
    toClient: once(asOfOldServer),
    ...{ outcome: null, refusals: ['stale-nonce'] },
  },
  {
    what: 'the nonce loses the bit of the algorithms, and keeps the offer',
    toClient: withBits('QAAA'),
    ...{ outcome: 'stun-error 438', refusals: ['stale-nonce', 'stale-nonce', 'stale-nonce'] },
  },
  {
    what: 'the nonce loses the bit of anonymity: the name is out, and nothing is granted',
    toClient: withBits('gAAA'),
    ...{ outcome: 'stun-error 438', refusals: ['stale-nonce', 'stale-nonce', 'stale-nonce'] },
  },
  {
    what: 'the nonce loses its cookie',
    toClient: all(
      without(ATTRIBUTE_PASSWORD_ALGORITHMS),
      withValue(ATTRIBUTE_NONCE, (nonce) => nonce.subarray(13)),
    ),
    ...{ outcome: 'stun-error 438', refusals: ['stale-nonce', 'stale-nonce', 'stale-nonce'] },
  },
  {
    what: 'the offer is cut to MD5',
    toClient: offering(MD5_ALONE),
    ...{ outcome: 'stun-error 400', refusals: ['bid-down'] },
  },
  {
    what: 'the offer has MD5 first',
    toClient: offering(MD5_ALONE, SHA256_ALONE),
    ...{ outcome: 'stun-error 400', refusals: ['bid-down'] },
  },
  {
    what: 'the offer has MD5 twice',
    toClient: offering(MD5_ALONE, MD5_ALONE),
    ...{ outcome: 'stun-error 400', refusals: ['bid-down'] },
  },
  {
    what: 'the offer names what nobody knows',
    toClient: offering(Buffer.of(0, 9, 0, 0)),
    ...{ outcome: 'bad-answer', refusals: [] },
  },
  { what: 'the offer is empty', toClient: offering(), outcome: 'bad-answer', refusals: [] },
  {
    what: 'the choice and the list are taken out of the request',
    toServer: without(ATTRIBUTE_PASSWORD_ALGORITHM, ATTRIBUTE_PASSWORD_ALGORITHMS),
    ...{ outcome: 'stun-error 401', refusals: ['bad-password'] },
  },
  {
    what: 'the choice is taken out of the request',
    toServer: without(ATTRIBUTE_PASSWORD_ALGORITHM),
    ...{ outcome: 'stun-error 400', refusals: ['bid-down'] },
  },
  {
    what: 'the choice in the request becomes MD5',
    toServer: withValue(ATTRIBUTE_PASSWORD_ALGORITHM, () => MD5_ALONE),
    ...{ outcome: 'stun-error 401', refusals: ['bad-password'] },
  },
  {
    what: 'the integrity is taken off the request',
    toServer: without(ATTRIBUTE_MESSAGE_INTEGRITY_SHA256),
    ...{ outcome: 'stun-error 401', refusals: [] },
  },
  {
    what: 'the integrity of the request is cut',
    toServer: withValue(ATTRIBUTE_MESSAGE_INTEGRITY_SHA256, (value) => value.subarray(0, 16)),
    ...{ outcome: 'stun-error 401', refusals: ['bad-password'] },
  },
  {
    what: 'the integrity is taken off the answer',
    toClient: without(ATTRIBUTE_MESSAGE_INTEGRITY_SHA256),
    ...{ outcome: 'wrong-integrity', refusals: [] },
  },
  {
    what: 'the answer’s integrity becomes one of the weaker kind',
    toClient: (attributes) =>
      attributes.map((each) =>
        each.type === ATTRIBUTE_MESSAGE_INTEGRITY_SHA256
          ? { type: ATTRIBUTE_MESSAGE_INTEGRITY, value: each.value.subarray(0, 20) }
          : each,
      ),
    ...{ outcome: 'wrong-integrity', refusals: [] },
  },
  {
    what: 'the relayed address in the answer is another one',
    toClient: withValue(ATTRIBUTE_XOR_RELAYED_ADDRESS, (value) => Buffer.from(value.map((byte) => byte ^ 1))),
    ...{ outcome: 'wrong-integrity', refusals: [] },
  },
  {
    what: 'the granted request is answered with 300, unsigned: it is thrown away, and what the server says to the next transmission counts',
    toClient: once(() => [{ type: ATTRIBUTE_ERROR_CODE, value: Buffer.of(0, 0, 3, 0) }], 2),
    ...{ outcome: null, refusals: [] },
  },
]

t.test('whoever meddles with a challenge or its answer gets nothing granted', { jobs: 4 }, async (t) => {
  const ports = await findFreePorts({ first: 19_860, last: 19_999 }, 60)
  const server = createTurnServer({
    ...{ listen: 'udp:127.0.0.1:0', relayIp: '127.0.0.1', realm: 'turnuser', ...ports, ...DGRAM.options },
    user: { name: USER.username, password: USER.password },
  })
  t.teardown(() => server.stop())
  await server.start()
  const refusals = new Map<string, string[]>()
  server.on('refusal', ({ reason, source }: Refusal) => {
    refusals.set(source, [...(refusals.get(source) ?? []), reason])
  })

  for (const { outcome, refusals: expected, toClient, toServer, what } of ATTACKS) {
    t.test(what, async (t) => {
      const path = await openMeddlingPath(t, server.address()[0].port, {
        ...(toClient === undefined ? {} : { toClient }),
        ...(toServer === undefined ? {} : { toServer }),
      })
      const transport = await openTransport({ transport: 'udp', host: '127.0.0.1', port: path.port })
      const client = new TurnClient(transport, { credentials: USER, answerMilliseconds: ANSWER_MILLISECONDS })
      t.teardown(() => client.close())
      t.equal(await outcomeOf(client.allocate()), outcome)
      t.same(refusals.get(path.source) ?? [], expected)
      t.equal(client.allocation !== null, outcome === null)
      if (outcome === 'bad-answer') t.equal(path.fromClient.length, 1, 'the client does not go on')
      if (outcome !== null) return
      const last = (path.fromClient.at(-1) ?? []).map(({ type }) => type)
      t.same(
        last.filter((type) => IDENTITY_AND_INTEGRITY.includes(type)),
        STRONGEST,
        'in the end both do what they can',
      )
    })
  }
})

/** The code of the error with which it rejects, with the number of the server's; null if it resolves. */
async function outcomeOf(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise
    return null
  } catch (error) {
    if (error instanceof StunError) return `${error.code} ${error.number}`
    if (error instanceof ClientError) return error.code
    throw error
  }
}
