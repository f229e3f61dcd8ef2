// What was refused on the busy server of the page's tests.
import type { WhyRefusal } from '../../src/admin/schema/why.js'
import { REFUSAL_REASONS, type RefusalReason } from '../../src/log/refusals.js'

const MINUTE_MS = 60_000

export function madeUpRefusals(hostileName: string): WhyRefusal[] {
  return [
    madeUpRefusal('bad-password', 'meeting-room-4', '203.0.113.77', 58, 0.3),
    madeUpRefusal('bad-password', hostileName, '198.51.100.200', 3, 44),
    madeUpRefusal('peer-policy', 'alice', '203.0.113.40', 12, 2, '10.20.4.9:50004'),
    madeUpRefusal('unknown-user', 'alcie', '203.0.113.41', 4, 11),
    madeUpRefusal('unknown-user', 'admin', '192.0.2.250', 1911, 63),
    madeUpRefusal('licence', 'cmsweb', '203.0.113.9', 31, 180),
  ]
}

export function madeUpRefusal(
  reason: RefusalReason,
  user: string,
  source: string,
  count: number,
  minutesAgo: number,
  peer = '',
): WhyRefusal {
  const lastMs = Date.now() - minutesAgo * MINUTE_MS
  return {
    ...{ reason, user, source, port: 50_000 + count, peer, count },
    ...{ method: peer === '' ? 'Allocate' : 'CreatePermission', code: codeOf(reason), detail: '' },
    ...{ firstTime: new Date(lastMs - count * 20_000).toISOString(), lastTime: new Date(lastMs).toISOString() },
    ...REFUSAL_REASONS[reason],
  }
}

function codeOf(reason: RefusalReason): number {
  if (reason === 'licence') return 508
  return reason === 'peer-policy' ? 403 : 401
}
