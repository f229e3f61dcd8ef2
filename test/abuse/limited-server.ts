// A server whose limits are low, so that they are reached at once. One for all attacks on limits, so that those can share it.

export const LICENCE_COUNT = 40
/** Of each user. */
export const QUOTA = 10
/** Of each allocation: many times what the innocent's call needs. */
export const MAX_BPS = 4_000_000

export const LIMITED_SERVER_ARGS: readonly string[] = [
  ...['--max-allocations', String(LICENCE_COUNT), '--user-quota', String(QUOTA), '--max-bps', String(MAX_BPS)],
]
