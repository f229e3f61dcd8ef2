// What a crash has come to, in sentences: what was seen, and what is wrong with it.
import type { CrashReport } from './crash.js'

export interface CrashBounds {
  /** So many must be back. */
  readonly allocationCount: number
  /** From the restarted server's `ready` until the last of them has its first payload back. */
  readonly backMillisecondsMax: number
  /** From the start of the second server to its `ready`. */
  readonly restartMillisecondsMax: number
}

/** What may not be. */
export function faultsOf(report: CrashReport, bounds: CrashBounds): string[] {
  return [...foreignFaults(report), ...timeFaults(report, bounds)]
}

function timeFaults({ back, downtime, restart }: CrashReport, bounds: CrashBounds): string[] {
  const { allocationCount, backMillisecondsMax, restartMillisecondsMax } = bounds
  const faults: string[] = []
  const all = [...back.udp, ...back.streams]
  const last = Math.max(0, ...all)
  if (all.length !== allocationCount) faults.push(`${all.length} of ${allocationCount} clients are back`)
  if (last > backMillisecondsMax) {
    faults.push(
      `the last client was back ${ms(last)} after ready, ${ms(last + downtime)} after the kill; at most ${ms(backMillisecondsMax)} after ready are allowed`,
    )
  }
  if (restart > restartMillisecondsMax) {
    faults.push(`the restart took ${ms(restart)} to ready, at most ${ms(restartMillisecondsMax)} are allowed`)
  }
  return faults
}

/** However busy the machine is. */
function foreignFaults({ answers, ledger }: CrashReport): string[] {
  const faults: string[] = []
  const mustBeNone = (count: number, what: string) => void (count > 0 && faults.push(`${count} ${what}`))
  mustBeNone(ledger.foreign.ofOwnPeers, 'payloads of others came to clients with a peer of their own')
  mustBeNone(ledger.crossedAtPeers, 'payloads came to peers of others')
  mustBeNone(ledger.staleAtPeers, 'payloads for channels of before the crash came to peers')
  mustBeNone(ledger.damaged, 'payloads were damaged')
  for (const [request, counts] of Object.entries(answers)) {
    for (const [answer, count] of Object.entries(counts)) {
      if (!/^(?:438, then )?437$/.test(answer))
        faults.push(`${request} on an old 5-tuple was answered with ${answer}, ${count} times`)
    }
  }
  return faults
}

export function linesOf(report: CrashReport): string[] {
  const { answers, back, belatedSent, downtime, firstStart, ledger, mediaSent, restart, retransmissions } = report
  const { foreign, receiversOfForeign } = ledger
  return [
    `first start ${ms(firstStart)}, restart ${ms(restart)}, from the kill to ready ${ms(downtime)}`,
    `back after ready, UDP: ${distributionOf(back.udp)}; TCP and TLS: ${distributionOf(back.streams)}`,
    `back after the kill, UDP: ${distributionOf(back.udp.map((value) => value + downtime))}; TCP and TLS: ${distributionOf(back.streams.map((value) => value + downtime))}`,
    `answers on old 5-tuples: ${JSON.stringify(answers)}; ${retransmissions} retransmissions; refusals with a line in the log: ${JSON.stringify(report.refusals)}`,
    `${mediaSent} payloads of media each way; ${ledger.mediaToPeers} came to peers, ${ledger.mediaToClients} to clients`,
    `${belatedSent} payloads for relays of before: ${ledger.belatedToOwner} came to the client that they are of; ` +
      `to another one ${foreign.ofOwnPeers} where each has a peer of its own, ${foreign.ofSharedPeers} where both have the same one (to ${receiversOfForeign.size} clients)`,
    `${report.reusedPorts} relay ports have become another client's (${Math.round(report.reusedPortsExpected)} by chance), ` +
      `${report.reusedPortsShared} of them with the same peer`,
  ]
}

/** Of sorted milliseconds. */
export function distributionOf(sorted: readonly number[]): string {
  if (sorted.length === 0) return 'nobody'
  const at = (share: number) => ms(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
  return `${sorted.length} clients, median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, all ${at(1)}`
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}
