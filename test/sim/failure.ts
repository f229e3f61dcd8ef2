// A broken invariant, found by the simulator.

export class SimFailure extends Error {
  override name = 'SimFailure'
}

export function fail(message: string): never {
  throw new SimFailure(message)
}

export function ensure(condition: boolean, message: () => string): asserts condition {
  if (!condition) fail(message())
}
