// A process of exhausted.test.ts, which may have few files open: uses TCP relays with none left, and then with some again.
import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { TcpRelays } from '../../../src/net/tcp-relay/tcp-relays.js'
import { BOTH } from './peer-sockets-under-test.js'
import { freshAddress, NotingConnectionCore, named } from './relay-stage.js'

const [, , makerName, ...peerPorts] = process.argv
const maker = BOTH.find(({ name }) => name === makerName)
if (maker === undefined) throw new Error(`no ${makerName}`)
const core = new NotingConnectionCore()
const relays = new TcpRelays(maker.make())
relays.attach(core)
const peers = peerPorts.map((port) => named('127.0.0.1', Number(port)))

async function tell(): Promise<void> {
  console.log(JSON.stringify(await core.notes.next()))
}

const address = freshAddress()
relays.openTcpRelay(1, address)
await tell()

const fds: number[] = []
try {
  for (;;) fds.push(openSync('/dev/null', 'r'))
} catch (error) {
  console.log(JSON.stringify((error as NodeJS.ErrnoException).code))
}
relays.openTcpRelay(2, freshAddress())
await tell()
for (const [index, peer] of peers.slice(0, 2).entries()) relays.connectPeer(11 + index, 1, peer)
await tell()
await tell()

for (const fd of fds) closeSync(fd)
relays.connectPeer(13, 1, peers[2])
await tell()
const again = setInterval(() => {
  const socket = connect(address.port, address.host)
  // Node's own sockets listen again when they can.
  socket.on('error', () => {})
}, 50)
await tell()
clearInterval(again)
process.exit()
