// What a running server does by the clock: learns what this machine calls itself now and where other servers are, and has the log told what was
// held back.
import { ALTERNATE_LOOKUP_SECONDS } from '../limits/turn.js'
import { findLocalAddresses } from '../net/local-addresses.js'
import type { AlternateServers } from './alternates.js'
import type { Relaying } from './relaying.js'
import type { Reporter } from './reporter.js'

/** Interfaces come and go: the peer policy learns of them within this time. */
const LOCAL_ADDRESSES_INTERVAL_MS = 10_000
const REPORT_INTERVAL_MS = 1_000

/** Until the timers are cleared; they keep no process. */
export function startUpkeep(
  relaying: Relaying,
  reporter: Reporter,
  alternates: AlternateServers,
): readonly NodeJS.Timeout[] {
  return [
    setInterval(() => learnLocalAddresses(relaying), LOCAL_ADDRESSES_INTERVAL_MS).unref(),
    setInterval(() => void alternates.look(), ALTERNATE_LOOKUP_SECONDS * 1000).unref(),
    setInterval(() => reporter.flush(relaying.totals()), REPORT_INTERVAL_MS).unref(),
  ]
}

function learnLocalAddresses(relaying: Relaying): void {
  const hosts = findLocalAddresses()
  if (hosts !== null) relaying.setLocalHosts(hosts)
}
