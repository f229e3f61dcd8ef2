// A UDP socket of this machine as the peer of an allocation. Its address, as the relay sees it, is what the server answers to a Binding from it; where
// nobody answers over UDP, that from which this machine would send to the relay.
import { createSocket } from 'node:dgram'
import { PROBE_PATH_MILLISECONDS_MAX } from '../../limits/clients.js'
import { formatHost, hostAddress, type TransportAddress } from '../../stun/address.js'
import { ClientError, socketError } from '../client-error.js'
import { Deadline } from '../deadline.js'
import { OutsidePeer } from '../outside-peer.js'
import { TurnClient } from '../turn-client.js'
import { DEFAULT_PORTS } from '../turn-uri.js'

export interface PeerSocket {
  /** As the relay sees it. */
  readonly address: TransportAddress
  onPacket: (packet: Uint8Array) => void
  send(to: TransportAddress, packet: Uint8Array): boolean
  close(): Promise<void>
}

/** @param server where TURN answers, over whatever transport; null if there is no NAT on the way to it. @param relayed whose peer it will be */
export async function openPeerSocket(
  server: TransportAddress | null,
  relayed: TransportAddress,
  signal?: AbortSignal,
): Promise<PeerSocket> {
  const isAsked = server !== null && server.family === relayed.family
  const peer = isAsked
    ? await OutsidePeer.open(server, hostAddress(formatHost(server), DEFAULT_PORTS.turn)!)
    : await OutsidePeer.open(relayed)
  try {
    const mapped = isAsked ? await mappedAddress(peer, signal) : null
    const socket: PeerSocket = {
      address: mapped ?? (await localAddress(peer.localAddress.port, relayed)),
      onPacket: () => {},
      send: (to, packet) => peer.sendTo(to, packet),
      close: () => peer.close(),
    }
    // Whoever sends it: packets are known by what is in them.
    peer.onFrame = (packet) => socket.onPacket(packet)
    peer.onDatagram = (_from, packet) => socket.onPacket(packet)
    return socket
  } catch (error) {
    await peer.close()
    throw socketError(error as Error, 'UDP')
  }
}

/** What a Binding is answered; null if nothing comes, or an error. */
async function mappedAddress(peer: OutsidePeer, signal?: AbortSignal): Promise<TransportAddress | null> {
  const deadline = new Deadline(PROBE_PATH_MILLISECONDS_MAX, signal)
  try {
    const client = new TurnClient(peer, { answerMilliseconds: PROBE_PATH_MILLISECONDS_MAX })
    return (await deadline.race(client.bind(), 'no answer to a Binding')).mapped
  } catch (error) {
    if (!(error instanceof ClientError) || error.code === 'aborted') throw error
    return null
  } finally {
    deadline.clear()
  }
}

/** This port at the address from which this machine sends to that one. */
function localAddress(port: number, to: TransportAddress): Promise<TransportAddress> {
  return new Promise((resolve, reject) => {
    const other = createSocket(to.family === 6 ? 'udp6' : 'udp4')
    const done = (error?: Error) => {
      const address = error ? null : hostAddress(other.address().address, port)
      other.close()
      if (address === null) reject(error ?? new ClientError('unreachable', `no way to ${to}`))
      else resolve(address)
    }
    other.once('error', done)
    other.connect(to.port, formatHost(to), done as () => void)
  })
}
