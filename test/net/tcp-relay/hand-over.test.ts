// A handle is a file descriptor: a connection that one thread opened or accepted is bound on another one.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { withoutKoffi } from '../../support/engines.js'
import { Inbox } from '../../support/inbox.js'
import { BOTH } from './peer-sockets-under-test.js'
import { named, over, RelayStage, read } from './relay-stage.js'

const native = BOTH.find(({ name }) => name === 'native')
if (native === undefined) throw new Error('no native sockets')

t.test('a handle on another thread', { skip: withoutKoffi() }, async (t) => {
  t.test('is bound there, with all that the peer had sent', async (t) => {
    const stage = new RelayStage(t, native)
    const address = await stage.openRelay(1)
    const { sockets, address: peerAddress } = await stage.listen()
    const { notes, port, worker } = await startBinder(t)

    const accepted = await stage.arrive(address)
    accepted.peer.write('accepted')
    stage.call((relays) => relays.connectPeer(11, 1, peerAddress))
    const [, handle] = await stage.connected()
    const connected = await sockets.next()
    connected.write('connected')
    // The listener's end is not theirs.
    stage.call((relays) => relays.closeTcpRelay(1))

    const sides = [
      { peer: accepted.peer, handle: accepted.handle, text: 'accepted', connectionId: 21 },
      { peer: connected, handle, text: 'connected', connectionId: 22 },
    ]
    for (const { peer, handle, text, connectionId } of sides) {
      const far = stage.dial(named('127.0.0.1', port))
      worker.postMessage({ connectionId, handle })
      t.equal(await read(far, text.length), text)
      far.end('answer')
      t.equal(await read(peer, 6), 'answer')
      await over(peer)
      peer.end()
      await over(far)
      t.same(await notes.next(), ['ended', connectionId])
    }
    t.same(stage.core.notes.items, [])
  })

  t.test('is closed there', async (t) => {
    const stage = new RelayStage(t, native)
    const { peer, handle } = await stage.arrive(await stage.openRelay(1))
    const { worker } = await startBinder(t)
    worker.postMessage({ close: handle })
    await over(peer)
  })

  t.test('is not closed by the end of the thread that made it', async (t) => {
    const stage = new RelayStage(t, native)
    const { worker, notes } = await startBinder(t)
    worker.postMessage({ open: 1 })
    const [, relayPort] = (await notes.next()) as [string, number]
    const peer = stage.dial(named('127.0.0.1', relayPort))
    const [, handle] = (await notes.next()) as [string, number]
    await worker.terminate()
    peer.write('early')
    const { client, far } = await stage.client()
    stage.call((relays) => relays.bind(100, handle, client, new Uint8Array(0)))
    t.equal(await read(far, 5), 'early')
  })
})

/** A worker with relays of its own, and a listener for clients: each message binds the next client, or the last, to a handle. */
async function startBinder(t: Test): Promise<{ worker: Worker; port: number; notes: Inbox<unknown> }> {
  const worker = new Worker(new URL('./binder-worker.js', import.meta.url))
  t.teardown(() => worker.terminate())
  const notes = new Inbox<unknown>('the worker’s core')
  const [port] = (await once(worker, 'message')) as [number]
  worker.on('message', (note) => notes.put(note))
  return { worker, port, notes }
}
