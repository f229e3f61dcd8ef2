// A network namespace for the whole run, where the kernel grants one: nobody else's packets and ports, no packet filter, and the loopback
// device takes injected packets (generator/injected-messages.ts). Elsewhere the benches run as they are, with a weaker generator.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { undoAtExit } from './leftovers.js'

/** Set inside. */
const MARK = 'TURND_BENCH_NAMESPACE'

/** Injected packets have no route of their own, and come from addresses of this machine: both look forged elsewhere. */
const SET_UP = `ip link set lo up &&
for name in route_localnet accept_local; do echo 1 > /proc/sys/net/ipv4/conf/all/$name || exit 1; done &&
exec "$@"`

export function isInNamespace(): boolean {
  return process.env[MARK] === '1'
}

/** Runs this program again with these arguments in a namespace of its own. Returns its exit code, or null if there can be none. */
export async function runInNamespace(script: string, args: readonly string[]): Promise<number | null> {
  if (process.platform !== 'linux' || process.env[MARK] !== undefined) return null
  const unshare = ['unshare', '--net', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])]
  const inside = [...unshare.slice(1), 'sh', '-c', SET_UP, 'sh']
  if (spawnSync('unshare', [...inside, 'true'], { stdio: 'ignore' }).status !== 0) return null
  const child = spawn('unshare', [...inside, process.execPath, fileURLToPath(script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  })
  const forget = undoAtExit(() => child.kill('SIGTERM'))
  return new Promise((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', (code) => {
      forget()
      resolve(code ?? 1)
    })
  })
}
