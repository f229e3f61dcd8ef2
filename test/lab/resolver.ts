// A resolver with one view of the world (dnsmasq): it knows these names, and that no others exist. What it was asked is in its lines.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Closing } from '../support/closing.js'
import { type Daemon, startDaemon } from '../support/daemon.js'
import { FILES_DIRECTORY, removeFiles } from '../support/leftovers.js'
import type { NetworkNamespace } from '../support/namespace.js'
import { findCommand } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'

/** Runs in the namespace, on port 53 of this address, until `t` ends. */
export function startResolver(
  t: Closing,
  { prefix }: NetworkNamespace,
  address: string,
  view: Readonly<Record<string, string>>,
): Promise<Daemon> {
  const alone = ['--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--no-poll', '--pid-file=', '--user=root']
  const said = ['--keep-in-foreground', '--log-facility=-', '--log-queries']
  const there = ['--port=53', '--bind-interfaces', `--listen-address=${address}`]
  // Whatever is no record does not exist, so that nobody waits for an answer from elsewhere.
  const known = [...Object.entries(view).map(([name, host]) => `--host-record=${name},${host}`), '--address=/#/']
  const command = [...prefix, findCommand('dnsmasq') ?? 'dnsmasq', ...alone, ...said, ...there, ...known]
  return startDaemon(t, command, { ready: /: started, version/ })
}

/** Commands that `ip netns exec` runs in the namespace ask this resolver, and know no other hosts; until `t` or the process ends. */
export function useResolver(t: Closing, { name }: NetworkNamespace, address: string): void {
  const directory = join(FILES_DIRECTORY, name)
  const forget = onProcessEnd(() => removeFiles(name))
  t.teardown(() => {
    forget()
    removeFiles(name)
  })
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'resolv.conf'), `nameserver ${address}\noptions timeout:1\n`)
  writeFileSync(join(directory, 'hosts'), '127.0.0.1 localhost\n::1 localhost\n')
}
