// The file of --coturn-config: a turnserver.conf of coturn becomes options of ours, and every line of it gets a verdict.
//
//   text ─► lines (conf-file.ts) ─► table (options.ts) ─┬─► one option of ours ──────────────► ImportedOptions ─► options, report
//                                                       ├─► the same, ignored, needs you ────►
//                                                       └─► parts: listeners, relays, peers, users, alternates, others ─►
import { TurndError } from '../errors.js'
import { type ImportedFile, ImportedOptions, type ImportLine } from '../imported-options.js'
import { nearestName } from '../nearest-name.js'
import { findOption } from '../options.js'
import { printablePath, quoted } from '../printable.js'
import type { SettingKey } from '../settings.js'
import { importAlternates } from './alternates.js'
import { Conf } from './conf.js'
import { readConfLines, readSwitch } from './conf-file.js'
import { importListeners } from './listeners.js'
import { ALWAYS_ON, COTURN_OPTION_NAMES, findCoturnOption, NUMBERS, REPEATABLE } from './options.js'
import { importOthers } from './others.js'
import { importPeers } from './peers.js'
import { importRelays } from './relays.js'
import type { CoturnOption } from './row.js'
import { importUsers } from './users.js'

/** What the file comes to. Throws TurndError with the line that cannot be taken over. @param answered options that a stronger source gives */
export function importCoturnConfig(
  path: string,
  text: string,
  answered: ReadonlySet<SettingKey> = new Set(),
): ImportedFile {
  const options = new ImportedOptions(path, answered)
  const read = readConfLines(text)
  if (isAnotherFile(text, read)) {
    throw new TurndError(
      'TURND_ERR_CONFIG_FILE',
      `${printablePath(path)} is no turnserver.conf: no line of it is an option of coturn, or it is not text`,
    )
  }
  const lines = read.map((line) => withoutSemicolon(line, options))
  const superseded = supersededOf(lines)
  for (const line of superseded) options.judge(line, 'ignored', 'a later line says it again')
  const standing = lines.filter((line) => !superseded.has(line))
  for (const line of standing) judgeAlone(line, options)
  const conf = new Conf(standing.filter(counts))
  // Relays first: where coturn listens it relays, and that is said once.
  const parts = [importRelays, importListeners, importPeers, importUsers, importAlternates, importOthers]
  for (const part of parts) part(conf, options)
  if (!conf.has('total-quota')) {
    options.remark(
      'coturn has no limit of allocations, and --max-allocations is 1800 by default: raise it for more',
      'max-allocations',
    )
  }
  if (!lines.some(({ name }) => name === 'rfc5766-channel-numbers')) {
    // Clients that coturn has served until now may be of that age.
    options.give('channel-range', 'rfc5766', null)
    options.remark(
      'channel numbers are 0x4000-0x7ffe, as in coturn 4.6: --channel-range rfc8656 takes those of new clients alone',
      'channel-range',
    )
  }
  return options.finish(lines)
}

/** A typing error in its only line is told as such. */
function isAnotherFile(text: string, lines: readonly ImportLine[]): boolean {
  const isLike = ({ name }: ImportLine) =>
    findCoturnOption(name) !== undefined || nearestName(name, COTURN_OPTION_NAMES) !== null
  return text.includes('\0') || (lines.length > 0 && !lines.some(isLike))
}

/** Of a number coturn 4.6 takes what stands before a semicolon; newer versions are stopped by it. */
function withoutSemicolon(line: ImportLine, options: ImportedOptions): ImportLine {
  if (!line.value.endsWith(';') || findCoturnOption(line.name) === undefined) return line
  const number = NUMBERS.includes(line.name) ? /^([0-9]+)[; \t]*$/.exec(line.value)?.[1] : undefined
  options.remark(
    number === undefined
      ? `line ${line.line} ends with a semicolon, which is a part of the value`
      : `line ${line.line} ends with a semicolon: ${line.name} is ${number}, as in coturn 4.6; newer versions do not start with it`,
  )
  return number === undefined ? line : { ...line, value: number }
}

/** Lines of what can be said once, and is said again further down. */
function supersededOf(lines: readonly ImportLine[]): Set<ImportLine> {
  const latest = new Map(lines.filter(counts).map((line) => [line.name, line]))
  const isLatest = (line: ImportLine) => REPEATABLE.includes(line.name) || latest.get(line.name) === line
  return new Set(lines.filter((line) => counts(line) && findCoturnOption(line.name) !== undefined && !isLatest(line)))
}

/** What can be said of a line without the others. */
function judgeAlone(line: ImportLine, options: ImportedOptions): void {
  const row = findCoturnOption(line.name)
  if (row === undefined) {
    judgeUnknown(line, options)
    return
  }
  const { fate, isSwitch } = row
  if (isSwitch && isOff(line, options)) {
    // Of what we do in any case there is no other way.
    if (fate.kind === 'same') options.judge(line, 'ignored', fate.text)
    else if (fate.kind !== 'part') options.judge(line, 'same', 'it is switched off')
    else if (line.name === 'allow-loopback-peers' || line.name === 'web-admin')
      options.judge(line, 'same', 'it is switched off')
    return
  }
  if (fate.kind === 'fixed') judgeNumber(line, fate, options)
  else if (!counts(line)) options.judge(line, 'ignored', 'it has no value')
  else if (fate.kind === 'option') importAlone(line, fate, options)
  else if (fate.kind !== 'part') options.judge(line, fate.kind, fate.text)
}

/** Without a value coturn takes an option that needs one as not given; listening-ip is another matter. */
function counts({ name, value }: ImportLine): boolean {
  return value !== '' || name === 'listening-ip' || findCoturnOption(name)?.isSwitch === true
}

function isOff(line: ImportLine, options: ImportedOptions): boolean {
  if (ALWAYS_ON.includes(line.name)) return false
  const value = readSwitch(line.value)
  if (value === null) options.refuse(line, `${line.name}: ${quoted(line.value)} is neither on nor off`)
  return value === false
}

type FateOf<Kind> = Extract<CoturnOption['fate'], { kind: Kind }>

function judgeNumber(line: ImportLine, { number, text }: FateOf<'fixed'>, options: ImportedOptions): void {
  if (line.value === '' || Number(line.value) === number) options.judge(line, 'same', `it is ${number}`)
  else options.judge(line, 'ignored', `it is ${number} here: ${text}`)
}

function importAlone(line: ImportLine, { convert, option: name }: FateOf<'option'>, options: ImportedOptions): void {
  const option = findOption(name)!
  const isFlag = option.type.kind === 'flag'
  const value = isFlag ? 'true' : convert(line.value)
  if (value === null) options.judge(line, 'same', `it is the default of --${name}`)
  else {
    options.give(name, isFlag ? true : value, line)
    options.applied(line, name)
  }
}

/** A name that is near to none and has no value may be a part of a secret that was broken into two lines: it is not shown. */
function judgeUnknown(line: ImportLine, options: ImportedOptions): void {
  const nearest = nearestName(line.name, COTURN_OPTION_NAMES)
  const hint = nearest === null ? '' : `: did you mean ${nearest}?`
  const shown = nearest === null && line.value === '' ? 'a line' : line.name
  options.judge(line, 'unknown', `coturn has no such option${hint}`, shown)
}
