// A network namespace of the test's own: an empty network with a loopback interface and the addresses that the test gives
// it, where nothing else is routable. Needs root; see peers.ts.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Closing } from './closing.js'
import { kernel } from './kernel-io.js'
import { findCommand, peerOrSkip } from './peers.js'
import { onProcessEnd } from './process-end.js'

const IP_MILLISECONDS_MAX = 60_000
/** Where `ip netns` keeps the names of namespaces. */
export const NAMES_DIRECTORY = '/var/run/netns'
const NAME_PREFIX = 'turnd-'
/** Of ours: the process that made it. */
export const NAME_FORM = new RegExp(`^${NAME_PREFIX}(\\d+)-`)
/** uapi/linux/sched.h */
const CLONE_NEWNET = 0x40000000

export interface NetworkNamespace {
  readonly name: string
  /** What runs a command inside: `ip netns exec NAME`. */
  readonly prefix: readonly string[]
}

/**
 * Makes a namespace whose only addresses are 127.0.0.1, ::1 and `addresses` (CIDR); removed when `t` or the process ends.
 * They are on the loopback interface: other kinds need kernel modules that small machines lack.
 * @param label what people call it; it must be the only one of its process
 */
export function createNamespace(
  t: Closing,
  addresses: readonly string[],
  label = randomBytes(4).toString('hex'),
): NetworkNamespace {
  // The process is named so that what a killed one left behind is known for what it is: leftovers.ts.
  const name = `${NAME_PREFIX}${process.pid}-${label}`
  ip('netns', 'add', name)
  const remove = () => removeNamespace(name)
  const forget = onProcessEnd(remove)
  t.teardown(() => {
    forget()
    remove()
  })
  ip('-n', name, 'link', 'set', 'lo', 'up')
  for (const address of addresses) ip('-n', name, 'address', 'add', address, 'dev', 'lo')
  return { name, prefix: [ipPath(), 'netns', 'exec', name] }
}

/** Removes it with what still runs inside, but for this process: a child that is killed may leave children of its own. */
export function removeNamespace(name: string): void {
  for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean).map(Number)) {
    if (pid === process.pid) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended by itself.
    }
  }
  ip('netns', 'del', name)
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

/** One end of a cable between two namespaces. */
export interface CableEnd {
  readonly namespace: NetworkNamespace
  /** Its addresses there, with the length of the prefix: `10.0.0.1/24`. */
  readonly addresses: readonly string[]
  /** The name of its network interface, 15 characters at most; a random one if absent. */
  readonly device?: string
}

/** Connects two namespaces by a cable (veth) of this MTU. It goes with either of them. */
export function connectNamespaces(one: CableEnd, two: CableEnd, mtu: number): void {
  const ends = [one, two].map((end) => ({ device: `turnd${randomBytes(4).toString('hex')}`, ...end }))
  const [first, second] = ends
  const peer = ['peer', 'name', second.device, 'netns', second.namespace.name]
  ip('-n', first.namespace.name, 'link', 'add', first.device, 'type', 'veth', ...peer)
  for (const { addresses, device, namespace } of ends) {
    // Without the check for duplicates an IPv6 address can be used at once.
    for (const address of addresses) {
      ip('-n', namespace.name, 'address', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []))
    }
    ip('-n', namespace.name, 'link', 'set', device, 'mtu', String(mtu), 'up')
  }
}

/** Why there are no cables between namespaces, or false. A kernel without them is no fault, with CI=true neither. */
export function withoutCables(): string | false {
  const withoutNamespaces = peerOrSkip('network namespaces')
  if (withoutNamespaces !== false) return withoutNamespaces
  const name = `turnd-${randomBytes(4).toString('hex')}`
  ip('netns', 'add', name)
  try {
    ip('-n', name, 'link', 'add', 'probe', 'type', 'veth', 'peer', 'name', 'probe2')
    return false
  } catch {
    return 'this kernel has no veth devices'
  } finally {
    ip('netns', 'del', name)
  }
}

/** What is not on a cable of the namespace goes to this router. */
export function setDefaultRoute(namespace: NetworkNamespace, router: string): void {
  ip('-n', namespace.name, 'route', 'add', 'default', 'via', router)
}

/** What the kernel keeps there for a TCP connection whose other side does not read, at most; usually 4 MiB. */
export function limitTcpSendBuffers(namespace: NetworkNamespace, bytesMax: number): void {
  const script = `echo '4096 16384 ${bytesMax}' > /proc/sys/net/ipv4/tcp_wmem`
  ip('netns', 'exec', namespace.name, 'sh', '-c', script)
}

/** Makes the namespace a router of IPv4 and IPv6. */
export function enableForwarding(namespace: NetworkNamespace): void {
  const script = 'echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
  ip('netns', 'exec', namespace.name, 'sh', '-c', script)
}

/** The namespace is no router of IPv4, even where that of the machine is one: new ones take after it. */
export function disableForwarding(namespace: NetworkNamespace): void {
  ip('netns', 'exec', namespace.name, 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward')
}

/**
 * Makes `device` of a router one port of a switch: the host at its other end has this address, and finds the hosts of the other ports as if it were on
 * one network with them (proxy ARP). A bridge would do the same, and needs a kernel module.
 */
export function connectToSwitch(namespace: NetworkNamespace, device: string, hostAddress: string): void {
  ip('-n', namespace.name, 'route', 'add', `${hostAddress}/32`, 'dev', device)
  const [proxies, delay] = [`conf/${device}/proxy_arp`, `neigh/${device}/proxy_delay`]
  const script = `cd /proc/sys/net/ipv4 && echo 1 > ${proxies} && echo 0 > ${delay}`
  ip('netns', 'exec', namespace.name, 'sh', '-c', script)
}

/**
 * Runs `action` with this thread inside the namespace: sockets and threads that it makes are there, and stay there. Nothing else of
 * the process may open sockets meanwhile. Needs koffi.
 */
export async function inNamespace<Value>(
  namespace: NetworkNamespace,
  action: () => Promise<Value> | Value,
): Promise<Value> {
  const setns = kernel().koffi.load(null).func('setns', 'int', ['int', 'int']) as (fd: number, type: number) => number
  const enter = (fd: number, name: string) => {
    if (setns(fd, CLONE_NEWNET) !== 0) throw new Error(`cannot enter the network namespace ${name}`)
  }
  const [home, there] = [
    openSync('/proc/thread-self/ns/net', 'r'),
    openSync(join(NAMES_DIRECTORY, namespace.name), 'r'),
  ]
  try {
    enter(there, namespace.name)
    return await action()
  } finally {
    enter(home, 'of before')
    for (const fd of [home, there]) closeSync(fd)
  }
}

/** Its output. */
function ip(...args: string[]): string {
  return execFileSync(ipPath(), args, { encoding: 'utf8', stdio: 'pipe', timeout: IP_MILLISECONDS_MAX })
}

function ipPath(): string {
  return findCommand('ip') ?? 'ip'
}
