// Numbers, times and durations as people read them: with units, thousands apart, the same width for the same size. Pure.

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P']
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `1,234` */
export function count(value: number): string {
  return WHOLE.format(value)
}

/** `1 relay`, `2 relays` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Whole below a million, then `3.25 M`: for columns. */
export function compactCount(value: number): string {
  if (value < 1e6) return count(value)
  const { number, prefix } = scaled(value)
  return `${number} ${prefix}`
}

/** Three digits and a decimal prefix: `12.3 M`, `999`, `0.42`. */
function scaled(value: number): { readonly number: string; readonly prefix: string } {
  let rest = Math.abs(value)
  let step = 0
  // What would be rounded up to 1000 has the next prefix.
  while (rest >= 999.5 && step < PREFIXES.length - 1) {
    rest /= 1000
    step++
  }
  const number = threeDigits(rest, step === 0)
  return { number: value < 0 ? `-${number}` : number, prefix: PREFIXES[step] }
}

function threeDigits(value: number, isUnscaled: boolean): string {
  if (isUnscaled && Number.isInteger(value)) return String(value)
  if (value >= 99.95) return value.toFixed(0)
  return value >= 9.995 || value === 0 ? value.toFixed(1) : value.toFixed(2)
}

function withUnit(value: number, unit: string): string {
  const { number, prefix } = scaled(value)
  return `${number} ${prefix}${unit}`
}

/** What stands at an axis, whose title has the unit: `200 M`, `40 k`, `0.4`. */
export function axisNumber(value: number): string {
  const { number, prefix } = scaled(value)
  const short = number.includes('.') ? number.replace(/\.?0+$/, '') : number
  return prefix === '' ? short : `${short} ${prefix}`
}

/** `12.3 Mbit/s` */
export function bitRate(bitsPerSecond: number): string {
  return withUnit(bitsPerSecond, 'bit/s')
}

/** `1.20 MB`: decimal, as files and links are sold. */
export function bytes(value: number): string {
  return withUnit(value, 'B')
}

/** `12.3 k/s`, `3 /s` */
export function perSecond(value: number): string {
  return withUnit(value, '/s').replace(' /s', '/s')
}

/** `0.42 cores` */
export function cores(value: number): string {
  return `${value.toFixed(2)} cores`
}

/** `23 %`; what is not nothing is not shown as 0, and what is not all not as 100. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return '0 %'
  const value = (part / whole) * 100
  if (value > 0 && value < 1) return '< 1 %'
  if (value < 100 && value > 99) return '> 99 %'
  return `${Math.round(value)} %`
}

/** `12.3 ms` */
export function milliseconds(value: number): string {
  return value < 100 ? `${value.toFixed(1)} ms` : `${count(value)} ms`
}

/** Its two largest units: `3 d 4 h`, `5 min 3 s`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts: [number, string][] = [
    [Math.floor(whole / DAY), 'd'],
    [Math.floor((whole % DAY) / HOUR), 'h'],
    [Math.floor((whole % HOUR) / MINUTE), 'min'],
    [whole % MINUTE, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** `now`, `12 s ago`, `in 3 min`: the largest unit alone. */
export function relative(timeMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - timeMs) / 1000)
  const size = Math.abs(seconds)
  if (size < 2) return 'now'
  const text =
    size < MINUTE
      ? `${size} s`
      : size < HOUR
        ? `${Math.floor(size / MINUTE)} min`
        : size < DAY
          ? `${Math.floor(size / HOUR)} h`
          : `${Math.floor(size / DAY)} d`
  return seconds > 0 ? `${text} ago` : `in ${text}`
}

/** `2026-11-27 19:42:04 (UTC+1)` @param offsetMinutes what the zone is ahead of UTC */
export function absolute(timeMs: number, offsetMinutes = -new Date(timeMs).getTimezoneOffset()): string {
  if (!Number.isFinite(timeMs)) return 'unknown'
  const local = new Date(timeMs + offsetMinutes * 60_000).toISOString()
  return `${local.slice(0, 10)} ${local.slice(11, 19)} (${zone(offsetMinutes)})`
}

/** `19:42:04` */
export function clock(timeMs: number, offsetMinutes = -new Date(timeMs).getTimezoneOffset()): string {
  return absolute(timeMs, offsetMinutes).slice(11, 19)
}

function zone(offsetMinutes: number): string {
  if (offsetMinutes === 0) return 'UTC'
  const size = Math.abs(offsetMinutes)
  const minutes = size % 60
  const rest = minutes === 0 ? '' : `:${String(minutes).padStart(2, '0')}`
  return `UTC${offsetMinutes > 0 ? '+' : '-'}${Math.floor(size / 60)}${rest}`
}

/** As Expressway writes listening addresses: `172.16.85.168 3478`. */
export function hostAndPort(host: string, port: number): string {
  return `${host} ${port}`
}

/** Its first letter large: `no configured user has this name` as a sentence's beginning. */
export function sentence(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return ''
  const start = trimmed[0].toUpperCase() + trimmed.slice(1)
  return /[.!?:]$/.test(start) ? start : `${start}.`
}
