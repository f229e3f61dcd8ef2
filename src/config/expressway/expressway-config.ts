// The file of --expressway-config: what `xConfiguration` of a Cisco Expressway-E says becomes options of ours: its TURN server, the addresses
// of its two LANs with their static NAT, and its local users as far as their passwords can be read. Names: its administrator guide (X14).
import { TurndError } from '../errors.js'
import { type ImportedFile, ImportedOptions, type ImportLine } from '../imported-options.js'
import { printable, printablePath } from '../printable.js'
import type { SettingKey } from '../settings.js'
import { importLans } from './lans.js'
import { importLocalUsers } from './local-users.js'
import { importTurn } from './turn.js'
import { readXConfiguration } from './x-configuration.js'

/** Lines by name, in lower case: the machine does not tell the difference. */
export type XLines = ReadonlyMap<string, ImportLine>

/** What the file comes to. Throws TurndError with the line that cannot be taken over. @param answered options that a stronger source gives */
export function importExpresswayConfig(
  path: string,
  text: string,
  answered: ReadonlySet<SettingKey> = new Set(),
): ImportedFile {
  const { broken, others, settings: all } = readXConfiguration(text)
  const options = new ImportedOptions(path, answered)
  const isOurs = ({ name }: ImportLine) => OUR_NAMES.some((ours) => ours.test(name))
  // The last one counts: the others have been overwritten.
  const lines = new Map(all.filter(isOurs).map((line) => [line.name.toLowerCase(), line]))
  if (![...lines.keys()].some((name) => name.startsWith('traversal server turn '))) {
    throw new TurndError(
      'TURND_ERR_CONFIG_FILE',
      `${printablePath(path)} has no line "xConfiguration Traversal Server TURN …": it is the output of xConfiguration on an Expressway-E`,
    )
  }
  for (const line of all.filter(isOurs)) if (broken.has(line)) refuseBroken(line, options)
  importTurn(lines, options)
  importLans(lines, options)
  importLocalUsers(lines, options)
  const taken = [...lines.values()]
  const superseded = all.filter((line) => isOurs(line) && !taken.includes(line))
  for (const line of superseded) options.judge(line, 'ignored', 'a later line says it again')
  for (const line of taken) options.judge(line, 'ignored', 'it has no counterpart here')
  const foreign = all.filter((line) => !isOurs(line))
  for (const line of foreign) options.judge(line, 'ignored', foreignText(foreign), 'other subsystems')
  for (const line of others) options.judge(line, 'needed', OTHER_TEXT)
  return options.finish([...taken, ...superseded, ...foreign, ...others].sort((one, other) => one.line - other.line))
}

const OTHER_TEXT =
  'these are no settings: where a terminal broke a long line in two, join the parts again; what else stands there may go'

/** What is left of it may be a number as well, and would be taken. */
function refuseBroken(line: ImportLine, options: ImportedOptions): never {
  return options.refuse(
    line,
    `${line.name}: the value goes on in the next line: a terminal broke it in two, so join them`,
  )
}

const OUR_NAMES = [
  /^traversal server turn /i,
  /^ethernet [12] ip v[46] (?:address|staticnat (?:mode|address))$/i,
  /^ip external interface$/i,
  /^ipprotocol$/i,
  /^login user \d+ (?:name|password)$/i,
]

const SUBSYSTEM_COUNT_SHOWN = 12

function foreignText(lines: readonly ImportLine[]): string {
  const names = [...new Set(lines.map(({ name }) => printable(name.split(' ')[0])))].sort()
  const rest = names.length > SUBSYSTEM_COUNT_SHOWN ? ` and ${names.length - SUBSYSTEM_COUNT_SHOWN} more` : ''
  return `they are about ${names.slice(0, SUBSYSTEM_COUNT_SHOWN).join(', ')}${rest}, not about TURN`
}
