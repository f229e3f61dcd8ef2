// Whether a listener could be opened here and now: asked by opening a socket for a moment. `turnd doctor` uses it before a start.
import { createServer } from 'node:net'
import { FAMILY_IPV6 } from '../stun/address.js'
import { bindUdpSocket } from './dgram/udp-socket.js'
import { type ListenTarget, TCP_SCHEMES } from './listen-targets.js'

/** Resolves with the system's error, such as one with the code EADDRINUSE, or null: it could be opened. */
export function whyNotListen({ address, scheme }: ListenTarget): Promise<NodeJS.ErrnoException | null> {
  if (!TCP_SCHEMES.includes(scheme)) {
    return new Promise((resolve) => {
      const finish = (error: NodeJS.ErrnoException | null) => socket.close(() => resolve(error))
      const socket = bindUdpSocket(address, 0, () => finish(null), finish)
    })
  }
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(
      { host: address.host, port: address.port, ipv6Only: address.family === FAMILY_IPV6, exclusive: true },
      () => server.close(() => resolve(null)),
    )
  })
}
