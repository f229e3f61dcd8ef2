// Row "certificates": a hundred SIGHUPs in a row while handshakes are made: nobody who is there is disturbed, and whoever comes gets a certificate.
import { setTimeout as delay } from 'node:timers/promises'
import { connectTls } from '../../support/stream-client.js'
import { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST, MALLORY } from '../ground.js'
import { inParallel, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const SIGNALS_AT_ONCE = 100
const LIVE_COUNT = 10
const PARALLEL = 5

async function signalStorm(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('signals')
  const connect = async (index: number) => {
    const from = sourceAddress(86, index)
    const transport = await connectTls(HOST, ground.port('tls'), ground.data.certificate, { from })
    ground.teardown(() => transport.close())
    return new TurnClient(transport, MALLORY)
  }
  const live = await Promise.all(Array.from({ length: LIVE_COUNT }, (_, index) => connect(index)))
  for (const client of live) tally.expect((await client.allocate()).code === 0, 'no allocation')
  let handshakeCount = 0
  const handshakes = inParallel(PARALLEL, ground, async () => {
    const client = await connect(LIVE_COUNT + handshakeCount++)
    tally.expect((await client.binding()).code === 0, 'a newcomer has no answer')
    await client.transport.close()
  })
  do {
    for (let count = 0; count < SIGNALS_AT_ONCE; count++) {
      process.kill(ground.data.pid, 'SIGHUP')
      tally.sent++
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const client of live)
      tally.expect((await client.refresh()).code === 0, 'a live client has lost its allocation')
    await delay(100)
  } while (tally.elapsed < ground.milliseconds)
  await handshakes
  tally.expect(handshakeCount > 0, 'no handshake was made')
  tally.notes.push(`${handshakeCount} handshakes meanwhile`)
  return tally.report()
}

export const STREAM_CERTIFICATES: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'signal-storm',
    title: 'a hundred SIGHUPs in a row, again and again, under TLS load',
    threat: 'certificates',
    seconds: 5,
    // certificate-reloads.test.ts
    shortSeconds: 0.5,
    isLongOnly: true,
    rules: memoryOf(LIVE_COUNT + PARALLEL, 256),
    run: signalStorm,
  },
]
