// The rules of the house as functions over source text, for test/tidy.test.ts: each returns what is wrong, a sentence a line.

export interface SourceFile {
  /** From the project's root, with slashes: `src/turn/core.ts`. */
  readonly path: string
  readonly text: string
}

/** The rooms of src/, lowest first: a file imports from its own room and from lower ones. */
const ORDER = ['stun', 'auth', 'turn', 'net', 'client', 'stores', 'admin', 'server', 'doctor', 'commands', 'top']
/** Leaves: whom they may import from, beside the room of the limits. Everybody may import from them. */
const LEAVES: Readonly<Record<string, readonly string[]>> = {
  config: ['src/stun/address.ts', 'src/stun/cidr.ts'],
  log: [],
}
/** For browsers: it has the types of the API, two libraries, and nothing else; nobody imports it. */
const PAGE = 'page'
const PAGE_TYPES = /^src\/admin\/schema\//
const PAGE_LIBRARIES = /^(?:lit-html(?:\/.*)?|uplot)$/
/** What comes from users is text in it, and its policy forbids scripts and styles in markup. */
const PAGE_BANS = [
  /\binnerHTML\b/,
  /\bouterHTML\b/,
  /\binsertAdjacentHTML\b/,
  /\bunsafe(?:HTML|SVG|Static)\b/,
  /\beval\b/,
  /\bnew Function\b/,
  /\sstyle=/,
  /\son\w+=["$]/,
]
/** The leaf of leaves: bounds, which import nothing but one another. */
const LIMITS = 'limits'

const SOCKETS = ['node:dgram', 'node:net', 'node:tls']
const HTTP = ['node:http', 'node:https', 'node:http2']
/** HTTP shares port 443 with TURN, so the requests that come there are passed on where the sockets are. */
const HTTP_BESIDE_TURN = /^src\/net\/stream\/http-[^/]*\.ts$/
/** Pure rooms: neither time nor chance nor the process, but what is handed in. */
const PURE_BANS = [
  /\bMath\.random\b/,
  /\bDate\b/,
  /\bperformance\.now\b/,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bprocess\./,
  /\bawait\b/,
]
/** In auth/ these hold files, so they may look at them again. */
const AUTH_FILE_STORES = /^src\/auth\/(?:.*file.*|state-dir)\.ts$/
/** Opens no socket: asks OpenSSL whether TLS would take a certificate. */
const TLS_CHECKER = 'src/auth/certificate-file.ts'
/** Node does not tell the file descriptor of its event loop, nor the limit of open files, nor who has a port, but /proc does. */
const PROC_READERS = ['src/net/native/event-loop-fd.ts', 'src/net/open-file-limit.ts', 'src/net/port-holder.ts']
/** A unix socket is a file as well: it is found, and removed, in a directory. */
const CONTROL_DIRECTORY = 'src/admin/control-directory.ts'
/** The security policy names what stands in the page itself by its hash. */
const PAGE_FILES = 'src/admin/http/page-files.ts'
/** What the system tells of itself, for the doctor. */
const DOCTOR_MACHINE = 'src/doctor/machine.ts'
/** Standard output. */
const LOG_WRITER = 'src/log/log-output.ts'
/** Per packet nothing is allocated, thrown, awaited or formatted (the code of these files, not their imports). */
const HOT_BANS = [
  /=>/,
  /\.\.\.(?=[\w[{(])/,
  /\btry\b/,
  /\bthrow\b/,
  /\basync\b/,
  /\bawait\b/,
  /`/,
  /\b\d+n\b/,
  /\bBigInt\b/,
  /\bconsole\b/,
  /\blogger\b/,
]
export const HOT_FILES = [
  'src/turn/relay.ts',
  'src/turn/five-tuple.ts',
  'src/turn/five-tuple-table.ts',
  'src/turn/bandwidth.ts',
  'src/turn/user-bandwidth.ts',
  'src/turn/source-table.ts',
  'src/stun/channel-data.ts',
  'src/net/native/native-engine.ts',
  'src/net/native/native-output.ts',
  'src/net/native/stream-relay-engine.ts',
  'src/net/native/receive-slots.ts',
  'src/net/native/send-queue.ts',
  'src/net/native/send-flows.ts',
  'src/net/native/send-batch.ts',
  'src/net/native/send-sources.ts',
  'src/net/native/gso-rests.ts',
  'src/net/native/socket-address.ts',
]

export function roomOf(path: string): string {
  const [, room, rest] = path.split('/')
  return rest === undefined ? 'top' : room
}

/** Source text without comments, so that words in them do not count. Strings stay. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

interface Import {
  readonly target: string
  readonly isTypeOnly: boolean
}

/** What a file imports or re-exports: paths from the root for relative ones, names for packages. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const imports: Import[] = []
  for (const match of codeOf(text).matchAll(/\b(?:import|export)\s+([^'";]*?\bfrom\s+)?['"]([^'"]+)['"]/g)) {
    const isTypeOnly = /^type\s/.test(match[1] ?? '')
    const target = match[2].startsWith('.') ? resolved(path, match[2]) : match[2]
    imports.push({ target, isTypeOnly })
  }
  return imports
}

function resolved(from: string, relative: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of relative.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/').replace(/\.js$/, '.ts')
}

/** Imports run one way. */
export function directionProblems(file: SourceFile): string[] {
  const room = roomOf(file.path)
  return importsOf(file).flatMap(({ isTypeOnly, target }) => {
    if (!target.startsWith('src/')) return []
    const targetRoom = roomOf(target)
    if (targetRoom === room) return []
    if (room === PAGE) {
      return isTypeOnly && PAGE_TYPES.test(target) ? [] : [`${file.path} is for browsers, but imports ${target}`]
    }
    if (room === LIMITS) return [`${file.path} has bounds, and they depend on nothing, but it imports ${target}`]
    if (targetRoom === LIMITS) return []
    if (room in LEAVES) return LEAVES[room].includes(target) ? [] : [`${file.path} is a leaf, but imports ${target}`]
    if (targetRoom in LEAVES) return []
    const isDown = ORDER.indexOf(targetRoom) >= 0 && ORDER.indexOf(targetRoom) < ORDER.indexOf(room)
    return isDown ? [] : [`${file.path} imports upwards: ${target}`]
  })
}

/** Sockets live in net/ and, of clients, in client/ and stores/, HTTP in admin/, stores/ and beside TURN on its port, files in config/, auth/'s file stores, commands/ and turnd.ts. */
export function moduleProblems(file: SourceFile): string[] {
  const room = roomOf(file.path)
  const mayUse = (module: string): boolean => {
    if (module === 'node:tls' && file.path === TLS_CHECKER) return true
    if (SOCKETS.includes(module)) return ['net', 'client', 'stores', 'admin'].includes(room)
    if (HTTP.includes(module)) return room === 'admin' || room === 'stores' || HTTP_BESIDE_TURN.test(file.path)
    if (/^node:fs\b/.test(module)) {
      return (
        room === 'config' ||
        room === 'commands' ||
        AUTH_FILE_STORES.test(file.path) ||
        ['src/turnd.ts', LOG_WRITER, ...PROC_READERS, CONTROL_DIRECTORY, PAGE_FILES, DOCTOR_MACHINE].includes(file.path)
      )
    }
    return true
  }
  return importsOf(file).flatMap(({ target }) => (mayUse(target) ? [] : [`${file.path} must not import ${target}`]))
}

/** The page has no library but its own, and puts no text into the document that could be markup. */
export function pageProblems(file: SourceFile): string[] {
  if (roomOf(file.path) !== PAGE) return []
  const imports = importsOf(file).filter(({ target }) => !target.startsWith('src/') && !PAGE_LIBRARIES.test(target))
  return [
    ...imports.map(({ target }) => `${file.path} is for browsers, but imports ${target}`),
    ...bannedIn(file, PAGE_BANS, 'is for browsers, but has'),
  ]
}

export function purityProblems(file: SourceFile): string[] {
  const isPure = ['stun', 'auth', 'turn'].includes(roomOf(file.path)) && !AUTH_FILE_STORES.test(file.path)
  return isPure ? bannedIn(file, PURE_BANS, 'is pure, but has') : []
}

export function hotPathProblems(file: SourceFile): string[] {
  return HOT_FILES.includes(file.path) ? bannedIn(file, HOT_BANS, 'is on the hot path, but has') : []
}

/** Habits of the house that hold everywhere in src/. */
export function styleProblems(file: SourceFile): string[] {
  const problems = bannedIn(
    file,
    [/\benum\b(?=\s+\w+\s*\{)/, /\bnamespace\b(?=\s+\w+\s*\{)/, /\bas any\b/, /:\s*any\b/, /<any>/],
    'has',
  )
  for (const mark of ['TODO', 'FIXME', 'XXX', '@ts-ignore', '@ts-expect-error', '@ts-nocheck', 'biome-ignore']) {
    if (file.text.includes(mark)) problems.push(`${file.path} has ${mark}`)
  }
  const firstLine = file.text.replace(/^#!.*\n/, '').split('\n', 1)[0]
  if (!firstLine.startsWith('//')) problems.push(`${file.path} does not open with what it owns`)
  const name = file.path.split('/').at(-1) ?? ''
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*\.ts$/.test(name)) problems.push(`${file.path} is not in kebab-case`)
  if (/\b(?:utils?|manager|helpers?)\b/.test(name)) problems.push(`${file.path} is named after nothing`)
  return problems
}

/** Modules that need each other at run time cannot be understood alone; types may point anywhere in their room. */
export function cycleProblems(files: readonly SourceFile[]): string[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ isTypeOnly }) => !isTypeOnly)
        .map(({ target }) => target),
    ]),
  )
  const done = new Set<string>()
  const problems: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) problems.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (done.has(path) || trail.includes(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return problems
}

function bannedIn(file: SourceFile, bans: readonly RegExp[], verb: string): string[] {
  const code = codeOf(file.text)
  return bans.flatMap((ban) => {
    const match = ban.exec(code)
    return match === null ? [] : [`${file.path} ${verb} ${JSON.stringify(match[0])}`]
  })
}
