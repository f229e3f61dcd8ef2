// TCP relays that come and go leave no file descriptor behind, whichever way each connection ended.
import t from 'tap'
import { BOTH } from './peer-sockets-under-test.js'
import { fileDescriptorCount, freshAddress, type Listening, over, RelayStage } from './relay-stage.js'

const CYCLE_COUNT = process.env.TURND_TEST_LONG === '1' ? 500 : 150
const CLOSED_PORT = 9

for (const maker of BOTH) {
  t.test(
    `${CYCLE_COUNT} relays with connections leave no file descriptor (${maker.name})`,
    { skip: maker.skip },
    async (t) => {
      const stage = new RelayStage(t, maker)
      const peers = await stage.listen()
      const clients = await stage.listen()
      await cycle(stage, peers, clients)
      const before = fileDescriptorCount()
      for (let round = 0; round < CYCLE_COUNT; round++) await cycle(stage, peers, clients)
      t.equal(fileDescriptorCount(), before)
      t.same(stage.core.notes.items, [])
    },
  )
}

/** A relay; a connection that is accepted, one that is bound, one that fails, one that is given up; and all of it closed. */
async function cycle(stage: RelayStage, peers: Listening, clients: Listening): Promise<void> {
  const address = freshAddress()
  stage.call((relays) => relays.openTcpRelay(1, address))
  await stage.next()
  const peer = stage.dial(address)
  const [, , accepted] = await stage.next()
  const nowhere = peers.address.clone()
  nowhere.port = CLOSED_PORT
  stage.call((relays) => relays.connectPeer(10, 1, nowhere))
  await stage.next()
  stage.call((relays) => relays.connectPeer(11, 1, peers.address))
  const [, outgoing] = await stage.connected()
  const far = stage.dial(clients.address)
  const sides = [peer, await peers.sockets.next(), far]
  const ends = sides.map(async (side) => {
    await over(side)
    side.destroy()
  })
  const client = await clients.sockets.next()
  stage.call((relays) => {
    relays.closePeerConnection(100, accepted as number)
    relays.bind(11, outgoing, client, new Uint8Array(0))
    relays.closeDataConnection(11)
    relays.connectPeer(12, 1, nowhere)
    relays.closeTcpRelay(1)
  })
  if ((await stage.next())[0] !== 'ended') throw new Error('the pair has not ended')
  await Promise.all(ends)
}
