// A network namespace of the test's own: an empty network with a loopback interface and the addresses that the test gives
// it, where nothing else is routable. Needs root; see peers.ts.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { findCommand } from './peers.js'
import { onProcessEnd } from './process-end.js'

const IP_MILLISECONDS_MAX = 10_000

export interface NetworkNamespace {
  readonly name: string
  /** What runs a command inside: `ip netns exec NAME`. */
  readonly prefix: readonly string[]
}

/**
 * Makes a namespace whose only addresses are 127.0.0.1, ::1 and `addresses` (CIDR); removed when `t` or the process ends.
 * They are on the loopback interface: other kinds need kernel modules that small machines lack.
 */
export function createNamespace(t: Test, addresses: readonly string[]): NetworkNamespace {
  const name = `turnd-${randomBytes(4).toString('hex')}`
  ip('netns', 'add', name)
  const remove = () => ip('netns', 'del', name)
  const forget = onProcessEnd(remove)
  t.teardown(() => {
    forget()
    remove()
  })
  ip('-n', name, 'link', 'set', 'lo', 'up')
  for (const address of addresses) ip('-n', name, 'address', 'add', address, 'dev', 'lo')
  return { name, prefix: [ipPath(), 'netns', 'exec', name] }
}

/** Whether the namespace has a route to `address`. */
export function hasRoute(namespace: NetworkNamespace, address: string): boolean {
  try {
    ip('-n', namespace.name, 'route', 'get', address)
    return true
  } catch {
    return false
  }
}

function ip(...args: string[]): void {
  execFileSync(ipPath(), args, { stdio: 'pipe', timeout: IP_MILLISECONDS_MAX })
}

function ipPath(): string {
  return findCommand('ip') ?? 'ip'
}
