// The self-test of the native engine, a process of its own that net/choose-engine.ts starts: every call, struct and option that the
// engine uses is tried over loopback, with guards around all memory that the kernel writes. Prints one line of JSON, a
// SelfTestResult. A mistake may end it in any way, which is why it is not done in the server.
//
// TURND_SELF_TEST_FAIL makes one step fail as it would on a machine that cannot do it: koffi, layout, gro, gso, crash or hang.
import { networkInterfaces } from 'node:os'
import type { SelfTestResult } from '../choose-engine.js'
import { allocateArena } from './arena.js'
import { type Koffi, loadKoffi } from './koffi.js'
import { openLibc } from './libc.js'
import { checkErrorQueue, checkExchange, checkOptions } from './self-test-exchange.js'
import { type Family, IPV4, IPV6, Kernel } from './self-test-kernel.js'
import { GuardedMemory } from './self-test-memory.js'
import { checkOffloads, type OffloadsFound } from './self-test-offloads.js'
import { checkWake } from './self-test-wake.js'

const ARENA_BYTES = 1024 * 1024

const failing = process.env.TURND_SELF_TEST_FAIL

if (failing === 'crash') process.abort()
process.stdout.write(`${JSON.stringify(selfTest())}\n`)

function selfTest(): SelfTestResult {
  const koffi = tryKoffi()
  if (typeof koffi === 'string') return { ok: false, gro: false, gso: false, problem: koffi }
  try {
    const memory = new GuardedMemory(allocateArena(koffi, ARENA_BYTES), failing === 'layout' ? 1 : 0)
    const kernel = new Kernel(openLibc(koffi), memory)
    checkWake(kernel, failing === 'hang')
    memory.check()
    const found = [checkFamily(kernel, IPV4)]
    if (hasIpv6Loopback()) found.push(checkFamily(kernel, IPV6))
    const problem = [...new Set(found.flatMap(({ problems }) => problems))].join('; ')
    return { ok: true, gro: found.every(({ gro }) => gro), gso: found.every(({ gso }) => gso), problem }
  } catch (error) {
    const problem = `the native engine's self-test failed: ${(error as Error).message}`
    return { ok: false, gro: false, gso: false, problem }
  }
}

/** Every step that differs between the families. */
function checkFamily(kernel: Kernel, family: Family): OffloadsFound {
  checkExchange(kernel, family)
  kernel.memory.check()
  checkErrorQueue(kernel, family)
  checkOptions(kernel, family)
  const found = checkOffloads(kernel, family, failing === 'gro' || failing === 'gso' ? failing : null)
  kernel.memory.check()
  return found
}

function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
}

/** koffi, or why there is none. */
function tryKoffi(): Koffi | string {
  // As on a machine that koffi has no binary for.
  if (failing === 'koffi') {
    process.dlopen = () => {
      throw new Error('TURND_SELF_TEST_FAIL refuses it')
    }
  }
  try {
    return loadKoffi()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'MODULE_NOT_FOUND') return 'koffi is not installed (npm install koffi)'
    return `koffi cannot be loaded: ${message.split('\n', 1)[0]}`
  }
}
