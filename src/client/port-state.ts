// What a TCP port says to whoever connects: it is open, closed (something says so), or silent, as behind a firewall that drops.
import { connect } from 'node:net'

export type PortState = 'open' | 'closed' | 'silent' | 'unreachable'

export function tcpPortState(host: string, port: number, timeoutMilliseconds: number): Promise<PortState> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const finish = (state: PortState) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(state)
    }
    const timer = setTimeout(() => finish('silent'), timeoutMilliseconds)
    socket.once('connect', () => finish('open'))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') finish('closed')
      else finish(code === 'ETIMEDOUT' ? 'silent' : 'unreachable')
    })
  })
}
