// A worker thread of hand-over.test.ts: binds handles of another thread to the clients that come to its own listener, or makes some itself.
import { createServer, type Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { NativePeerSockets } from '../../../src/net/tcp-relay/native-peer-sockets.js'
import { TcpRelays } from '../../../src/net/tcp-relay/tcp-relays.js'
import { Inbox } from '../../support/inbox.js'
import { freshAddress, named, portOf } from './relay-stage.js'

if (parentPort === null) throw new Error('not a worker thread')
const port = parentPort

interface Order {
  readonly connectionId?: number
  readonly handle?: number
  readonly close?: number
  readonly open?: number
}

const relays = new TcpRelays(new NativePeerSockets(loadKoffi()))
const clients = new Inbox<Socket>('the worker')
const relayAddress = named('127.0.0.1', freshAddress().port)

relays.attach({
  handleRelayOpened: () => port.postMessage(['opened', relayAddress.port]),
  handleRelayFailed: () => port.postMessage(['failed', 0]),
  handlePeerConnection: (_relayId, _peer, handle) => {
    port.postMessage(['connection', handle])
    return 1
  },
  handlePeerConnected: () => {},
  handlePeerConnectFailed: () => {},
  handleDataConnectionEnded: (connectionId) => port.postMessage(['ended', connectionId]),
  admitConnectionData: () => true,
})

const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => clients.put(socket))
server.listen(0, '127.0.0.1', () => port.postMessage(portOf(server)))

port.on('message', async ({ connectionId = 0, handle = 0, close = 0, open = 0 }: Order) => {
  if (close > 0) relays.closePeerConnection(1, close)
  else if (open > 0) relays.openTcpRelay(open, relayAddress)
  else relays.bind(connectionId, handle, await clients.next(), new Uint8Array(0))
})
