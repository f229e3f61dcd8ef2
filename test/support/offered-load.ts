// Packets offered at a steady rate, in catch-up steps, by a timer. Used where the rate is what is tested.

const STEP_MILLISECONDS = 5

/** Calls `send` so many times a second, with the number of the packet, for so long. Returns the time that it took, in milliseconds. */
export function offerLoad(
  packetsPerSecond: number,
  milliseconds: number,
  send: (index: number) => void,
): Promise<number> {
  const start = performance.now()
  let sent = 0
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - start
      const due = Math.floor((Math.min(elapsed, milliseconds) * packetsPerSecond) / 1000)
      while (sent < due) send(sent++)
      if (elapsed < milliseconds) return
      clearInterval(timer)
      resolve(elapsed)
    }, STEP_MILLISECONDS)
  })
}
