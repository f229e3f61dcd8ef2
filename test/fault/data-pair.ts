// A client and a peer that are connected over TCP through the server (RFC 6062). Used by the tests of this folder.
import type { Test } from 'tap'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import type { ByteStream } from '../support/byte-stream.js'
import type { ServerProcess } from '../support/server-process.js'
import type { StreamTransport } from '../support/stream-client.js'
import { connectBy, USER } from '../support/stream-server.js'
import { TcpPeer } from '../support/tcp-peer.js'
import { TurnClient } from '../support/turn-client.js'

export interface DataPair {
  readonly data: ByteStream
  readonly peer: ByteStream
}

export async function openPair(t: Test, server: ServerProcess): Promise<DataPair> {
  const peer = await TcpPeer.open(t)
  const control = TurnClient.on(t, await connectBy('tls', server), USER)
  const { code } = await control.allocate({ protocol: TRANSPORT_PROTOCOL_TCP })
  if (code !== 0) throw new Error(`Allocate of a TCP relay was answered with ${code}`)
  const id = (await control.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
  const data = TurnClient.on(t, await connectBy('tls', server), USER)
  const bound = await data.bindConnection(id)
  if (bound.code !== 0) throw new Error(`ConnectionBind was answered with ${bound.code}`)
  return { data: (data.transport as StreamTransport).data, peer: (await peer.accepted.next()).bytes }
}
