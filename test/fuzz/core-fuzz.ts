// Fuzzes the core behind its authentication: hostile attributes under valid credentials, so that the parsers of every method are reached,
// and bytes of every kind beside them. Nothing throws, the received bytes stay as they were, and the books of the core balance.
import { writeChannelDataHeader } from '../../src/stun/channel-data.js'
import * as stun from '../../src/stun/constants.js'
import { isOverTcp } from '../../src/turn/five-tuple.js'
import { type CoreClient, Received, type Write } from '../support/core-client.js'
import { PEER, PEER_IPV6 } from '../support/core-harness.js'
import type { SeededRandom } from '../support/random.js'
import type { Effect } from '../support/recording-output.js'
import { addressOf } from '../support/turn-address.js'
import { attributesOf, requestMethod } from './attributes.js'
import { randomMessage } from './core-messages.js'
import { CoreWorld } from './core-world.js'
import { makeHostile } from './mutate.js'
import { loadCorpus } from './samples.js'
import { type FuzzOptions, type FuzzReport, fuzzLoop } from './target.js'

/** A world is used for so many inputs: long enough for its states to mix, short enough that every state is near a beginning. */
const INPUTS_PER_WORLD = 400
const METHODS = [
  ...[stun.METHOD_ALLOCATE, stun.METHOD_REFRESH, stun.METHOD_CREATE_PERMISSION, stun.METHOD_CHANNEL_BIND],
  ...[stun.METHOD_BINDING, stun.METHOD_SEND, stun.METHOD_CONNECT, stun.METHOD_CONNECTION_BIND],
]

/** How many inputs were answered, with success, or with an error that comes after authentication. */
export interface Depth {
  answered: number
  succeeded: number
  refused: number
  relayed: number
  bound: number
}

export function fuzzCore(options: FuzzOptions): FuzzReport {
  const corpus = loadCorpus()
  const depth: Depth = { answered: 0, succeeded: 0, refused: 0, relayed: 0, bound: 0 }
  let world = new CoreWorld(options.seed)
  let client = world.clients[0]
  let inputCount = 0
  const progress = fuzzLoop(
    options,
    (random) => {
      if (++inputCount % INPUTS_PER_WORLD === 0) world = new CoreWorld(random.nextUint32())
      // The datagrams have most of the code.
      client = random.pick(random.oneIn(3) ? world.streamClients : world.clients.slice(0, -world.streamClients.length))
      const known = corpus[inputCount - 1]
      return known === undefined ? makeInput(random, world, client, corpus) : signedInput(random, client, known)
    },
    (input, random) => checkInput(random, world, client, input, depth),
  )
  const percent = (count: number) => `${Math.round((100 * count) / Math.max(progress.iterationCount, 1))} %`
  const summary =
    `${percent(depth.answered)} answered, ${percent(depth.succeeded)} with success, ` +
    `${percent(depth.refused)} refused behind authentication, ${percent(depth.relayed)} relayed, ` +
    `${depth.bound} data connections`
  return { ...progress, summary }
}

function makeInput(
  random: SeededRandom,
  world: CoreWorld,
  client: CoreClient,
  corpus: readonly Uint8Array[],
): Uint8Array {
  if (random.oneIn(20)) return makeHostile(random, corpus)
  if (random.oneIn(10)) return channelData(random)
  const method = world.dataClients.includes(client) ? stun.METHOD_CONNECTION_BIND : random.pick(METHODS)
  const plain = randomMessage(random, method, { tokens: world.tokens, connectionIds: world.connections.ids })
  const attributes = random.oneIn(3) ? plain : makeHostile(random, [plain])
  return signedInput(random, client, attributes, method)
}

/** The attributes of a request behind the client’s credentials; anything else is as it was. */
export function signedInput(
  random: SeededRandom,
  client: CoreClient,
  message: Uint8Array,
  method = requestMethod(message),
): Uint8Array {
  if (method < 0 || method === stun.METHOD_SEND) return message
  const write: Write = (writer) => {
    for (const [type, value] of attributesOf(message)) writer.writeBytes(type, value)
  }
  return client.encode(method, write, random.oneIn(30) ? { integrity: 'none' } : {})
}

/** Throws if the core does, or if what it does is wrong. */
export function checkInput(
  random: SeededRandom,
  world: CoreWorld,
  client: CoreClient,
  input: Uint8Array,
  depth: Depth,
): void {
  const { core } = world.harness
  const start = random.nextInt(9)
  const bytes = new Uint8Array(start + input.length + random.nextInt(9)).fill(random.nextInt(256))
  bytes.set(input, start)
  const before = bytes.slice()
  const drop = core.handleClientFrame(client.fiveTuple, bytes, start, start + input.length)
  if (Buffer.compare(before, bytes) !== 0) throw new Error('the received bytes were changed')
  if (!(drop in core.drops)) throw new Error(`drop reason ${drop}`)
  world.harness.settle(0)
  const effects = world.takeEffects()
  world.check()
  checkAnswers(client, input, effects, depth)
  for (const effect of effects) {
    if (effect.kind === 'to-peer' || effect.kind === 'connect-peer') world.checkPeer(effect.peer)
  }
  if (effects.some(({ kind }) => kind === 'to-peer')) depth.relayed++
  if (effects.some(({ kind }) => kind === 'bind-peer')) depth.bound++
  goOn(random, world, client, input)
}

function checkAnswers(client: CoreClient, input: Uint8Array, effects: readonly Effect[], depth: Depth): void {
  const answers = effects.flatMap((effect) => (effect.kind === 'message' ? [effect] : []))
  if (answers.length > 1) throw new Error('two answers')
  for (const answer of answers) {
    if (!answer.client.equals(client.fiveTuple)) throw new Error('an answer to somebody else')
    const received = new Received(answer.bytes)
    const isItsId = received.transactionId.every((byte, index) => byte === input[8 + index])
    if (!isItsId) throw new Error('an answer to another transaction')
    const hasIntegrity = received.view.messageIntegrityStart >= 0 || received.view.messageIntegritySha256Start >= 0
    const isSuccess = received.code === 0
    if (isSuccess && received.view.method !== stun.METHOD_BINDING) {
      if (!hasIntegrity || client.user.password === 'wrong') throw new Error('a success without a right password')
    }
    if (!isSuccess && !hasIntegrity && received.bytes.length > Math.max(140, input.length)) {
      throw new Error(`${received.bytes.length} bytes to a stranger for ${input.length}`)
    }
    depth.answered++
    if (isSuccess) depth.succeeded++
    else if (hasIntegrity) depth.refused++
  }
}

/** Everything else that happens to a core: time, datagrams, late answers of the engine, closing clients. */
function goOn(random: SeededRandom, world: CoreWorld, client: CoreClient, input: Uint8Array): void {
  const { harness } = world
  const { core } = harness
  world.connections.goOn(random, world.sockets)
  if (random.oneIn(8)) {
    const relayId = random.oneIn(3) ? random.nextInt(1 << 20) : random.pick([...world.sockets, 0])
    const source = addressOf(random.pick([PEER, PEER_IPV6, '127.0.0.1:1', '192.0.2.1:24001']))
    core.handlePeerDatagram(relayId, source, input, 0, input.length)
  }
  if (random.oneIn(8)) {
    const relayId = random.oneIn(4) ? random.nextInt(1 << 20) : random.pick([...world.sockets, 0])
    if (random.oneIn(2)) core.handleRelayOpened(relayId)
    else core.handleRelayFailed(relayId, random.oneIn(2))
  }
  if (random.oneIn(20) && !world.dataClients.includes(client)) {
    if (isOverTcp(client.fiveTuple)) world.startTcp(client)
    else world.start(client)
  }
  if (random.oneIn(60)) core.handleClientClosed(client.fiveTuple)
  if (random.oneIn(30)) {
    harness.advanceTicks(random.pick([1, 10, 1000, 3000, 30_000, 60_000]))
    world.connections.ticked()
    for (const each of world.clients) if (random.oneIn(2)) each.challenge()
  }
  harness.settle(0)
  world.takeEffects()
  world.check()
}

function channelData(random: SeededRandom): Uint8Array {
  const bytes = random.nextBytes(4 + random.nextInt(40))
  const length = random.oneIn(3) ? random.nextInt(44) : bytes.length - 4
  writeChannelDataHeader(bytes, 0, stun.CHANNEL_NUMBER_MIN + random.nextInt(2), length)
  return bytes
}
