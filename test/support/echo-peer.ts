// coturn's echo peer, turnutils_peer: every datagram that it gets goes back. It listens on two neighbouring ports, for RTP and for RTCP.
// Used by the interop tests.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import { withDeadline } from './deadline.js'
import { findFreePorts } from './free-ports.js'
import { onProcessEnd } from './process-end.js'

const START_MILLISECONDS_MAX = 60_000
const PROBE_INTERVAL_MILLISECONDS = 50

/** Where no relay of an interop test is: the peer shares a port that is taken, and loses what comes there, without a word. */
const PORTS = { first: 19_900, last: 19_999 }

/** Starts one on 127.0.0.1, whose first port is returned once both answer; it ends with `t`. */
export async function startEchoPeer(t: Test): Promise<number> {
  const { maxPort, minPort: port } = await findFreePorts(PORTS, 2)
  const peer = spawn('turnutils_peer', ['-L', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const ended = once(peer, 'close')
  const forget = onProcessEnd(() => peer.kill('SIGKILL'))
  t.teardown(async () => {
    peer.kill('SIGKILL')
    await ended
    forget()
  })
  const echoes = Promise.all([firstEcho(port), firstEcho(maxPort)])
  await withDeadline(echoes, START_MILLISECONDS_MAX, () => 'an echo of turnutils_peer')
  return port
}

/** Sends datagrams until one comes back: the first may be sent before the peer has its socket. */
async function firstEcho(port: number): Promise<void> {
  const socket = createSocket('udp4')
  // Nobody listens yet.
  socket.on('error', () => {})
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const probing = setInterval(() => socket.send('probe', () => {}), PROBE_INTERVAL_MILLISECONDS)
  try {
    await new Promise((resolve) => socket.once('message', resolve))
  } finally {
    clearInterval(probing)
    socket.close()
  }
}
