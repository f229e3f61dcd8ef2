// Who has a port of this machine, by Linux's tables of sockets.
import type { Machine } from './machine.js'

/** proc_net_tcp.txt: the state of a listening socket; UDP sockets have another one. */
const TCP_LISTEN = '0A'

/** `nginx (process 812)`; null where the system does not say. */
export function portHolder(machine: Machine, protocol: 'udp' | 'tcp', port: number): string | null {
  const inodes = ['', '6'].flatMap((suffix) =>
    inodesIn(machine.readText(`/proc/net/${protocol}${suffix}`) ?? '', port, protocol === 'tcp'),
  )
  const holder = inodes.length === 0 ? null : machine.holderOf(inodes)
  return holder === null ? null : `${holder.name} (process ${holder.pid})`
}

/** Of the sockets in such a table whose local port this is. */
export function inodesIn(table: string, port: number, isListening: boolean): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = '0'] = line.trim().split(/\s+/)
    const isPort = Number.parseInt(local.split(':')[1] ?? '', 16) === port
    return isPort && inode !== '0' && (!isListening || state === TCP_LISTEN) ? [inode] : []
  })
}
