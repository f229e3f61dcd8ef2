// The lines of an `xConfiguration` dump of a Cisco Expressway: `*c xConfiguration Traversal Server TURN Port: 3478`. Knows no names.
import type { ImportLine } from '../imported-options.js'

/** Also without the asterisk, the command's name (short: `xConfig`) or in another case, as people type it. Other lines are none. */
export function readXConfiguration(text: string): ImportLine[] {
  const lines: ImportLine[] = []
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const match = /^(?:\*c\s+)?xconfig(?:uration)?\s+\/?([^:"]+?)\s*:\s*(.*)$/is.exec(raw.trim())
    // Slashes stand between the parts of a name in some versions.
    if (match !== null)
      lines.push({ name: match[1].split(/[\s/]+/).join(' '), value: unquoted(match[2]), line: index + 1 })
  }
  return lines
}

function unquoted(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value.trim())
  return quoted === null ? value.trim() : quoted[1].replace(/\\(["\\])/g, '$1')
}
