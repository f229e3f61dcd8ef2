// Lengths of time in words.

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** The largest unit, and the next one where it adds something: `2 hours`, `1 hour 30 minutes`, `45 seconds`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds)
  const first = Math.max(
    0,
    UNITS.findIndex(([, size]) => whole >= size),
  )
  const [name, size] = whole < 1 ? UNITS[3] : UNITS[first]
  const rest = whole % size
  const [nextName, nextSize] = UNITS[Math.min(first + 1, UNITS.length - 1)]
  const next = nextSize < size ? Math.floor(rest / nextSize) : 0
  return next === 0
    ? counted(Math.floor(whole / size), name)
    : `${counted(Math.floor(whole / size), name)} ${counted(next, nextName)}`
}

export function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
