// A client over DTLS for the tests: OpenSSL's own (openssl-client.ts) over a connected UDP socket; a record is a frame.
import { type ClientTransport, connectUdp } from './client-transport.js'
import { withDeadline } from './deadline.js'
import { OpensslClient } from './openssl-client.js'

const HANDSHAKE_MILLISECONDS_MAX = 60_000
/** Between two looks whether a flight is to be sent again. */
const RETRANSMIT_INTERVAL_MS = 100

export interface DtlsTransport extends ClientTransport {
  /** The datagrams of the last frame. */
  readonly lastDatagrams: readonly Buffer[]
  /** Bytes as they are, from the session's own socket. */
  sendDatagram(bytes: Uint8Array): void
}

/** @param from the local IP address, if it matters */
export async function connectDtls(host: string, port: number, from?: string): Promise<DtlsTransport> {
  const udp = await connectUdp(host, port, from)
  const client = new OpensslClient({ alpn: ['stun.turn'] })
  const sendAll = (datagrams: readonly Buffer[]) => {
    for (const datagram of datagrams) udp.send(datagram)
  }
  let onFrame: (frame: Buffer) => void = () => {}
  const established = new Promise<void>((resolve) => {
    udp.receive((datagram) => {
      for (const frame of client.receive(datagram)) onFrame(frame)
      sendAll(client.advance())
      if (client.isEstablished) resolve()
    })
  })
  const timer = setInterval(() => sendAll(client.retransmit()), RETRANSMIT_INTERVAL_MS)
  sendAll(client.advance())
  try {
    await withDeadline(established, HANDSHAKE_MILLISECONDS_MAX, () => `no DTLS handshake with ${host}:${port}`)
  } catch (error) {
    client.free()
    await udp.close()
    throw error
  } finally {
    clearInterval(timer)
  }
  let isClosed = false
  let lastDatagrams: readonly Buffer[] = []
  return {
    localAddress: udp.localAddress,
    get lastDatagrams() {
      return lastDatagrams
    },
    sendDatagram: (bytes) => udp.send(bytes),
    send: (frame) => {
      lastDatagrams = client.write(frame)
      sendAll(lastDatagrams)
    },
    receive: (handler) => {
      onFrame = handler
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      sendAll(client.shutdown())
      client.free()
      await udp.close()
    },
  }
}
