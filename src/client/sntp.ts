// How far this machine's clock is off, by one question to a time server (SNTP, RFC 4330).
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { formatHost, type TransportAddress } from '../stun/address.js'
import { ClientError } from './client-error.js'
import { Deadline } from './deadline.js'
import { resolveHost } from './resolve-host.js'

const PORT = 123
const PACKET_LENGTH = 48
/** Leap 0, version 4, mode 3 (client). */
const CLIENT_HEADER = 0x23
const MODE_SERVER = 4
const LEAP_NOT_SYNCHRONISED = 3
const TRANSMIT_OFFSET = 40
const ORIGINATE_OFFSET = 24
const RECEIVE_OFFSET = 32
/** From 1900 to 1970. */
const UNIX_EPOCH_SECONDS = 2_208_988_800

/** The server's clock minus this machine's, in seconds. Rejects with a sentence if no answer comes in time, or of a clock that nobody has set. */
export async function sntpOffsetSeconds(host: string, timeoutMilliseconds: number, port = PORT): Promise<number> {
  const deadline = new Deadline(timeoutMilliseconds)
  let socket: Socket | undefined
  try {
    const [address] = await deadline.race(resolveHost(host, port), `no address of ${host}`)
    socket = createSocket(address.family === 6 ? 'udp6' : 'udp4')
    return await deadline.race(ask(socket, address), `no answer from ${host}`)
  } catch (error) {
    if (error instanceof ClientError) throw error
    throw new Error(`${host}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`, { cause: error })
  } finally {
    deadline.clear()
    socket?.close()
  }
}

async function ask(socket: Socket, address: TransportAddress): Promise<number> {
  const request = Buffer.alloc(PACKET_LENGTH)
  request[0] = CLIENT_HEADER
  socket.connect(address.port, formatHost(address))
  await once(socket, 'connect')
  const sentSeconds = Date.now() / 1000
  writeTime(request, TRANSMIT_OFFSET, sentSeconds)
  socket.send(request)
  for (;;) {
    const [answer] = (await once(socket, 'message')) as [Buffer]
    const offset = offsetOf(answer, request, sentSeconds, Date.now() / 1000)
    if (offset !== null) return offset
  }
}

/** null for what is no answer to this request. Throws if the server knows no time itself. RFC 4330 §5. */
function offsetOf(answer: Buffer, request: Buffer, sentSeconds: number, receivedSeconds: number): number | null {
  if (answer.length < PACKET_LENGTH || (answer[0] & 7) !== MODE_SERVER) return null
  const originate = answer.subarray(ORIGINATE_OFFSET, ORIGINATE_OFFSET + 8)
  // Stratum 0 is a refusal.
  if (answer[1] === 0 || !originate.equals(request.subarray(TRANSMIT_OFFSET))) return null
  if (answer[0] >> 6 === LEAP_NOT_SYNCHRONISED) throw new Error('its own clock is not synchronised')
  const [arrived, left] = [readTime(answer, RECEIVE_OFFSET), readTime(answer, TRANSMIT_OFFSET)]
  return (arrived - sentSeconds + (left - receivedSeconds)) / 2
}

function writeTime(packet: Buffer, offset: number, unixSeconds: number): void {
  const whole = Math.floor(unixSeconds)
  packet.writeUInt32BE((whole + UNIX_EPOCH_SECONDS) % 2 ** 32, offset)
  packet.writeUInt32BE(Math.floor((unixSeconds - whole) * 2 ** 32), offset + 4)
}

/** A time before 1968 is one after 2036 (RFC 4330 §3). */
function readTime(packet: Buffer, offset: number): number {
  const whole = packet.readUInt32BE(offset)
  const era = whole >= 2 ** 31 ? 0 : 2 ** 32
  return whole + era - UNIX_EPOCH_SECONDS + packet.readUInt32BE(offset + 4) / 2 ** 32
}
