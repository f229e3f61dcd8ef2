import t from 'tap'
import { profileTraits } from '../../src/config/profile.js'
import { MOBILE_WAY_COUNT_MAX } from '../../src/limits/turn.js'
import * as stun from '../../src/stun/constants.js'
import type { MessageWriter } from '../../src/stun/writer.js'
import { DROP_MOVE_LIMIT } from '../../src/turn/drop-reasons.js'
import { FiveTuple, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import type { MoveOutput } from '../../src/turn/output.js'
import { changeLimits } from '../../src/turn/reconfigure.js'
import { allocateSharedTables } from '../../src/turn/shared-tables.js'
import { BOB, type CoreClient, type CoreClientOptions, Received } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'

const CHANNEL = 0x4000
const DATA = Buffer.from('media')
const OTHER_PEER = '1.2.3.5:6000'

const asksForTicket = (writer: MessageWriter) => writer.writeBytes(stun.ATTRIBUTE_MOBILITY_TICKET, new Uint8Array(0))

const ticketOf = (answer: Received) => answer.text(stun.ATTRIBUTE_MOBILITY_TICKET)

/** A Refresh with this ticket. */
function move(client: CoreClient, ticket: string, write: (writer: MessageWriter) => void = () => {}): Received {
  return client.ask(stun.METHOD_REFRESH, (writer) => {
    writer.writeText(stun.ATTRIBUTE_MOBILITY_TICKET, ticket)
    write(writer)
  })
}

function mobileStage(options: CoreHarnessOptions = {}, clientOptions: CoreClientOptions = {}) {
  const harness = new CoreHarness({ allowsMobility: true, ...options })
  const home = harness.client(clientOptions)
  const ticket = ticketOf(home.allocate(asksForTicket))
  home.channelBind(CHANNEL, PEER)
  const relay = harness.relayOf(home)
  /** Where a datagram of the peer's comes to. */
  const reached = (): string => {
    const { length } = harness.output.effects
    harness.peerSends(relay.id, PEER, DATA)
    return harness.output.effects
      .slice(length)
      .map((effect) => (effect.kind === 'channel-data' ? String(effect.client.client) : effect.kind))
      .join()
  }
  return { harness, home, ticket, relay, reached }
}

t.test('Allocate with MOBILITY-TICKET (RFC 8016 §3.1.2)', async (t) => {
  t.test('gets a ticket of 32 characters, and the same one when it is repeated', async (t) => {
    const harness = new CoreHarness({ allowsMobility: true })
    const client = harness.client()
    const ticket = ticketOf(client.allocate(asksForTicket))
    t.match(ticket, /^[\w-]{32}$/)
    t.equal(ticketOf(client.retransmit() as Received), ticket)
    t.not(ticketOf(harness.client().allocate(asksForTicket)), ticket)
  })

  t.test('that brings one gets 400', async (t) => {
    const client = new CoreHarness({ allowsMobility: true }).client()
    const answer = client.allocate((writer) => writer.writeText(stun.ATTRIBUTE_MOBILITY_TICKET, 'x'))
    t.equal(answer.code, 400)
  })

  t.test('is served without a ticket where mobility is off: the attribute is not understood then', async (t) => {
    const client = new CoreHarness().client()
    const answer = client.allocate(asksForTicket)
    t.equal(answer.code, 0)
    t.notOk(answer.has(stun.ATTRIBUTE_MOBILITY_TICKET))
  })

  t.test('without it gets none', async (t) => {
    const client = new CoreHarness({ allowsMobility: true }).client()
    t.notOk(client.allocate().has(stun.ATTRIBUTE_MOBILITY_TICKET))
  })

  t.test('for a TCP relay gets none: those do not move (RFC 6062)', async (t) => {
    const client = new CoreHarness({ allowsMobility: true }).client({ transport: TRANSPORT_TCP })
    const answer = client.allocateTcp(asksForTicket)
    t.equal(answer.code, 0)
    t.notOk(answer.has(stun.ATTRIBUTE_MOBILITY_TICKET))
  })
})

t.test('Refresh with a ticket from another address (RFC 8016 §3.2.2)', async (t) => {
  t.test('is answered with a lifetime and another ticket', async (t) => {
    const { harness, home, ticket } = mobileStage()
    const away = harness.client()
    const answer = move(away, ticket)
    t.equal(answer.code, 0)
    t.same(answer.types, [stun.ATTRIBUTE_LIFETIME, stun.ATTRIBUTE_MOBILITY_TICKET])
    t.ok(away.isProtected(answer))
    t.equal(answer.lifetime, 600)
    t.match(ticketOf(answer), /^[\w-]{32}$/)
    t.not(ticketOf(answer), ticket)
    t.ok(harness.core.allocations.find(home.fiveTuple), 'it is still there')
  })

  t.test('first gets 438 where it brings the nonce of the former address, and nothing changes', async (t) => {
    const { harness, home, reached, ticket } = mobileStage()
    const away = harness.client()
    away.nonce = home.nonce
    const answer = move(away, ticket)
    t.equal(answer.code, 438)
    away.nonce = answer.text(stun.ATTRIBUTE_NONCE)
    t.equal(move(away, ticket).code, 0)
    t.equal(reached(), String(home.address))
  })

  t.test('leaves the former address in use until data comes from the new one', async (t) => {
    const { harness, home, reached, ticket } = mobileStage()
    const away = harness.client()
    move(away, ticket)
    t.equal(reached(), String(home.address))
    t.equal(home.channelData(CHANNEL, DATA), 0, 'it is still heard there')
    t.equal(reached(), String(home.address))
    t.equal(away.channelData(CHANNEL, DATA), 0)
    t.equal(reached(), String(away.address))
    t.not(home.channelData(CHANNEL, DATA), 0, 'and not there any more')
    t.equal(home.refresh().code, 437)
    t.same(harness.observer.moves, [`${home.address} to ${away.address}`])
    t.equal(harness.core.allocations.size, 1)
  })

  for (const [what, arrives] of [
    ['a Send indication', (away: CoreClient) => void away.sendIndication(PEER, DATA)],
    ['CreatePermission', (away: CoreClient) => void away.createPermission(OTHER_PEER)],
    ['ChannelBind', (away: CoreClient) => void away.channelBind(CHANNEL + 1, OTHER_PEER)],
    ['a Refresh without a ticket', (away: CoreClient) => void away.refresh()],
  ] as const) {
    t.test(`${what} on the new address makes it the client's`, async (t) => {
      const { harness, reached, ticket } = mobileStage()
      const away = harness.client()
      move(away, ticket)
      arrives(away)
      t.equal(reached(), String(away.address))
    })
  }

  t.test('a Binding, and a request of another user, on the new address do not', async (t) => {
    const { harness, home, reached, ticket } = mobileStage()
    const away = harness.client()
    move(away, ticket)
    away.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
    const bob = harness.client({ address: String(away.address), user: BOB })
    bob.nonce = away.nonce
    t.equal(bob.refresh().code, 441)
    t.equal(bob.allocate().code, 437)
    t.equal(reached(), String(home.address))
    t.equal(harness.core.allocations.size, 1)
  })

  t.test('keeps permissions, channels and counters', async (t) => {
    const { harness, relay, ticket } = mobileStage()
    const away = harness.client()
    move(away, ticket)
    t.equal(away.channelData(CHANNEL, DATA), 0)
    t.equal(away.sendIndication(PEER, DATA), 0)
    t.same([...relay.allocation.counters], [2, 2 * DATA.length, 0, 0])
    t.equal(harness.relayOf(away), relay)
  })

  t.test('refreshes: the lifetime counts from now', async (t) => {
    const { harness, ticket } = mobileStage()
    harness.advanceSeconds(500)
    t.equal(move(harness.client(), ticket).code, 0)
    harness.advanceSeconds(599)
    t.equal(harness.core.allocations.size, 1)
    harness.advanceSeconds(1)
    t.equal(harness.core.allocations.size, 0)
  })

  t.test('with LIFETIME 0 ends the allocation', async (t) => {
    const { harness, ticket } = mobileStage()
    const away = harness.client()
    const answer = move(away, ticket, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0))
    t.same([answer.code, answer.lifetime, answer.has(stun.ATTRIBUTE_MOBILITY_TICKET)], [0, 0, false])
    t.equal(harness.core.allocations.size, 0)
    t.equal(harness.core.quotas.held, 0)
    t.equal(move(away, ticket).code, 437)
  })

  t.test('of a family that the allocation lacks gets 443, and nothing changes', async (t) => {
    const { harness, ticket } = mobileStage()
    const away = harness.client()
    const answer = move(away, ticket, (writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6))
    t.equal(answer.code, 443)
    t.not(away.channelData(CHANNEL, DATA), 0)
    t.equal(move(away, ticket).code, 0)
  })

  t.test('holds one place of the licence and one of the user, however often it moves', async (t) => {
    const { harness, ticket } = mobileStage({ maxAllocations: 1, userQuota: 1 })
    let current = ticket
    for (let count = 0; count < 20; count++) {
      const away = harness.client()
      const answer = move(away, current)
      t.equal(answer.code, 0)
      current = ticketOf(answer)
      t.equal(away.channelData(CHANNEL, DATA), 0)
      t.equal(harness.core.quotas.held, 1)
    }
    t.equal(harness.core.allocations.size, 1)
    t.equal(harness.client().allocate().code, 486)
    harness.advanceSeconds(600)
    t.equal(harness.core.quotas.held, 0)
    t.same([...(harness.core.mobility?.ways() ?? [])], [])
  })

  t.test('from where the allocation is gets 400', async (t) => {
    const { harness, home, ticket } = mobileStage()
    t.equal(move(home, ticket).code, 400)
    t.equal(harness.observer.lastRefusal(), 'not-moved 400')
    const away = harness.client()
    const next = ticketOf(move(away, ticket))
    t.equal(move(away, next).code, 400, 'nor from where it may be')
    t.equal(home.refresh().code, 0)
  })
})

t.test('tickets rotate (RFC 8016 §3.2.2)', async (t) => {
  t.test('the former one is refused once the client has used the next one', async (t) => {
    const { harness, ticket } = mobileStage()
    const next = ticketOf(move(harness.client(), ticket))
    t.equal(move(harness.client(), next).code, 0)
    t.equal(move(harness.client(), ticket).code, 400)
    t.equal(harness.observer.lastRefusal(), 'ticket-used 400')
  })

  t.test('the former one is refused once data has come from the new address', async (t) => {
    const { harness, reached, ticket } = mobileStage()
    const away = harness.client()
    const next = ticketOf(move(away, ticket))
    away.channelData(CHANNEL, DATA)
    t.equal(move(harness.client(), ticket).code, 400)
    t.equal(reached(), String(away.address))
    t.equal(move(harness.client(), next).code, 0)
  })

  t.test('the Refresh that is repeated gets the same answer, before and after data', async (t) => {
    const { harness, ticket } = mobileStage()
    const away = harness.client()
    const next = ticketOf(move(away, ticket))
    const request = away.lastRequest
    t.equal(ticketOf(away.exchange(request) as Received), next)
    away.channelData(CHANNEL, DATA)
    t.equal(ticketOf(away.exchange(request) as Received), next)
    harness.advanceSeconds(29)
    t.equal(ticketOf(away.exchange(request) as Received), next)
  })

  t.test('a client whose answer was lost asks again from yet another port: it gets the same ticket', async (t) => {
    const { harness, reached, ticket } = mobileStage()
    const lost = ticketOf(move(harness.client(), ticket))
    const away = harness.client()
    const seen = ticketOf(move(away, ticket))
    t.equal(seen, lost)
    away.channelData(CHANNEL, DATA)
    t.equal(reached(), String(away.address))
    t.equal(move(harness.client(), seen).code, 0)
  })

  t.test('what is late of a port that the client has left does not take it back there', async (t) => {
    const { harness, reached, ticket } = mobileStage()
    const [left, away] = [harness.client(), harness.client()]
    move(left, ticket)
    const late = left.lastRequest
    const next = ticketOf(move(away, ticket))
    t.equal(ticketOf(left.exchange(late) as Received), next, 'the Refresh')
    t.equal(away.channelData(CHANNEL, DATA), 0)
    t.equal(reached(), String(away.address))
    t.not(left.channelData(CHANNEL, DATA), 0, 'data')
    t.equal((left.exchange(late) as Received).code, 400, 'the Refresh again')
    t.equal(reached(), String(away.address))
  })

  t.test('data that is late of a port before the last does not close the last', async (t) => {
    const { harness, reached, ticket } = mobileStage()
    const [first, second] = [harness.client(), harness.client()]
    move(second, ticketOf(move(first, ticket)))
    t.equal(first.channelData(CHANNEL, DATA), 0)
    t.equal(reached(), String(first.address))
    t.equal(second.channelData(CHANNEL, DATA), 0)
    t.equal(reached(), String(second.address))
  })

  t.test(`only the last ${MOBILE_WAY_COUNT_MAX} ports are open`, async (t) => {
    const { harness, ticket } = mobileStage()
    const ports = Array.from({ length: MOBILE_WAY_COUNT_MAX + 1 }, () => harness.client())
    for (const port of ports) t.equal(move(port, ticket).code, 0)
    t.equal([...(harness.core.mobility?.ways() ?? [])].length, MOBILE_WAY_COUNT_MAX)
    t.not(ports[0].channelData(CHANNEL, DATA), 0)
    t.equal(ports[1].channelData(CHANNEL, DATA), 0)
  })
})

t.test('tickets that are not theirs to use', async (t) => {
  t.test('another user gets 441, and the owner goes on', async (t) => {
    const { harness, home, reached, ticket } = mobileStage()
    const thief = harness.client({ user: BOB })
    t.equal(move(thief, ticket).code, 441)
    t.equal(harness.observer.lastRefusal(), 'wrong-credentials 441')
    t.not(thief.channelData(CHANNEL, DATA), 0)
    t.equal(move(thief, ticket, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0)).code, 441)
    t.equal(reached(), String(home.address))
    t.equal(home.refresh().code, 0)
    t.equal(move(harness.client(), ticket).code, 0, 'it has not been used')
  })

  t.test('without credentials it is worth a challenge', async (t) => {
    const { harness, home, reached, ticket } = mobileStage()
    const thief = harness.client()
    const answer = thief.ask(
      stun.METHOD_REFRESH,
      (writer) => writer.writeText(stun.ATTRIBUTE_MOBILITY_TICKET, ticket),
      { integrity: 'none' },
    )
    t.equal(answer.code, 401)
    t.equal(reached(), String(home.address))
  })

  t.test('one that was spoiled anywhere gets 400', async (t) => {
    const { harness, home, ticket } = mobileStage()
    const away = harness.client()
    for (let index = 0; index < ticket.length; index++) {
      const other = ticket[index] === 'A' ? 'B' : 'A'
      t.equal(move(away, ticket.slice(0, index) + other + ticket.slice(index + 1)).code, 400)
    }
    for (const text of ['', 'A', ticket.slice(1), `${ticket}A`, 'A'.repeat(700)]) t.equal(move(away, text).code, 400)
    t.equal(harness.observer.lastRefusal(), 'ticket-invalid 400')
    t.equal(home.refresh().code, 0)
  })

  t.test('one of an allocation that has ended, or of a server before this one, gets 437', async (t) => {
    const { harness, home, ticket } = mobileStage()
    home.refresh(0)
    t.equal(move(harness.client(), ticket).code, 437)
    const restarted = new CoreHarness({ allowsMobility: true, seed: 2 })
    t.equal(move(restarted.client(), ticket).code, 437)
  })

  t.test('one of another thread gets 405 where that cannot be asked', async (t) => {
    const tables = allocateSharedTables({ relayHostCount: 1, minPort: 24_000, maxPort: 29_999, workerCount: 2 })
    const { ticket } = mobileStage({ tables })
    const other = new CoreHarness({ allowsMobility: true, tables, workerIndex: 1 })
    t.equal(move(other.client(), ticket).code, 405)
    t.equal(other.observer.lastRefusal(), 'mobility-elsewhere 405')
  })

  t.test(
    'a credential that has expired meanwhile does not end the allocation (as for any other Refresh)',
    async (t) => {
      const { harness, ticket } = mobileStage()
      const asked: (string | null)[] = []
      const { authenticator } = harness.core
      const authenticate = authenticator.authenticate.bind(authenticator)
      authenticator.authenticate = (message, client, seconds, holder = null, count = 0) => {
        asked.push(holder)
        return authenticate(message, client, seconds, holder, count)
      }
      move(harness.client(), ticket)
      t.equal(asked.at(-1), 'alice')
      move(harness.client({ user: BOB }), ticket)
      t.equal(asked.at(-1), null)
    },
  )
})

t.test('switched off while it runs', async (t) => {
  const { harness, home, reached, ticket } = mobileStage()
  const limits = {
    ...{ maxAllocations: 1800, userQuota: 0, permissionCountMax: 128, channelCountMax: 128, channelNumberMax: 0x4fff },
    ...{ allowsTcpRelays: true, maxBps: 0, userMaxBps: 0, unauthenticatedRate: 0, limitsLoopback: false },
    ...{
      discoveryPairs: [],
      answersLegacyBinding: false,
      lookupWaitSeconds: 3,
      alternateAbovePercent: 100,
      traits: profileTraits('rfc'),
    },
  }
  changeLimits(harness.core, { ...limits, allowsMobility: false })
  const away = harness.client()
  t.equal(move(away, ticket).code, 405, 'a ticket of this server (RFC 8016 §3.2.2)')
  t.equal(harness.observer.lastRefusal(), 'mobility-off 405')
  t.equal(move(away, 'A'.repeat(32)).code, 437, 'anything else is ignored')
  t.equal(reached(), String(home.address))
  t.notOk(away.allocate(asksForTicket).has(stun.ATTRIBUTE_MOBILITY_TICKET))
  changeLimits(harness.core, { ...limits, allowsMobility: true })
  t.equal(move(harness.client(), ticket).code, 0, 'and on again')
})

t.test('clients over streams', async (t) => {
  const overTcp = (harness: CoreHarness, connectionId: number, transport = TRANSPORT_TCP) => {
    const client = harness.client({ transport, listenerId: 0x10000 })
    client.fiveTuple.connectionId = connectionId
    return client
  }
  const tcpStage = () => {
    const stage = mobileStage({ isOfStreams: true }, { transport: TRANSPORT_TCP, listenerId: 0x10000 })
    return stage
  }

  t.test('an allocation outlives its connection, and is found again from another one', async (t) => {
    const { harness, home, relay, ticket } = tcpStage()
    harness.core.handleClientClosed(home.fiveTuple)
    t.equal(harness.core.allocations.size, 1)
    t.equal(harness.core.allocations.find(home.fiveTuple), null, 'its 5-tuple is free')
    const away = overTcp(harness, 7)
    const next = ticketOf(move(away, ticket))
    t.equal(harness.relayOf(away), relay, 'nobody is at the old one: data goes to the new one at once')
    t.equal(move(overTcp(harness, 8), ticket).code, 0, 'the answer may have been lost with the connection')
    t.equal(away.channelData(CHANNEL, DATA), 0)
    t.not(next, ticket)
  })

  t.test('an allocation without a ticket ends with its connection', async (t) => {
    const harness = new CoreHarness({ allowsMobility: true, isOfStreams: true })
    const client = overTcp(harness, 1)
    client.allocate()
    harness.core.handleClientClosed(client.fiveTuple)
    t.equal(harness.core.allocations.size, 0)
  })

  t.test('one that nobody comes back to ends with its lifetime', async (t) => {
    const { harness, home } = tcpStage()
    harness.core.handleClientClosed(home.fiveTuple)
    harness.advanceSeconds(600)
    t.equal(harness.core.allocations.size, 0)
    t.equal(harness.core.quotas.held, 0)
  })

  t.test('the end of the old connection is as good as data on the new one (RFC 8016 §3.2.2)', async (t) => {
    const { harness, home, reached, ticket } = tcpStage()
    const away = overTcp(harness, 7)
    move(away, ticket)
    t.equal(reached(), String(home.address))
    t.ok(harness.core.hasAllocation(away.fiveTuple), 'frames of data may come')
    harness.core.handleClientClosed(home.fiveTuple)
    t.equal(reached(), String(away.address))
  })

  t.test('the end of a new connection that was not used yet leaves the old one', async (t) => {
    const { harness, home, reached, ticket } = tcpStage()
    const away = overTcp(harness, 7)
    move(away, ticket)
    harness.core.handleClientClosed(away.fiveTuple)
    t.equal(harness.core.allocations.size, 1)
    t.equal(reached(), String(home.address))
    t.same([...(harness.core.mobility?.ways() ?? [])], [])
  })

  t.test('a client may change from TCP to TLS and to UDP, where one thread has all of them', async (t) => {
    const { harness, reached, ticket } = tcpStage()
    const tls = overTcp(harness, 7, TRANSPORT_TLS)
    const next = ticketOf(move(tls, ticket))
    tls.channelData(CHANNEL, DATA)
    const udp = harness.client({ transport: TRANSPORT_UDP })
    t.equal(move(udp, next).code, 0)
    udp.channelData(CHANNEL, DATA)
    t.equal(reached(), String(udp.address))
  })
})

/** Two workers with the same tables: what one forwards the other gets. */
function twoWorkers() {
  const tables = allocateSharedTables({ relayHostCount: 1, minPort: 24_000, maxPort: 29_999, workerCount: 2 })
  const opened: string[] = []
  const closed: number[] = []
  const state = { hasSockets: true, hasRoom: true, forwardedCount: 0 }
  const outputOf = (other: () => CoreHarness): MoveOutput => ({
    reaches: ({ listenerId }) => listenerId === 0,
    forward: (workerIndex, exchange, bytes) => {
      if (!state.hasRoom) return false
      t.equal(workerIndex, other().core.mobility?.workerIndex)
      state.forwardedCount++
      const { account, integrity, key, session, username } = exchange
      const client = new FiveTuple().copyFrom(exchange.client)
      if (opened.includes(String(client.client))) client.listenerId = 100
      other().core.handleForwardedMove(client, { account, integrity, key, session, username, bytes: bytes.slice() })
      // The core that has answered is another one than that of the client's.
      here.output.effects.push(...other().output.take())
      return true
    },
    openWay: (client) => {
      if (!state.hasSockets) return false
      opened.push(String(client.client))
      client.listenerId = 100
      return true
    },
    closeWay: (listenerId) => {
      if (listenerId === 100) closed.push(listenerId)
    },
  })
  const options = { allowsMobility: true, tables, maxAllocations: 10, userQuota: 10 }
  const owner: CoreHarness = new CoreHarness({ ...options, workerIndex: 0, moveOutput: outputOf(() => here) })
  const here: CoreHarness = new CoreHarness({ ...options, workerIndex: 1, seed: 2, moveOutput: outputOf(() => owner) })
  const home = owner.client({ address: '198.51.100.9:40000' })
  const ticket = ticketOf(home.allocate(asksForTicket))
  home.channelBind(CHANNEL, PEER)
  owner.output.take()
  /** The answer, which comes from the socket of its own. */
  const moved = (client: CoreClient, write = (_: MessageWriter) => {}): Received | null => {
    if (client.nonce === '') client.challenge()
    const request = client.encode(stun.METHOD_REFRESH, (writer) => {
      writer.writeText(stun.ATTRIBUTE_MOBILITY_TICKET, ticket)
      write(writer)
    })
    const { length } = here.output.effects
    client.send(request)
    const answer = here.output.effects.slice(length).find((effect) => effect.kind === 'message')
    return answer?.kind === 'message' ? new Received(answer.bytes) : null
  }
  return { closed, here, home, moved, opened, owner, state, ticket }
}

t.test('a client that comes to another worker', async (t) => {
  t.test('is answered by the one that has its allocation, which opens a socket for it', async (t) => {
    const { here, moved, opened, owner, ticket } = twoWorkers()
    const away = here.client()
    const answer = moved(away) as Received
    t.equal(answer.code, 0)
    t.not(ticketOf(answer), ticket)
    t.same(opened, [String(away.address)])
    t.equal(here.core.allocations.size, 0, 'no state moves')
    const arrived = owner.client({ address: String(away.address), listenerId: 100 })
    t.equal(arrived.channelData(CHANNEL, DATA), 0)
    t.equal(owner.core.allocations.find(arrived.fiveTuple)?.username, 'alice')
    t.equal(owner.core.quotas.held, 1)
  })

  t.test('and asks again before it has heard gets the same answer by the same socket', async (t) => {
    const { here, moved, opened } = twoWorkers()
    const away = here.client()
    const first = ticketOf(moved(away) as Received)
    t.equal(ticketOf(moved(away) as Received), first)
    t.equal(opened.length, 1)
  })

  t.test('with what is not its own is refused there, and nothing is forwarded', async (t) => {
    const { here, moved, owner, state, ticket } = twoWorkers()
    t.equal(moved(here.client({ user: BOB }))?.code, 441)
    const spoiled = here.client()
    t.equal(move(spoiled, `${ticket.slice(0, -1)}!`).code, 400)
    const stranger = here.client()
    const withoutKey = stranger.ask(
      stun.METHOD_REFRESH,
      (writer) => writer.writeText(stun.ATTRIBUTE_MOBILITY_TICKET, ticket),
      { integrity: 'none' },
    )
    t.equal(withoutKey.code, 401)
    t.equal(state.forwardedCount, 0)
    t.equal(owner.core.allocations.size, 1)
  })

  t.test('gets 508 where there is no socket for it, and its allocation stays where it is', async (t) => {
    const { here, home, moved, owner, state } = twoWorkers()
    state.hasSockets = false
    t.equal(moved(here.client())?.code, 508)
    t.equal(owner.observer.lastRefusal(), 'way-failed 508')
    t.equal(home.refresh().code, 0)
    state.hasSockets = true
    t.equal(moved(here.client())?.code, 0, 'the ticket is as good as before')
  })

  t.test('is not heard while there are too many of them: it asks again', async (t) => {
    const { here, moved, state } = twoWorkers()
    state.hasRoom = false
    const away = here.client()
    t.equal(moved(away), null)
    t.equal(here.core.drops[DROP_MOVE_LIMIT], 1)
    state.hasRoom = true
    t.equal(moved(away)?.code, 0)
  })

  t.test('gets 405 from a listener that sockets of single clients cannot stand beside', async (t) => {
    const { here, moved, state } = twoWorkers()
    t.equal(moved(here.client({ listenerId: 7 }))?.code, 405)
    t.equal(here.observer.lastRefusal(), 'mobility-elsewhere 405')
    t.equal(state.forwardedCount, 0)
  })

  t.test('leaves no socket behind: not when it moves on, nor when its allocation ends', async (t) => {
    const { closed, here, moved, opened, owner } = twoWorkers()
    const away = here.client()
    const answer = moved(away, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0))
    t.equal(answer?.code, 0)
    t.equal(opened.length, 0, 'for its end it needs none')
    const again = twoWorkers()
    const next = again.here.client()
    const ticket = ticketOf(again.moved(next) as Received)
    again.owner.client({ address: String(next.address), listenerId: 100 }).channelData(CHANNEL, DATA)
    t.same(again.closed, [])
    const home = again.owner.client()
    t.equal(move(home, ticket).code, 0)
    home.channelData(CHANNEL, DATA)
    t.equal(again.closed.length, 1)
    t.same(closed, [])
    t.equal(owner.core.allocations.size, 0)
  })
})
