// Whether an IP address belongs to this machine: asked by binding to it.
import type { TransportAddress } from '../../stun/address.js'
import { bindUdpSocket } from './udp-socket.js'

/** Binds an ephemeral UDP port on this IP address for a moment. */
export function canBind(host: TransportAddress): Promise<boolean> {
  const address = host.clone()
  address.port = 0
  return new Promise((resolve) => {
    const finish = (isBound: boolean) => socket.close(() => resolve(isBound))
    const socket = bindUdpSocket(
      address,
      0,
      () => finish(true),
      () => finish(false),
    )
  })
}
