// The lines of an `xConfiguration` dump of a Cisco Expressway: `*c xConfiguration Traversal Server TURN Port: 3478`. Knows no names.
import type { ImportLine } from '../imported-options.js'

export interface XConfiguration {
  readonly settings: readonly ImportLine[]
  /** Those whose value a terminal broke in two, as the next line shows. */
  readonly broken: ReadonlySet<ImportLine>
  /** What is no setting, and none of the lines that stand around a dump. */
  readonly others: readonly ImportLine[]
}

const SETTING = /^(?:\*c\s+)?xconfig(?:uration)?\s+\/?([^:"]+?)\s*:\s*(.*)$/is
/** In a dump of which somebody took the command's name away. */
const BARE_SETTING = /^(?:\*c\s+)?\/?([a-z][^:"]*?)\s*:\s*(.*)$/is
/** The command that somebody typed, behind a prompt, and the answer's end. */
const FRAME = /^(?:|OK|\*c\/end|\*\*.*|(?!\*c\s).{0,100}\bxconfig(?:uration)?(?:[\s/][^:"]*)?)$/i

/** Also without the asterisk, the command's name (short: `xConfig`) or in another case, as people type it. */
export function readXConfiguration(text: string): XConfiguration {
  const raws = text.replace(/^\ufeff/, '').split('\n')
  const trimmed = raws.map((raw) => raw.trim())
  const pattern = trimmed.some((raw) => SETTING.test(raw)) ? SETTING : BARE_SETTING
  const settings: ImportLine[] = []
  const broken = new Set<ImportLine>()
  const others: ImportLine[] = []
  for (const [index, raw] of trimmed.entries()) {
    const match = pattern.exec(raw)
    if (match === null) {
      if (!FRAME.test(raw)) others.push({ name: 'other lines', value: '', line: index + 1 })
      continue
    }
    // Slashes stand between the parts of a name in some versions.
    const setting = { name: match[1].split(/[\s/]+/).join(' '), value: unquoted(match[2]), line: index + 1 }
    settings.push(setting)
    const next = trimmed[index + 1] ?? ''
    if (isBroken(match[2], pattern.test(next) ? '' : next)) broken.add(setting)
  }
  return { settings, broken, others }
}

/** A quote that has no end, or a number or an address that goes on. @param next the line below, if it is no setting */
function isBroken(value: string, next: string): boolean {
  const isOpen = value.startsWith('"') && !/^"(?:[^"\\]|\\.)*"$/.test(value)
  return isOpen || (/^[0-9.]*$/.test(value) && /^[0-9.]+$/.test(next))
}

function unquoted(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value.trim())
  return quoted === null ? value.trim() : quoted[1].replace(/\\(["\\])/g, '$1')
}
