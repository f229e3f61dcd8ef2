// Waiting with a deadline: no test waits for ever, and a wait that fails says what it waited for.

/** Rejects with `what` when `promise` takes longer than `milliseconds`. */
export function withDeadline<Value>(promise: Promise<Value>, milliseconds: number, what: () => string): Promise<Value> {
  let timer: NodeJS.Timeout
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing after ${milliseconds} ms: ${what()}`)), milliseconds)
  })
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer))
}
