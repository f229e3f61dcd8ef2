// The attacker's thread: makes the attack of the catalogue that it is asked for.
import type { AttackReport } from './attack.js'
import { attackNamed } from './catalogue.js'
import { Ground, type GroundData, type InnocentCall } from './ground.js'
import { answer } from './thread.js'
import { warmUp } from './warm-up.js'

interface Task {
  readonly name: string
  readonly seconds: number
  readonly innocent: InnocentCall
}

answer<GroundData>({
  warmUp: (data, seconds: number) => onGround({ ...data, seconds }, warmUp),
  attack: (data, { name, ...task }: Task): Promise<AttackReport> =>
    onGround({ ...data, ...task }, (ground) => attackNamed(name).run(ground)),
})

async function onGround<Value>(data: GroundData, act: (ground: Ground) => Promise<Value>): Promise<Value> {
  const ground = new Ground(data)
  try {
    return await act(ground)
  } finally {
    await ground.close()
  }
}
