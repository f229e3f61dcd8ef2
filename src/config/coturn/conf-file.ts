// The lines of a turnserver.conf, told apart as coturn does it (4.6 and later): `option`, `option=value`, `option value`. Knows no options.
import type { ImportLine } from '../imported-options.js'

/**
 * What lies between blanks or equals signs and the end of the line is the value, a comment included: `#` begins one only at the beginning of a
 * line. A double quote before the value goes, and then one behind it; single ones stay.
 */
export function readConfLines(text: string): ImportLine[] {
  const lines: ImportLine[] = []
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const match = /^([^ =\t]*)[ =\t]*(.*)$/s.exec(trimmed)!
    lines.push({ name: match[1], value: unquoted(match[2]), line: index + 1 })
  }
  return lines
}

function unquoted(value: string): string {
  return value.startsWith('"')
    ? value
        .slice(1)
        .replace(/[ \t\r]*$/, '')
        .replace(/"$/, '')
    : value
}

/** What coturn takes for on and off; null for what stops it. Nothing is on. */
export function readSwitch(value: string): boolean | null {
  if (value === '' || /^[yt1-9]/i.test(value) || /^(?:on|On|ON)$/.test(value)) return true
  return /^[0nf]/i.test(value) || /^(?:off|Off|OFF)$/.test(value) ? false : null
}
