// Clients that are sent to another server: whom, when, where (RFC 8489 §10, §14.15, §14.16; RFC 8656 §7.2 step 12).
import t from 'tap'
import { TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import { type Alternate, Alternates } from '../../src/turn/alternates.js'
import { FiveTuple, TRANSPORT_DTLS, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import type { CoreClient, Received } from '../support/core-client.js'
import { requestUdp } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions } from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const DUAL = ['203.0.113.2', '2001:db8::2']
const IPV4_CLIENT = '198.51.100.7:50000'
const IPV6_CLIENT = '[2001:db8:c::7]:50000'

function alternate(hosts: readonly string[], more: Partial<Alternate> = {}): Alternate {
  const addresses = hosts.map((host) => addressOf(host.includes(':') ? `[${host}]:0` : `${host}:0`))
  return { transport: null, domain: '', port: 3478, weight: 1, addresses, ...more }
}

/** A server with another one beside it, and a client that was challenged before anything happened. */
function stageOf(
  options: CoreHarnessOptions = {},
  list = [alternate(DUAL)],
): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness(options)
  const client = harness.client({ address: IPV4_CLIENT })
  client.challenge()
  harness.core.alternates.list = list
  return { harness, client }
}

/** ALTERNATE-SERVER is no XOR address. */
function alternatesOf({ view }: Received): string[] {
  const found: string[] = []
  for (
    let at = view.find(stun.ATTRIBUTE_ALTERNATE_SERVER);
    at >= 0;
    at = view.findNext(stun.ATTRIBUTE_ALTERNATE_SERVER, at)
  ) {
    const address = new TransportAddress()
    if (!view.readAddress(at, address)) throw new Error('not an address')
    found.push(address.toString())
  }
  return found
}

const stranger = (client: CoreClient, write = requestUdp) =>
  client.ask(stun.METHOD_ALLOCATE, write, { integrity: 'none' })

t.test('a server that drains (RFC 8489 §10)', async (t) => {
  t.test('answers Allocate with 300, the address of the client’s family first, and takes nothing', async (t) => {
    for (const integrity of ['sha1', 'sha256'] as const) {
      const harness = new CoreHarness()
      const client = harness.client({ address: IPV4_CLIENT, integrity })
      client.challenge()
      harness.core.alternates.list = [alternate([...DUAL].reverse())]
      harness.core.drain()
      const answer = client.allocate()
      t.equal(answer.code, 300)
      t.same(alternatesOf(answer), ['203.0.113.2:3478', '[2001:db8::2]:3478'])
      t.equal(client.isProtected(answer), true, 'it is signed as the request was')
      t.equal(harness.observer.lastRefusal(), 'redirected-draining 300')
      t.equal(harness.core.quotas.held, 0)
      t.equal(harness.relayPorts.claimedCount(), 0)
    }
  })

  t.test('sends an IPv6 client to the IPv6 address', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client({ address: IPV6_CLIENT })
    client.challenge()
    harness.core.alternates.list = [alternate(DUAL)]
    harness.core.drain()
    t.same(alternatesOf(client.allocate()), ['[2001:db8::2]:3478', '203.0.113.2:3478'])
  })

  t.test('without a server of the client’s family, or with none: 508, as before', async (t) => {
    for (const list of [[], [alternate(['2001:db8::2'])], [alternate([])]]) {
      const { client, harness } = stageOf({}, list)
      harness.core.drain()
      t.equal(client.allocate().code, 508)
      t.equal(harness.observer.lastRefusal(), 'draining 508')
      t.equal(stranger(client).code, 401, 'and a challenge for who has no credentials yet')
    }
  })

  t.test(
    'answers an Allocate without credentials with an unsigned 300 and no phrase, in place of the challenge',
    async (t) => {
      const { client, harness } = stageOf()
      harness.core.drain()
      const answer = stranger(client)
      t.equal(answer.code, 300)
      t.same(answer.types, [
        stun.ATTRIBUTE_ERROR_CODE,
        stun.ATTRIBUTE_ALTERNATE_SERVER,
        stun.ATTRIBUTE_ALTERNATE_SERVER,
      ])
      t.equal(answer.bytes.length, 20 + 8 + 12 + 24)
      t.equal(harness.observer.lastRefusal(), 'redirected-draining 300')
      t.equal(
        client.ask(stun.METHOD_REFRESH, () => {}, { integrity: 'none' }).code,
        401,
        'other methods are challenged',
      )
    },
  )

  t.test('serves allocations that exist: Refresh, permissions, channels, and the same Allocate again', async (t) => {
    const { client, harness } = stageOf()
    t.equal(client.allocate().code, 0)
    harness.core.drain()
    t.equal(client.retransmit()?.code, 0)
    t.equal(client.refresh(600).code, 0)
    t.equal(client.createPermission('1.2.3.4').code, 0)
    t.equal(client.channelBind(0x4000, '1.2.3.4:6000').code, 0)
    t.equal(client.allocate().code, 437, 'another one on its 5-tuple')
    t.equal(stranger(client).code, 401)
    t.equal(client.refresh(0).code, 0)
  })

  t.test('has 508 for a RESERVATION-TOKEN, which counts nowhere else', async (t) => {
    const { client, harness } = stageOf()
    harness.core.drain()
    const withToken: typeof requestUdp = (writer) =>
      requestUdp(writer).writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, new Uint8Array(8))
    t.equal(client.allocate(withToken).code, 508)
    t.equal(stranger(client, withToken).code, 401)
  })

  t.test('finds fault with a request before it sends it elsewhere (RFC 8656 §7.2)', async (t) => {
    const { client, harness } = stageOf()
    harness.core.drain()
    t.equal(client.ask(stun.METHOD_ALLOCATE).code, 400, 'no REQUESTED-TRANSPORT')
    t.equal(client.allocate((writer) => writer.writeEmpty(0x7f01)).code, 420)
    t.equal(client.ask(stun.METHOD_ALLOCATE, requestUdp, { nonce: 'old' }).code, 438)
    const mallory = harness.client({ user: { username: 'mallory', password: 'x' } })
    mallory.nonce = client.nonce
    t.equal(mallory.allocate().code, 401, 'an unknown user')
  })
})

t.test('a server that is full', async (t) => {
  t.test('licence: 300 for everybody', async (t) => {
    const { client, harness } = stageOf({ maxAllocations: 1 })
    t.equal(stranger(client).code, 401, 'there is room')
    const other = harness.client()
    other.nonce = ''
    t.equal(other.allocate().code, 0)
    t.equal(client.allocate().code, 300)
    t.equal(harness.observer.lastRefusal(), 'redirected-full 300')
    t.equal(stranger(client).code, 300)
    t.equal(other.refresh(0).code, 0)
    t.equal(stranger(client).code, 401)
    t.equal(client.allocate().code, 0)
  })

  t.test('a pair that does not fit: 300, since one place is not two', async (t) => {
    const { client } = stageOf({ maxAllocations: 1 })
    t.equal(client.allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)).code, 300)
    t.equal(client.allocate().code, 0)
  })

  t.test('the quota of the user stays 486: the user is the same elsewhere', async (t) => {
    const { client, harness } = stageOf({ userQuota: 1 })
    t.equal(harness.client().allocate().code, 0)
    t.equal(client.allocate().code, 486)
    t.equal(harness.observer.lastRefusal(), 'user-quota 486')
  })

  t.test('no relay port, and sockets that cannot be opened: 300, and nothing is kept', async (t) => {
    const { client, harness } = stageOf({ minPort: 24_000, maxPort: 24_000 })
    harness.relayPorts.claim(0)
    t.equal(client.allocate().code, 300)
    t.equal(harness.core.quotas.held, 0)

    const { client: next, harness: broken } = stageOf()
    broken.openOutcome = () => 'refused'
    const answer = next.allocate()
    t.equal(answer.code, 300)
    t.equal(next.isProtected(answer), true)
    t.equal(broken.observer.lastRefusal(), 'redirected-full 300')
    t.equal(broken.core.quotas.held, 0)
    t.equal(broken.relayPorts.claimedCount(), 0)
  })
})

t.test('--alternate-above', async (t) => {
  t.test('sends new clients away from that share of the licence on', async (t) => {
    const { client, harness } = stageOf({ maxAllocations: 4, alternateAbovePercent: 50 })
    const [one, two] = [harness.client(), harness.client()]
    t.equal(one.allocate().code, 0)
    t.equal(stranger(client).code, 401)
    t.equal(two.allocate().code, 0)
    t.equal(stranger(client).code, 300)
    t.equal(client.allocate().code, 300)
    t.equal(harness.observer.lastRefusal(), 'redirected-load 300')
    harness.core.alternates.list = []
    t.equal(client.allocate().code, 0, 'without another server there is room')
  })

  t.test('0 sends everybody', async (t) => {
    const { client, harness } = stageOf({ alternateAbovePercent: 0 })
    t.equal(stranger(client).code, 300)
    t.equal(client.allocate().code, 300)
    t.equal(client.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' }).code, 0, 'Binding is answered')
    t.equal(harness.core.allocations.size, 0)
  })
})

t.test('which server a client gets', async (t) => {
  /** Numbers from 0 on, in turn: every share is drawn once in a round. */
  class Counting {
    next = 0
    nextUint32(): number {
      return this.next++
    }
  }
  const clientOver = (transport: number, address = IPV4_CLIENT) => {
    const client = new FiveTuple()
    client.client.copyFrom(addressOf(address))
    client.transport = transport
    return client
  }
  const chosen = (list: readonly Alternate[], transport: number, localPort = 0) => {
    const alternates = new Alternates(() => localPort)
    alternates.list = list
    const place = alternates.choose(clientOver(transport), new Counting())
    return place === null ? null : `${place.domain} ${place.addresses.join(' ')}`.trim()
  }

  t.test('is drawn by weight: of six, one, two and three', async (t) => {
    const alternates = new Alternates(() => 0)
    alternates.list = [1, 2, 3].map((weight) => alternate([`203.0.113.${weight}`], { weight }))
    const random = new Counting()
    const counts = new Map<string, number>()
    for (let draw = 0; draw < 600; draw++) {
      const host = String(alternates.choose(clientOver(TRANSPORT_UDP), random)?.addresses[0])
      counts.set(host, (counts.get(host) ?? 0) + 1)
    }
    t.same(
      [...counts],
      [
        ['203.0.113.1:3478', 100],
        ['203.0.113.2:3478', 200],
        ['203.0.113.3:3478', 300],
      ],
    )
  })

  t.test('of a name with several addresses, each as often as the other', async (t) => {
    const alternates = new Alternates(() => 0)
    alternates.list = [alternate(['203.0.113.2', '203.0.113.3'])]
    const random = new Counting()
    const hosts = [0, 1, 2, 3].map(() => String(alternates.choose(clientOver(TRANSPORT_UDP), random)?.addresses[0]))
    t.same(hosts, ['203.0.113.2:3478', '203.0.113.3:3478', '203.0.113.2:3478', '203.0.113.3:3478'])
  })

  t.test(
    'has the port that was given over UDP and TCP, and over TLS and DTLS the one that the client uses here',
    async (t) => {
      const list = [alternate(['203.0.113.2'], { port: 4000, domain: 'turn2.example.org' })]
      t.equal(chosen(list, TRANSPORT_UDP, 3479), '203.0.113.2:4000')
      t.equal(chosen(list, TRANSPORT_TCP, 3479), '203.0.113.2:4000')
      t.equal(chosen(list, TRANSPORT_TLS, 443), 'turn2.example.org 203.0.113.2:443')
      t.equal(chosen(list, TRANSPORT_DTLS, 443), 'turn2.example.org 203.0.113.2:443')
    },
  )

  t.test('without a port has the client’s here, and if that is not known the default', async (t) => {
    const list = [alternate(['203.0.113.2'], { port: 0 })]
    t.equal(chosen(list, TRANSPORT_UDP, 3479), '203.0.113.2:3479')
    t.equal(chosen(list, TRANSPORT_UDP), '203.0.113.2:3478')
    t.equal(chosen(list, TRANSPORT_TLS), '203.0.113.2:5349')
  })

  t.test('with a scheme is for its clients alone, who get no other', async (t) => {
    const list = [
      alternate(['203.0.113.2']),
      alternate(['203.0.113.3'], { transport: TRANSPORT_TLS, port: 443, domain: 'tls.example.org' }),
      alternate(['2001:db8::4'], { transport: TRANSPORT_TCP }),
    ]
    t.equal(chosen(list, TRANSPORT_UDP), '203.0.113.2:3478')
    t.equal(chosen(list, TRANSPORT_TLS), 'tls.example.org 203.0.113.3:443')
    t.equal(chosen(list, TRANSPORT_TCP), null, 'no address of the client’s family')
    t.equal(chosen(list, TRANSPORT_DTLS), '203.0.113.2:5349')
  })
})

t.test('over TLS the 300 has ALTERNATE-DOMAIN (RFC 8489 §14.16), over UDP it has not', async (t) => {
  const domain = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
  for (const transport of [TRANSPORT_UDP, TRANSPORT_TLS]) {
    const harness = new CoreHarness()
    const client = harness.client({ address: IPV4_CLIENT, transport, integrity: 'sha256', fingerprint: true })
    client.challenge()
    harness.core.alternates.list = [alternate(DUAL, { domain })]
    harness.core.drain()
    const answer = client.allocate()
    t.equal(answer.code, 300)
    t.equal(answer.text(stun.ATTRIBUTE_ALTERNATE_DOMAIN), transport === TRANSPORT_TLS ? domain : '')
    t.equal(client.isProtected(answer), true)
  }
})

t.test('a flood of Allocates without credentials gets as many answers as a flood of challenges', async (t) => {
  const { client, harness } = stageOf({ unauthenticatedRate: 1 })
  harness.core.drain()
  const codes = Array.from({ length: 30 }, () =>
    client.request(stun.METHOD_ALLOCATE, requestUdp, { integrity: 'none' }),
  )
  // The burst is ten seconds of the rate, of which the challenge was the first.
  t.equal(codes.filter((answer) => answer?.code === 300).length, 9)
})
