// Mistakes that known servers make (the last section of the project's protocol notes): one test each.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { requestUdp } from '../support/core-client.js'
import { CoreHarness, PEER } from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const DATA = Buffer.from('data')

t.test('does not scan the allocations for each packet', async (t) => {
  const harness = new CoreHarness()
  const clients = Array.from({ length: 1000 }, () => harness.client())
  for (const client of clients) client.allocate()
  const client = clients[500]
  client.channelBind(0x4000, PEER)
  const { equals } = FiveTuple.prototype
  let comparisonCount = 0
  FiveTuple.prototype.equals = function (other) {
    comparisonCount++
    return equals.call(this, other)
  }
  t.teardown(() => {
    FiveTuple.prototype.equals = equals
  })
  for (let count = 0; count < 100; count++) t.equal(client.channelData(0x4000, DATA), 0)
  t.ok(comparisonCount <= 200, `${comparisonCount} comparisons for 100 packets among 1,000 allocations`)
})

t.test('keeps nothing of unauthenticated requests: 30,000 spoofed Allocates leave the heap as it was', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const harness = new CoreHarness()
  const attacker = harness.client()
  const request = attacker.encode(stun.METHOD_ALLOCATE, requestUdp, { integrity: 'none' })
  const flood = (count: number) => {
    for (let index = 0; index < count; index++) {
      attacker.address.setIPv4((index * 2654435761) | 0, 1 + (index & 0x7fff))
      attacker.send(request)
      harness.output.effects.length = 0
    }
  }
  flood(5000)
  collect()
  const before = process.memoryUsage().heapUsed
  flood(30_000)
  collect()
  const grownBytes = process.memoryUsage().heapUsed - before
  t.ok(grownBytes < 1_000_000, `${grownBytes} bytes`)
  t.equal(harness.core.allocations.size, 0)
})

t.test('does not accept channels up to 0x7FFF', async (t) => {
  const client = new CoreHarness().client()
  client.allocate()
  for (const number of [0x5000, 0x6000, 0x7ffe, 0x7fff]) t.equal(client.channelBind(number, PEER).code, 400)
  t.equal(client.channelBind(0x4fff, PEER).code, 0)
})

t.test('caps a Refresh above 3600 s instead of failing it', async (t) => {
  const client = new CoreHarness().client()
  client.allocate()
  for (const seconds of [3601, 86_400, 0xffffffff]) {
    const answer = client.refresh(seconds)
    t.equal(answer.code, 0)
    t.equal(answer.lifetime, 3600)
  }
})

t.test('relays to peers anywhere, not only to its own addresses', async (t) => {
  const harness = new CoreHarness()
  const client = harness.client()
  client.allocate()
  for (const peer of ['1.2.3.4:1', '8.8.8.8:65535', '99.1.2.3:3478']) {
    t.equal(client.createPermission(peer).code, 0)
    t.equal(client.sendIndication(peer, DATA), 0)
    t.match(harness.output.effects.at(-1), { kind: 'to-peer', peer })
  }
})

t.test('answers a wrong password with 401, not 400', async (t) => {
  const client = new CoreHarness().client({ user: { username: 'alice', password: 'wrong' } })
  t.equal(client.allocate().code, 401)
})

t.test('answers a forbidden peer with 403, not 401', async (t) => {
  const client = new CoreHarness().client()
  client.allocate()
  t.equal(client.createPermission('127.0.0.1').code, 403)
  t.equal(client.channelBind(0x4000, '127.0.0.1:80').code, 403)
})

t.test('reserves no port with R=0', async (t) => {
  const harness = new CoreHarness()
  const answer = harness.client().allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0))
  t.notOk(answer.has(stun.ATTRIBUTE_RESERVATION_TOKEN))
  t.equal(harness.relayPorts.claimedCount(), 1)
  t.equal(harness.core.reservations.size, 0)
})

t.test('answers an Allocate while draining with 508, not 403', async (t) => {
  const harness = new CoreHarness()
  harness.core.drain()
  t.equal(harness.client().allocate().code, 508)
})

t.test('makes one allocation of one transaction, also when a NAT gives its copies other ports', async (t) => {
  const harness = new CoreHarness()
  const client = harness.client({ address: '198.51.100.7:50000' })
  client.allocate()
  for (let copy = 0; copy < 5; copy++) {
    t.equal(client.retransmit()?.code, 0)
    const rebound = harness.client({ address: `198.51.100.7:${51_000 + copy}` })
    t.equal(rebound.exchange(client.lastRequest)?.code, 438, 'its nonce is of the other port')
  }
  t.equal(harness.core.allocations.size, 1)
  t.equal(harness.output.of('open').length, 1)
  t.equal(harness.relayPorts.claimedCount(), 1)
})

t.test('leaks no reserved port, whichever way a reservation ends', async (t) => {
  const harness = new CoreHarness({ minPort: 24_000, maxPort: 24_003 })
  const client = harness.client()
  const other = harness.client()
  const token = () => {
    const answer = client.allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80))
    t.equal(answer.code, 0)
    return answer.value(stun.ATTRIBUTE_RESERVATION_TOKEN)
  }
  for (let round = 0; round < 20; round++) {
    // Claimed and deleted; claimed by a port that does not open; expired after its allocation; expired before it.
    const claim = token()
    harness.openOutcome = () => (round % 4 === 1 ? 'in-use' : 'opened')
    if (round % 4 < 2) other.allocate((writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, claim))
    harness.openOutcome = () => 'opened'
    if (round % 4 === 2) client.refresh(0)
    harness.advanceSeconds(30)
    if (round % 4 === 0) other.refresh(0)
    if (round % 4 !== 2) client.refresh(0)
    client.nonce = ''
    other.nonce = ''
    t.equal(harness.relayPorts.claimedCount(), 0, `round ${round}`)
    t.equal(harness.core.quotas.held, 0)
  }
  t.ok(addressOf(harness.client().allocate().relayed[0]).port >= 24_000)
})
