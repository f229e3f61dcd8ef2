// Who has a port of this machine, by Linux's tables of sockets: for the sentence about a listener that cannot be opened, and for the doctor.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { escapeControls } from '../log/escape.js'
import { FAMILY_IPV4, hostAddress, type TransportAddress } from '../stun/address.js'

/** proc_net_tcp.txt: the state of a listening socket; UDP sockets have another one. */
const TCP_LISTEN = '0A'
const WILDCARD = /^0+$/
/** ::ffff:0:0/96 as these tables have it. */
const MAPPED = '0000000000000000FFFF0000'

/** What is read of /proc. */
export interface ProcReader {
  /** null: it is not there, or may not be read. */
  readText(path: string): string | null
  /** Who has these sockets open, by their inodes; null: nobody that this process may look at. */
  holderOf(inodes: readonly string[]): { readonly pid: number; readonly name: string } | null
}

export interface PortHolder {
  readonly pid: number
  /** `nginx (process 812)`, `node app.js (process 813)`. */
  readonly text: string
  /** By its command. */
  readonly isTurnd: boolean
}

export const PROC: ProcReader = {
  readText: (path) => quietly(() => readFileSync(path, 'utf8')),
  holderOf(inodes) {
    const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`))
    for (const pid of quietly(() => readdirSync('/proc')) ?? []) {
      if (!/^\d+$/.test(pid) || !hasOpen(pid, wanted)) continue
      return { pid: Number(pid), name: (quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8')) ?? '').trim() }
    }
    return null
  },
}

/**
 * @param host an IP address; who has the port on another one alone is not meant
 * @returns null where the system does not say: nobody has it, or somebody whom this account may not look at
 */
export function portHolder(proc: ProcReader, protocol: 'udp' | 'tcp', host: string, port: number): PortHolder | null {
  const address = hostAddress(host)
  const inodes = ['', '6'].flatMap((suffix) =>
    inodesIn(proc.readText(`/proc/net/${protocol}${suffix}`) ?? '', address, port, protocol === 'tcp'),
  )
  const holder = inodes.length === 0 ? null : proc.holderOf(inodes)
  if (holder === null) return null
  const { name, pid } = holder
  const words = (proc.readText(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((word) => word !== '')
  const isTurnd = words.some((word) => /^turnd(\.js)?$/.test(basename(word)))
  // The name of node says nothing of what it runs.
  const script = basename(words[0] ?? '') === 'node' ? words.slice(1).find((word) => !word.startsWith('-')) : undefined
  const command = escapeControls(script === undefined ? name : `node ${basename(script)}`)
  return { pid, text: `${command} (process ${pid})`, isTurnd }
}

/** Of the sockets in such a table that keep others from this address and port. @param address null: whatever it is */
export function inodesIn(
  table: string,
  address: TransportAddress | null,
  port: number,
  isListening: boolean,
): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = '0'] = line.trim().split(/\s+/)
    const [host, hexPort = ''] = local.split(':')
    if (Number.parseInt(hexPort, 16) !== port || !isInTheWay(host, address)) return []
    return inode !== '0' && (!isListening || state === TCP_LISTEN) ? [inode] : []
  })
}

/** Wildcards of either family may stand for both. @param host in hexadecimal digits, each word in the machine's order of bytes */
function isInTheWay(host: string, address: TransportAddress | null): boolean {
  if (address === null || WILDCARD.test(host)) return true
  const { family, word0, word1, word2, word3 } = address
  if (family === FAMILY_IPV4) return word0 === 0 || host === hex(word0) || host === MAPPED + hex(word0)
  return (word0 | word1 | word2 | word3) === 0 || host === [word0, word1, word2, word3].map(hex).join('')
}

/** In the order of little-endian machines, which all are that this runs on. */
function hex(word: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(word)
  return bytes.reverse().toString('hex').toUpperCase()
}

function hasOpen(pid: string, wanted: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`
  const names = quietly(() => readdirSync(directory)) ?? []
  return names.some((name) => wanted.has(quietly(() => readlinkSync(join(directory, name))) ?? ''))
}

function quietly<Value>(action: () => Value): Value | null {
  try {
    return action()
  } catch {
    return null
  }
}
