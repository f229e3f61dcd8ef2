// The rules of a crash themselves: a report that breaks one is seen, and one at its bound is not.
import t from 'tap'
import type { CrashReport } from './crash.js'
import { CrashLedger } from './crash-ledger.js'
import { type CrashBounds, faultsOf, linesOf } from './crash-verdict.js'

const BOUNDS: CrashBounds = { allocationCount: 3, backMillisecondsMax: 5_000, restartMillisecondsMax: 2_000 }

function reportOf(changes: Partial<CrashReport>): CrashReport {
  return {
    ...{ restart: 2_000, firstStart: 900, downtime: 2_100, back: { udp: [100, 5_000], streams: [300] } },
    ...{ answers: { Refresh: { 437: 1, '438, then 437': 1 }, CreatePermission: {}, ChannelBind: {} } },
    ...{ ledger: new CrashLedger(() => false), belatedSent: 9, mediaSent: 9, retransmissions: 0, refusals: {} },
    ...{ reusedPorts: 1, reusedPortsExpected: 1, reusedPortsShared: 0 },
    ...changes,
  }
}

t.test('a crash at its bounds is well', async (t) => t.same(faultsOf(reportOf({}), BOUNDS), []))

t.test('a client that is not back is missed, over whatever it comes', async (t) => {
  t.same(faultsOf(reportOf({ back: { udp: [100], streams: [300] } }), BOUNDS), ['2 of 3 clients are back'])
  const nobody = reportOf({ back: { udp: [], streams: [] } })
  t.same(faultsOf(nobody, BOUNDS), ['0 of 3 clients are back'])
  t.match(linesOf(nobody).join(), 'nobody')
})

t.test('one that is late is told, from ready and from the kill', async (t) => {
  const late = [
    'the last client was back 5001 ms after ready, 7101 ms after the kill; at most 5000 ms after ready are allowed',
  ]
  t.same(faultsOf(reportOf({ back: { udp: [100, 5_001], streams: [300] } }), BOUNDS), late)
  t.same(faultsOf(reportOf({ back: { udp: [100, 200], streams: [5_001] } }), BOUNDS), late)
})

t.test('a restart that takes too long is told', async (t) => {
  t.same(faultsOf(reportOf({ restart: 2_001 }), BOUNDS), [
    'the restart took 2001 ms to ready, at most 2000 ms are allowed',
  ])
})

t.test('other answers on old 5-tuples, and payloads of others, are told', async (t) => {
  const answers = { Refresh: { 0: 2 }, CreatePermission: { 437: 1 }, ChannelBind: { 437: 1 } }
  t.same(faultsOf(reportOf({ answers }), BOUNDS), ['Refresh on an old 5-tuple was answered with 0, 2 times'])
  const ledger = new CrashLedger(() => false)
  ledger.foreign.ofOwnPeers = 1
  ledger.staleAtPeers = 2
  t.same(faultsOf(reportOf({ ledger }), BOUNDS), [
    '1 payloads of others came to clients with a peer of their own',
    '2 payloads for channels of before the crash came to peers',
  ])
})
