// A length of time for a log line: the largest unit and the next one, such as `3 h 12 min`.

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const first = UNITS.findIndex(([, size]) => whole >= size)
  if (first < 0) return '0 s'
  const [unit, size] = UNITS[first]
  const next = UNITS[first + 1]
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[1])
  return `${Math.floor(whole / size)} ${unit}${rest === 0 ? '' : ` ${rest} ${next?.[0]}`}`
}
