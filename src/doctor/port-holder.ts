// Who has a port of this machine, by Linux's tables of sockets.
import { basename } from 'node:path'
import type { Machine } from './machine.js'

/** proc_net_tcp.txt: the state of a listening socket; UDP sockets have another one. */
const TCP_LISTEN = '0A'

export interface PortHolder {
  readonly pid: number
  /** `nginx (process 812)`, `node app.js (process 813)`. */
  readonly text: string
  /** By its command. */
  readonly isTurnd: boolean
}

/** null where the system does not say: nobody has it, or somebody whom this account may not look at. */
export function portHolder(machine: Machine, protocol: 'udp' | 'tcp', port: number): PortHolder | null {
  const inodes = ['', '6'].flatMap((suffix) =>
    inodesIn(machine.readText(`/proc/net/${protocol}${suffix}`) ?? '', port, protocol === 'tcp'),
  )
  const holder = inodes.length === 0 ? null : machine.holderOf(inodes)
  if (holder === null) return null
  const { name, pid } = holder
  const words = (machine.readText(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((word) => word !== '')
  const isTurnd = words.some((word) => /^turnd(\.js)?$/.test(basename(word)))
  // The name of node says nothing of what it runs.
  const script = basename(words[0] ?? '') === 'node' ? words.slice(1).find((word) => !word.startsWith('-')) : undefined
  return { pid, text: `${script === undefined ? name : `node ${basename(script)}`} (process ${pid})`, isTurnd }
}

/** Of the sockets in such a table whose local port this is. */
export function inodesIn(table: string, port: number, isListening: boolean): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = '0'] = line.trim().split(/\s+/)
    const isPort = Number.parseInt(local.split(':')[1] ?? '', 16) === port
    return isPort && inode !== '0' && (!isListening || state === TCP_LISTEN) ? [inode] : []
  })
}
