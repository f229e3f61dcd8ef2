// What makes the sockets of TCP relays: connections wait unread until they are taken, and whoever holds a handle has the connection.
import type { Socket } from 'node:net'
import t from 'tap'
import { Inbox } from '../../support/inbox.js'
import { BOTH } from './peer-sockets-under-test.js'
import { event, freshAddress, over, RelayStage, read } from './relay-stage.js'

for (const maker of BOTH) {
  t.test(`sockets of TCP relays (${maker.name})`, { skip: maker.skip }, async (t) => {
    const stage = new RelayStage(t, maker)
    const sockets = maker.make()
    const handles = new Inbox<number>('the relay')
    const opened = new Inbox<string>('the listener')
    const address = freshAddress()
    const listener = sockets.openListener(address, {
      opened: () => opened.put('opened'),
      failed: () => opened.put('failed'),
      accepted: (_, handle) => handles.put(handle),
    })
    t.teardown(() => listener.close())
    t.equal(await opened.next(), 'opened')

    const accept = async (): Promise<{ peer: Socket; handle: number }> => {
      const peer = stage.dial(address)
      return { peer, handle: await handles.next() }
    }
    const connect = async (): Promise<{ peer: Socket; handle: number }> => {
      // Each time another one: the port may rest for a while towards the last.
      const peers = await stage.listen()
      listener.connect(peers.address, { connected: (handle) => handles.put(handle), failed: () => handles.put(0) })
      const handle = await handles.next()
      return { peer: await peers.sockets.next(), handle }
    }

    for (const [name, make] of Object.entries({ accept, connect })) {
      t.test(`${name}: nothing is read before the handle is taken`, async (t) => {
        const { peer, handle } = await make()
        peer.write('early')
        // Another connection's way there and back.
        const other = await accept()
        other.peer.write('x')
        const otherSocket = sockets.take(other.handle)
        t.equal(await read(otherSocket as Socket, 1), 'x')
        otherSocket?.destroy()
        const socket = sockets.take(handle)
        t.equal(socket?.bytesRead, 0)
        t.equal(await read(socket as Socket, 5), 'early')
        socket?.end()
        await over(peer)
        peer.end()
        await event(socket ?? peer, 'close')
      })

      t.test(`${name}: a handle that is closed closes the connection`, async () => {
        const { peer, handle } = await make()
        sockets.close(handle)
        await over(peer)
      })
    }

    t.test('what is no handle is no socket', async (t) => t.equal(sockets.take(1_000_000), null))
  })
}
