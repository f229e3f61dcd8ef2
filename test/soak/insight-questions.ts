// What the threads of a server are asked from inside (insight-preload.ts), and their answers. The questions run in the server's threads, as text.
export interface CoreInsight {
  readonly allocations: number
  readonly openings: number
  readonly relays: number
  /** Of all threads together, in shared memory: */
  readonly reservations: number
  readonly places: number
  readonly claimedPorts: number
}

export interface ThreadInsight {
  readonly heapBytes: number
  /** Memory outside of V8's heap that objects hold. */
  readonly externalBytes: number
  /** Timers, sockets and requests under way that keep an event loop busy, by name. */
  readonly resources: Readonly<Record<string, number>>
  readonly core: CoreInsight | null
}

/** @param collects after a collection of garbage: node has --expose-gc */
export const WHAT_THREADS_TELL = `(collects) => {
  // Again, for what finalizers let go of.
  for (let round = 0; collects && round < 3; round++) gc()
  const core = globalThis.turndTestCore
  const { external, heapUsed } = process.memoryUsage()
  const resources = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  return {
    heapBytes: heapUsed,
    externalBytes: external,
    resources,
    core: core === undefined ? null : {
      allocations: core.allocations.size,
      openings: core.openings.size,
      relays: core.relays.size,
      reservations: core.reservations.size,
      places: core.quotas.held,
      claimedPorts: core.relayPorts.claimedCount(),
    },
  }
}`

/** The clock of the cores goes on so many milliseconds later: lifetimes and reservations end that would take minutes. */
export const TIME_TRAVEL = `(milliseconds) => {
  const now = performance.now.bind(performance)
  performance.now = () => now() + milliseconds
}`
