// What happens before memory is measured: a server that has just started has compiled little of its code, and V8 gives a thread's youngest
// objects more room when they first become many. A flood of another kind of sources than the attacks have brings it there.
import { withoutKoffi } from '../support/engines.js'
import type { TurnClient } from '../support/turn-client.js'
import { allocateRequest, bindingRequest, filling } from './datagrams.js'
import { Flood } from './flood.js'
import type { Ground } from './ground.js'
import { storm } from './storm.js'

const PER_SECOND = 10_000
const CLIENT_COUNT = 5

export async function warmUp(ground: Ground): Promise<void> {
  if (withoutKoffi() === false) {
    const flood = new Flood(ground, ground.port())
    const source = (index: number) => 0x7f1e0001 + (index % 5_000)
    for (const message of [bindingRequest(), allocateRequest()]) {
      await flood.run({ perSecond: PER_SECOND, milliseconds: ground.milliseconds / 2, fill: filling(message), source })
    }
  }
  const clients = await Promise.all(Array.from({ length: CLIENT_COUNT }, () => ground.client()))
  const request = async (client: TurnClient) => {
    await client.allocate()
    return client.refresh({ lifetimeSeconds: 0 })
  }
  await storm({ clients, depth: 1, milliseconds: ground.milliseconds / 2, request })
}
