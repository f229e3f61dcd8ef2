// Which version of TLS servers are compared with: the same for all, since what they do for a handshake and a record depends on it.
import { connect } from 'node:tls'
import type { ServerProcess } from './server-process.js'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Servers answer over UDP, which tells that they are up, a moment before they listen for TLS. */
const TRY_COUNT = 100
const TRY_MS = 50

/** The highest that all of them speak. Throws if one does not listen for TLS. */
export async function commonTlsVersion(servers: readonly ServerProcess[]): Promise<TlsVersion> {
  for (const { tlsPort, name } of servers) {
    for (let tries = 1; ; tries++) {
      const code = await handshake(tlsPort)
      if (code === null) break
      if (code !== 'ECONNREFUSED') return 'TLSv1.2'
      if (tries === TRY_COUNT) throw new Error(`${name} does not listen for TLS`)
      await new Promise((resolve) => setTimeout(resolve, TRY_MS))
    }
  }
  return 'TLSv1.3'
}

/** Null if TLS 1.3 was agreed on, else the code of the error. */
function handshake(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, minVersion: 'TLSv1.3', rejectUnauthorized: false })
    socket.once('secureConnect', () => {
      resolve(null)
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('close', () => resolve('closed'))
  })
}
