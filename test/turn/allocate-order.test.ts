// The order of RFC 8656 §7.2: one test for each step, then every combination of what an Allocate can ask for, against the list of steps.
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import type { MessageWriter } from '../../src/stun/writer.js'
import type { CoreClient, Received } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions } from '../support/core-harness.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const UDP = stun.TRANSPORT_PROTOCOL_UDP
const TCP = stun.TRANSPORT_PROTOCOL_TCP
const IPV4 = stun.ADDRESS_FAMILY_IPV4
const IPV6 = stun.ADDRESS_FAMILY_IPV6
const DUAL_HOSTS = ['192.0.2.1', '2001:db8::1']

/** What an Allocate asks for; null: the attribute is not there. */
interface Asked {
  readonly transport: number | null
  readonly dontFragment: boolean
  readonly hasToken: boolean
  /** The byte of EVEN-PORT. */
  readonly evenPort: number | null
  readonly requested: number | null
  readonly additional: number | null
}

const PLAIN: Asked = {
  ...{ transport: UDP, dontFragment: false, hasToken: false, evenPort: null, requested: null, additional: null },
}

/** What the server is like; each state has a step of its own. */
type State = 'fresh' | 'allocated' | 'user-quota' | 'licence' | 'no-port' | 'no-ipv6'

/** The steps in protocol.md's order: the first that applies is the answer. */
const STEPS: readonly (readonly [applies: (asked: Asked, state: State) => boolean, answer: string])[] = [
  [(_, state) => state === 'allocated', '437 allocation-exists'],
  [({ transport }) => transport === null, '400 missing-attribute'],
  [({ transport }) => transport === TCP, '400 unsupported-transport'],
  [({ transport }) => transport !== UDP, '442 unsupported-transport'],
  [({ dontFragment }) => dontFragment, '420 unknown-attribute'],
  [
    ({ hasToken, evenPort, requested, additional }) => hasToken && (evenPort ?? requested ?? additional) !== null,
    '400 bad-request',
  ],
  [({ requested, additional }) => requested !== null && additional !== null, '400 bad-request'],
  [
    ({ requested, additional }) => isUnknownFamily(requested) || isUnknownFamily(additional),
    '440 unsupported-address-family',
  ],
  [({ requested }, state) => requested === IPV6 && state === 'no-ipv6', '440 unsupported-address-family'],
  [({ evenPort, additional }) => evenPort === 0x80 && additional !== null, '400 bad-request'],
  [({ additional }) => additional === IPV4, '400 bad-request'],
  [({ hasToken }) => hasToken, '508 reservation-invalid'],
  [(_, state) => state === 'user-quota', '486 user-quota'],
  [(_, state) => state === 'licence', '508 licence'],
  [(_, state) => state === 'no-port', '508 no-relay-port'],
]

function isUnknownFamily(family: number | null): boolean {
  return family !== null && family !== IPV4 && family !== IPV6
}

const OPTIONS: Readonly<Record<State, CoreHarnessOptions>> = {
  fresh: { relayHosts: DUAL_HOSTS },
  allocated: { relayHosts: DUAL_HOSTS },
  'user-quota': { relayHosts: DUAL_HOSTS, userQuota: 1 },
  licence: { relayHosts: DUAL_HOSTS, maxAllocations: 1 },
  'no-port': { relayHosts: DUAL_HOSTS, minPort: 24_000, maxPort: 24_000 },
  'no-ipv6': {},
}

/** A server in this state, and a client of it. */
function worldIn(state: State): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness(OPTIONS[state])
  const client = harness.client()
  if (state === 'allocated') client.allocate()
  if (state === 'user-quota' || state === 'licence') harness.client().allocate()
  if (state === 'no-port') {
    harness.relayPorts.claim(0)
    harness.relayPorts.claim(1)
  }
  return { harness, client }
}

function ask(client: CoreClient, asked: Asked): Received {
  return client.ask(stun.METHOD_ALLOCATE, (writer) => write(writer, asked))
}

function write(writer: MessageWriter, asked: Asked): void {
  const { transport, evenPort, requested, additional } = asked
  if (transport !== null) writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, transport << 24)
  if (asked.dontFragment) writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT)
  if (asked.hasToken) writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, new Uint8Array(8).fill(9))
  if (evenPort !== null) writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, evenPort)
  if (requested !== null) writer.writeUint32(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, requested << 24)
  if (additional !== null) writer.writeUint32(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, additional << 24)
}

t.test('Allocate, step by step (RFC 8656 §7.2)', async (t) => {
  const steps: readonly (readonly [name: string, state: State, asked: Partial<Asked>, answer: string])[] = [
    ['an allocation on the 5-tuple: 437', 'allocated', {}, '437 allocation-exists'],
    ['no REQUESTED-TRANSPORT: 400', 'fresh', { transport: null }, '400 missing-attribute'],
    ['TCP relays for a client over UDP: 400 (RFC 6062 §5.1)', 'fresh', { transport: TCP }, '400 unsupported-transport'],
    ['another transport protocol: 442', 'fresh', { transport: 132 }, '442 unsupported-transport'],
    ['transport protocol 0: 442', 'fresh', { transport: 0 }, '442 unsupported-transport'],
    ['DONT-FRAGMENT where the engine has none: 420', 'fresh', { dontFragment: true }, '420 unknown-attribute'],
    ['RESERVATION-TOKEN with EVEN-PORT: 400', 'fresh', { hasToken: true, evenPort: 0 }, '400 bad-request'],
    ['RESERVATION-TOKEN with a family: 400', 'fresh', { hasToken: true, requested: IPV4 }, '400 bad-request'],
    ['RESERVATION-TOKEN with another family: 400', 'fresh', { hasToken: true, additional: IPV6 }, '400 bad-request'],
    [
      'REQUESTED- and ADDITIONAL-ADDRESS-FAMILY: 400',
      'fresh',
      { requested: IPV4, additional: IPV6 },
      '400 bad-request',
    ],
    ['an unknown family: 440', 'fresh', { requested: 3 }, '440 unsupported-address-family'],
    ['a family without relay address: 440', 'no-ipv6', { requested: IPV6 }, '440 unsupported-address-family'],
    ['EVEN-PORT with R=1 and two families: 400', 'fresh', { evenPort: 0x80, additional: IPV6 }, '400 bad-request'],
    ['ADDITIONAL-ADDRESS-FAMILY IPv4: 400', 'fresh', { additional: IPV4 }, '400 bad-request'],
    ['an unknown token: 508', 'fresh', { hasToken: true }, '508 reservation-invalid'],
    ['the user’s quota: 486', 'user-quota', {}, '486 user-quota'],
    ['the licence: 508', 'licence', {}, '508 licence'],
    ['no port left: 508', 'no-port', {}, '508 no-relay-port'],
  ]
  for (const [name, state, asked, answer] of steps) {
    t.test(name, async (t) => {
      const { harness, client } = worldIn(state)
      const held = harness.core.quotas.held
      const claimed = harness.relayPorts.claimedCount()
      const received = ask(client, { ...PLAIN, ...asked })
      t.equal(`${received.code} ${harness.observer.refusals.at(-1)?.reason}`, answer)
      if (received.code === 420) t.same(received.unknownAttributes, [stun.ATTRIBUTE_DONT_FRAGMENT])
      t.equal(harness.core.quotas.held, held, 'no place was taken')
      t.equal(harness.relayPorts.claimedCount(), claimed, 'nor a port')
    })
  }

  t.test('every combination gets the answer of the earliest step, or succeeds', async (t) => {
    let combinationCount = 0
    let successCount = 0
    for (const state of Object.keys(OPTIONS) as State[]) {
      for (const asked of allCombinations()) {
        // It is refused before most of a state is looked at: each state has it in the long form.
        if (!isLong && asked.dontFragment && state !== 'fresh') continue
        const { harness, client } = worldIn(state)
        const { code } = ask(client, asked)
        const reason = harness.observer.refusals.at(-1)?.reason ?? ''
        const expected = STEPS.find(([applies]) => applies(asked, state))?.[1] ?? '0 '
        if (`${code} ${reason}` !== expected)
          t.equal(`${code} ${reason}`, expected, `${state} ${JSON.stringify(asked)}`)
        combinationCount++
        if (code === 0) successCount++
      }
    }
    const ofState = 4 * 2 * 2 * 3 * 4 * 4
    t.equal(combinationCount, isLong ? 6 * ofState : ofState + (5 * ofState) / 2)
    // Per state: EVEN-PORT absent, 0 or R=1, with no family, either one (no IPv6 in one state), or both (but not with R=1).
    t.equal(successCount, 3 + 3 + 3 + 2 + 3 + 3 + 2)
  })

  function* allCombinations(): Generator<Asked> {
    for (const transport of [null, UDP, TCP, 132])
      for (const dontFragment of [false, true])
        for (const hasToken of [false, true])
          for (const evenPort of [null, 0, 0x80])
            for (const requested of [null, IPV4, IPV6, 7])
              for (const additional of [null, IPV4, IPV6, 7])
                yield { transport, dontFragment, hasToken, evenPort, requested, additional }
  }
})

t.test('Allocate with malformed attributes gets 400 and leaves nothing', async (t) => {
  for (const [name, type, length] of [
    ['REQUESTED-TRANSPORT of 3 bytes', stun.ATTRIBUTE_REQUESTED_TRANSPORT, 3],
    ['REQUESTED-TRANSPORT of 5 bytes', stun.ATTRIBUTE_REQUESTED_TRANSPORT, 5],
    ['LIFETIME of 2 bytes', stun.ATTRIBUTE_LIFETIME, 2],
    ['LIFETIME of 8 bytes', stun.ATTRIBUTE_LIFETIME, 8],
    ['EVEN-PORT without a value', stun.ATTRIBUTE_EVEN_PORT, 0],
    ['EVEN-PORT of 2 bytes', stun.ATTRIBUTE_EVEN_PORT, 2],
    ['RESERVATION-TOKEN of 7 bytes', stun.ATTRIBUTE_RESERVATION_TOKEN, 7],
    ['RESERVATION-TOKEN of 9 bytes', stun.ATTRIBUTE_RESERVATION_TOKEN, 9],
    ['RESERVATION-TOKEN without a value', stun.ATTRIBUTE_RESERVATION_TOKEN, 0],
    ['REQUESTED-ADDRESS-FAMILY of 1 byte', stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 1],
    ['ADDITIONAL-ADDRESS-FAMILY of 8 bytes', stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 8],
  ] as const) {
    t.test(name, async (t) => {
      const harness = new CoreHarness()
      const answer = harness.client().ask(stun.METHOD_ALLOCATE, (writer) => {
        writer.writeBytes(type, new Uint8Array(length).fill(1))
        writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, UDP << 24)
      })
      t.equal(answer.code, 400)
      t.equal(harness.observer.lastRefusal(), 'malformed-attribute 400')
      t.equal(harness.core.allocations.size, 0)
    })
  }
})
