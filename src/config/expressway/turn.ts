// `xConfiguration Traversal Server TURN …`: the TURN server itself. What the lines do not say has the Expressway's default.
import { EXPRESSWAY_PORT_COUNT_MAX } from '../../limits/files.js'
import { TurndError } from '../errors.js'
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { printable, printablePath } from '../printable.js'
import type { XLines } from './expressway-config.js'

const PREFIX = 'traversal server turn '
const PORT_DEFAULT = '3478'
/** Of the virtual machines since X8; hardware of before began at 60000. */
const MEDIA_PORTS_DEFAULT = { 'min-port': '24000', 'max-port': '29999' }
/** An Expressway takes none below. */
const MEDIA_PORT_MIN = 1024
const REALM_DEFAULT = 'TANDBERG'

export function importTurn(lines: XLines, options: ImportedOptions): void {
  const line = (name: string) => lines.get(`${PREFIX}${name}`) ?? null
  importMode(line('mode'), options)
  importListeners(lines, options)
  give(options, 'realm', line('authentication realm'), REALM_DEFAULT)
  importMediaPort(options, 'min-port', line('media port start'))
  importMediaPort(options, 'max-port', line('media port end'))
  // The machine takes the channel numbers of its time.
  options.give('channel-range', 'rfc5766', null)
  importAuthentication(line('authentication mode'), line('authentication remote mode'), options)
  options.missing(
    'allow-peer',
    'an Expressway relays to private networks, and this server refuses them: give --allow-peer with the network of the conferencing servers behind it',
    ['allow-peer'],
  )
  for (const [name, one] of lines) if (name.startsWith(PREFIX)) judgeOther(name.slice(PREFIX.length), one, options)
}

/** A file with its TURN server off is a mistake: another machine is meant, or somebody switched it off and knows. */
function importMode(line: ImportLine | null, options: ImportedOptions): void {
  if (line === null) return
  if (!isOn(line, options)) {
    const where = `${printablePath(options.path)} line ${line.line}`
    throw new TurndError(
      'TURND_ERR_CONFIG_FILE',
      `${where}: the TURN server of this Expressway is off (Traversal Server TURN Mode: Off): take the file of the one whose TURN server is on`,
    )
  }
  options.judge(line, 'same', 'this is a TURN server')
}

/** It listens on both LANs: so on every address. */
function importListeners(lines: XLines, options: ImportedOptions): void {
  const mode = lines.get(`${PREFIX}protocolmode`) ?? null
  const schemes = schemesOf(mode, options)
  for (const { line, port } of portsOf(lines, options)) {
    for (const scheme of schemes) options.give('listen', `${scheme}*:${port}`, line)
    if (line !== null) options.applied(line, 'listen')
  }
  if (mode !== null) options.applied(mode, 'listen')
}

/** '' is UDP and TCP. */
function schemesOf(mode: ImportLine | null, options: ImportedOptions): string[] {
  const word = mode?.value.toLowerCase() ?? 'both'
  if (word === 'both') return ['']
  if (word === 'udp' || word === 'tcp') return [`${word}:`]
  return options.refuse(mode!, `${mode!.name}: ${printable(mode!.value)} is not Both, UDP or TCP`)
}

/** A large machine listens on a range, and has no use for Port, but prints all three; the others print them too, and have no use for the range. */
function portsOf(lines: XLines, options: ImportedOptions): { port: string; line: ImportLine | null }[] {
  const line = lines.get(`${PREFIX}port`) ?? null
  const start = lines.get(`${PREFIX}portrangestart`) ?? null
  const end = lines.get(`${PREFIX}portrangeend`) ?? null
  if (line !== null || start === null || end === null) {
    judgeRangeBesidePort(line?.value ?? PORT_DEFAULT, start, end, options)
    return [{ port: line?.value ?? PORT_DEFAULT, line }]
  }
  const [first, last] = [start, end].map((one) => (/^[0-9]{1,5}$/.test(one.value) ? Number(one.value) : Number.NaN))
  if (!(first <= last && last - first < EXPRESSWAY_PORT_COUNT_MAX)) {
    options.refuse(
      end,
      `PortRangeStart ${printable(start.value)} and PortRangeEnd ${printable(end.value)} are no range of ports`,
    )
  }
  options.applied(end, 'listen')
  return Array.from({ length: last - first + 1 }, (_, index) => ({ port: String(first + index), line: start }))
}

/** Which size the machine has is not in the file: clients that come to the range are not to lose their server unheard. */
function judgeRangeBesidePort(
  port: string,
  start: ImportLine | null,
  end: ImportLine | null,
  options: ImportedOptions,
): void {
  const isMore = [start, end].some((one) => one !== null && one.value !== port)
  const text = `a large Expressway listens at each port of this range, and only ${port} is taken over: for a large one give --listen *:PORT for each`
  for (const one of [start, end]) {
    if (one === null) continue
    if (!isMore) options.judge(one, 'same', 'it is the port')
    else if (options.isAnswered('listen')) options.judge(one, 'ignored', '--listen says where it listens')
    else if (one === end && start !== null) options.judge(one, 'ignored', 'it belongs to PortRangeStart')
    else options.judge(one, 'needed', text)
  }
}

function give(options: ImportedOptions, name: string, line: ImportLine | null, valueDefault: string): void {
  options.give(name, line?.value ?? valueDefault, line)
  if (line !== null) options.applied(line, name)
  else options.remark(`the file does not say it: --${name} is ${valueDefault}, the default of an Expressway`, name)
}

/** A part of a number, of a line that was broken, is mostly below. */
function importMediaPort(options: ImportedOptions, name: 'min-port' | 'max-port', line: ImportLine | null): void {
  if (line !== null && /^[0-9]+$/.test(line.value) && Number(line.value) < MEDIA_PORT_MIN) {
    options.refuse(
      line,
      `${line.name}: ${printable(line.value)} is below ${MEDIA_PORT_MIN}, which no Expressway takes: look whether the line is whole`,
    )
  }
  give(options, name, line, MEDIA_PORTS_DEFAULT[name])
}

function importAuthentication(mode: ImportLine | null, remote: ImportLine | null, options: ImportedOptions): void {
  if (mode !== null) {
    if (isOn(mode, options)) options.judge(mode, 'same', 'clients always authenticate')
    else
      options.judge(
        mode,
        'needed',
        'there is no relaying for everybody here: give clients a user (--user) or a secret (--auth-secret)',
      )
  }
  if (remote === null) return
  if (!isOn(remote, options)) options.judge(remote, 'same', 'credentials are checked here')
  else {
    options.judge(
      remote,
      'needed',
      'credentials are not asked of another system here: give clients a user (--user) or a secret',
    )
  }
}

/** TCP 443, multiplexing and whatever comes: told, never guessed. */
function judgeOther(name: string, line: ImportLine, options: ImportedOptions): void {
  if (/443/.test(name) && /^on$/i.test(line.value)) {
    options.judge(
      line,
      'needed',
      'give --listen tls:*:443 with --cert and --key: web pages may share the port by --http-upstream',
    )
  } else if (/multiplex/.test(name)) {
    options.judge(line, 'ignored', 'one port is enough here: the workers share it')
  }
}

function isOn(line: ImportLine, options: ImportedOptions): boolean {
  const word = line.value.toLowerCase()
  if (word !== 'on' && word !== 'off')
    options.refuse(line, `${line.name}: ${printable(line.value)} is neither On nor Off`)
  return word === 'on'
}
