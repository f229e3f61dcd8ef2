// A port for --admin-listen ADDRESS:0. It is chosen before anything relays, since no client may reach it as a peer.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { ListenAddress } from '../config/listen-spec.js'

/** The same address with a port that was free a moment ago; as it is if it has one, or cannot be had, which whoever listens there finds out. */
export async function withEphemeralPort(listen: ListenAddress): Promise<ListenAddress> {
  if (listen.port !== 0) return listen
  const server = createServer()
  try {
    const listening = once(server, 'listening')
    server.listen({ port: 0, ...(listen.host === '*' ? {} : { host: listen.host }) })
    await listening
    return { ...listen, port: (server.address() as AddressInfo).port }
  } catch {
    return listen
  } finally {
    server.close()
  }
}
