import t from 'tap'
import { BANDWIDTH_BUCKET_TICKS } from '../../src/limits/turn.js'
import { FROM_CLIENT, TO_CLIENT } from '../../src/turn/bandwidth.js'
import { ConnectionBandwidth } from '../../src/turn/connection-bandwidth.js'
import { UserBandwidth } from '../../src/turn/user-bandwidth.js'
import { SeededRandom } from '../support/random.js'

/** A bucket of its own of 10 bytes a tick, full or empty at tick 0. */
function bandwidth(isFull: boolean): UserBandwidth {
  const words = new Int32Array(2).fill(isFull ? 0 : 1_000)
  return new UserBandwidth(10, { words, at: 0, isShared: () => true }, 0, new SeededRandom(1))
}

/** Chunks of 10 bytes that pass at tick 0. */
function chunks(
  of: { admit(direction: number, length: number, now: number): boolean },
  direction = FROM_CLIENT,
): number {
  let count = 0
  while (of.admit(direction, 10, 0)) count++
  return count
}

t.test('ConnectionBandwidth', async (t) => {
  t.test('passes what both limits let pass, in each direction by itself', async (t) => {
    const both = new ConnectionBandwidth(bandwidth(true), bandwidth(true))
    t.equal(chunks(both), BANDWIDTH_BUCKET_TICKS)
    t.equal(chunks(both, TO_CLIENT), BANDWIDTH_BUCKET_TICKS)
    t.equal(chunks(new ConnectionBandwidth(bandwidth(true), null)), BANDWIDTH_BUCKET_TICKS)
    t.equal(chunks(new ConnectionBandwidth(null, bandwidth(true))), BANDWIDTH_BUCKET_TICKS)
    t.equal(chunks(new ConnectionBandwidth(bandwidth(false), bandwidth(true))), 0)
    t.equal(chunks(new ConnectionBandwidth(bandwidth(true), bandwidth(false))), 0)
  })

  t.test('takes nothing of one limit for what the other refuses', async (t) => {
    const [allocation, user] = [bandwidth(true), bandwidth(true)]
    for (let attempt = 0; attempt < 100; attempt++) {
      new ConnectionBandwidth(allocation, bandwidth(false)).admit(FROM_CLIENT, 10, 0)
      new ConnectionBandwidth(bandwidth(false), user).admit(FROM_CLIENT, 10, 0)
    }
    t.equal(chunks(allocation), BANDWIDTH_BUCKET_TICKS)
    t.equal(chunks(user), BANDWIDTH_BUCKET_TICKS)
  })
})
