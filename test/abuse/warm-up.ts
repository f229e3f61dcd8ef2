// What happens before memory is measured: a server that has just started has compiled little of its code, and V8 gives a thread's youngest
// objects more room when they first become many. A flood of another kind of sources than the attacks have brings it there.
import { withoutKoffi } from '../support/engines.js'
import { allocateRequest, bindingRequest, filling } from './datagrams.js'
import { Flood } from './flood.js'
import type { Ground } from './ground.js'

const PER_SECOND = 10_000
const CLIENT_COUNT = 50

export async function warmUp(ground: Ground): Promise<void> {
  if (withoutKoffi() === false) {
    const flood = new Flood(ground, ground.port())
    const source = (index: number) => 0x7f1e0001 + (index % 5_000)
    for (const message of [bindingRequest(), allocateRequest()]) {
      await flood.run({ perSecond: PER_SECOND, milliseconds: ground.milliseconds / 2, fill: filling(message), source })
    }
  }
  for (let count = 0; count < CLIENT_COUNT; count++) {
    const client = await ground.allocation()
    await client.refresh({ lifetimeSeconds: 0 })
    await client.transport.close()
  }
}
