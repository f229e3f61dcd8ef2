// What an engine holds open, noted where another thread can read it: file descriptors + 1, or 0. Whoever outlives the engine's thread
// closes what is noted.
import { CLIENT_WAY_COUNT_MAX } from '../../limits/engines.js'
import { RELAY_COUNT_MAX } from '../../limits/turn.js'

/** Relays stand at the slot of their relay id; behind them epoll's, the eventfd that wakes the engine, and sockets of single clients. */
export const HELD_EPOLL = RELAY_COUNT_MAX
export const HELD_WAKE = RELAY_COUNT_MAX + 1
export const HELD_WAYS = RELAY_COUNT_MAX + 2
export const HELD_FD_COUNT = HELD_WAYS + CLIENT_WAY_COUNT_MAX
