// Requests of every method, damaged in every systematic way and signed afterwards: to the core as datagrams, over TCP and over TLS. Over real
// sockets a part of them goes in sockets/sockets-fuzz.test.ts.
import t from 'tap'
import { SeededRandom } from '../support/random.js'
import { checkInput, type Depth, signedInput } from './core-fuzz.js'
import { CoreWorld } from './core-world.js'
import { damagedRequests } from './damaged-requests.js'

/** In place of each byte in turn: in the short form those that mean something somewhere. */
const ALL_VALUES = Array.from({ length: 256 }, (_, value) => value)
const INPUTS_PER_WORLD = 200

t.test('damaged requests behind valid credentials', async (t) => {
  const requests = process.env.TURND_TEST_LONG === '1' ? damagedRequests(ALL_VALUES) : damagedRequests()

  for (const way of ['datagrams', 'streams'] as const) {
    t.test(`${requests.length} of them in ${way}: each has one answer or none, and the books balance`, async (t) => {
      const depth: Depth = { answered: 0, succeeded: 0, refused: 0, relayed: 0, bound: 0 }
      const random = new SeededRandom(1)
      let world = new CoreWorld(1)
      for (const [index, message] of requests.entries()) {
        if (index % INPUTS_PER_WORLD === 0) world = new CoreWorld(index)
        const { clients, streamClients } = world
        const client = random.pick(way === 'streams' ? streamClients : clients.slice(0, -streamClients.length))
        const input = signedInput(random, client, message)
        try {
          checkInput(random, world, client, input, depth)
        } catch (error) {
          t.fail(`${Buffer.from(message).toString('hex')}: ${error instanceof Error ? error.message : error}`)
          return
        }
      }
      t.comment(
        `${depth.answered} answered, ${depth.succeeded} with success, ${depth.refused} refused, ${depth.relayed} relayed`,
      )
      t.ok(depth.succeeded > requests.length * 0.02, 'some succeed all the same')
      t.ok(depth.refused > requests.length * 0.2, 'many are refused behind the authentication')
    })
  }

  t.test('are damaged in every way that is promised', async (t) => {
    const lengths = new Set(requests.map(({ length }) => length))
    t.ok(requests.length > 2_500)
    t.ok(lengths.size > 20, 'of many lengths')
    t.equal(new Set(requests.map((bytes) => (bytes[0] << 8) | bytes[1])).size, 8, 'of eight methods and classes')
  })
})
