// Listeners of TCP relays and connections with peers (RFC 6062 §5.2, §5.3), over real sockets.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { peerOrSkip } from '../../support/peers.js'
import { BOTH } from './peer-sockets-under-test.js'
import { event, fileDescriptorCount, freshAddress, named, over, RelayStage, read } from './relay-stage.js'

/** Above the ports that are ever listened on here. */
const CLOSED_PORT = 9

for (const maker of BOTH) {
  t.test(`TCP relays (${maker.name})`, { skip: maker.skip }, async (t) => {
    t.test('listen on the relayed transport address, of either family', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const peer = stage.dial(address)
      const [, relayId, handle, from, host] = await stage.next()
      t.same([relayId, from, host], [1, `127.0.0.1:${peer.localPort}`, '127.0.0.1'])
      t.ok(Number.isInteger(handle) && (handle as number) > 0)
      t.test('IPv6', { skip: peerOrSkip('IPv6 loopback') }, async (t) => {
        const address = await stage.openRelay(2, freshAddress(true))
        const peer = stage.dial(address)
        const [, relayId, , from, host] = await stage.next()
        t.same([relayId, from, host], [2, `[::1]:${peer.localPort}`, '::1'])
      })
    })

    t.test('fail with inUse where somebody listens, and without where the address is not ours', async (t) => {
      const stage = new RelayStage(t, maker)
      const { address } = await stage.listen()
      stage.call((relays) => relays.openTcpRelay(1, address))
      t.same(await stage.next(), ['failed', 1, true])
      stage.call((relays) => relays.openTcpRelay(2, named('192.0.2.1', address.port)))
      t.same(await stage.next(), ['failed', 2, false])
    })

    t.test('do not share a port with another relay, but take it over when that is closed', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const { peer } = await stage.arrive(address)
      const other = new RelayStage(t, maker)
      other.call((relays) => relays.openTcpRelay(2, address))
      t.same(await other.next(), ['failed', 2, true])
      stage.call((relays) => relays.closeTcpRelay(1))
      await other.openRelay(3, address)
      t.equal(peer.destroyed, false, 'a connection outlives its listener')
      await other.arrive(address)
      t.same(stage.core.notes.items, [])
    })

    t.test('are silent when they are closed while they open', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = freshAddress()
      const { address: taken } = await stage.listen()
      stage.call((relays) => {
        relays.openTcpRelay(1, address)
        relays.openTcpRelay(2, taken)
        relays.closeTcpRelay(1)
        relays.closeTcpRelay(2)
      })
      // A relay that was opened later has been told of: the others never will be.
      await stage.openRelay(3)
      t.match(await event(connect(address.port, address.host), 'error'), [{ code: 'ECONNREFUSED' }])
      await stage.openRelay(4, address)
    })

    t.test('close a connection that the core refuses', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      stage.core.nextConnectionId = 0
      const { peer } = await stage.arrive(address)
      await over(peer)
    })

    t.test('close a connection that is not bound in time', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const { peer, handle } = await stage.arrive(address)
      stage.call((relays) => relays.closePeerConnection(100, handle))
      await over(peer)
    })

    t.test('keep what a peer sends early, in order, and its half-close too', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const peer = stage.dial(address)
      peer.write('one ')
      const [, , handle] = await stage.next()
      await new Promise<void>((resolve) => peer.write('two ', () => resolve()))
      peer.end('three')
      await event(peer, 'finish')
      const { client, far } = await stage.client()
      stage.call((relays) => relays.bind(100, handle as number, client, Buffer.alloc(0)))
      t.equal(await read(far, 13), 'one two three')
      far.resume()
      await event(far, 'end')
      far.end('answer')
      t.equal(await read(peer, 6), 'answer')
      t.same(await stage.next(), ['ended', 100])
    })
  })

  t.test(`connections to peers (${maker.name})`, { skip: maker.skip }, async (t) => {
    t.test('leave from the relayed port, side by side, and beside the listener', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const { handle: accepted } = await stage.arrive(address)
      const peers = [await stage.listen(), await stage.listen('127.0.0.2'), await stage.listen()]
      stage.call((relays) => {
        relays.connectPeer(11, 1, peers[0].address)
        relays.connectPeer(12, 1, peers[1].address)
      })
      const handles = new Map([await stage.connected(), await stage.connected()])
      stage.call((relays) => relays.connectPeer(13, 1, peers[2].address))
      handles.set(...(await stage.connected()))
      t.same([...handles.keys()].sort(), [11, 12, 13])
      for (const [index, { sockets }] of peers.entries()) {
        const socket = await sockets.next()
        t.same([socket.remoteAddress, socket.remotePort], [address.host, address.port])
        // Sent at once; nothing of it may be lost before it is bound.
        socket.write(`peer ${index}`)
        const { client, far } = await stage.client()
        stage.call((relays) => relays.bind(11 + index, handles.get(11 + index) ?? 0, client, Buffer.from('hello')))
        t.equal(await read(far, 6), `peer ${index}`)
        t.equal(await read(socket, 5), 'hello')
      }
      const { handle } = await stage.arrive(address)
      t.not(handle, accepted)
    })

    t.test('over IPv6 too', { skip: peerOrSkip('IPv6 loopback') }, async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1, freshAddress(true))
      const { sockets, address: peer } = await stage.listen('::1')
      stage.call((relays) => relays.connectPeer(11, 1, peer))
      await stage.connected()
      const { remoteAddress, remotePort } = await sockets.next()
      t.same([remoteAddress, remotePort], ['::1', address.port])
    })

    t.test('see no end at the peer while they are not bound', async (t) => {
      const stage = new RelayStage(t, maker)
      await stage.openRelay(1)
      const { sockets, address } = await stage.listen()
      stage.call((relays) => relays.connectPeer(11, 1, address))
      const [, handle] = await stage.connected()
      const socket = await sockets.next()
      socket.resume()
      let ends = 0
      for (const name of ['end', 'close', 'error']) socket.on(name, () => ends++)
      // More than a round trip: another connection is opened, used and closed meanwhile.
      const elsewhere = await stage.listen()
      stage.call((relays) => relays.connectPeer(12, 1, elsewhere.address))
      const [, other] = await stage.connected()
      stage.call((relays) => relays.closePeerConnection(12, other))
      await over(await elsewhere.sockets.next())
      t.equal(ends, 0)
      stage.call((relays) => relays.closePeerConnection(11, handle))
      await event(socket, 'end')
    })

    t.test('that are refused, have no route, or no relay, fail', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      stage.call((relays) => relays.connectPeer(11, 1, named('127.0.0.1', CLOSED_PORT)))
      t.same(await stage.next(), ['connect failed', 11])
      stage.call((relays) => relays.connectPeer(12, 1, named('255.255.255.255', CLOSED_PORT)))
      t.same(await stage.next(), ['connect failed', 12])
      stage.call((relays) => relays.connectPeer(13, 2, named('127.0.0.1', CLOSED_PORT)))
      t.same(await stage.next(), ['connect failed', 13])
      await stage.arrive(address)
    })

    t.test('a second one to the same peer fails, and leaves the first alone', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const { sockets, address: peer } = await stage.listen()
      stage.call((relays) => relays.connectPeer(11, 1, peer))
      await stage.connected()
      stage.call((relays) => relays.connectPeer(12, 1, peer))
      t.same(await stage.next(), ['connect failed', 12])
      t.equal((await sockets.next()).readyState, 'open')
      await stage.arrive(address)
    })

    t.test('are given up while they are being opened, one or with the relay', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const deaf = named('127.0.0.1', await deafPort(t))
      const before = fileDescriptorCount()
      stage.call((relays) => {
        relays.connectPeer(11, 1, deaf)
        relays.connectPeer(12, 1, named('127.0.0.1', CLOSED_PORT))
      })
      t.same(await stage.next(), ['connect failed', 12], 'the other one has had its time')
      stage.call((relays) => relays.closePeerConnection(11, 0))
      t.equal(fileDescriptorCount(), before)
      stage.call((relays) => relays.connectPeer(13, 1, deaf))
      await stage.arrive(address)
      const open = fileDescriptorCount()
      stage.call((relays) => relays.closeTcpRelay(1))
      t.equal(fileDescriptorCount(), open - 2, 'the listener, and the connection')
      stage.call((relays) => relays.closePeerConnection(13, 0))
      await stage.openRelay(2, address)
      t.same(stage.core.notes.items, [])
    })

    t.test('that are given up within the same turn are silent', async (t) => {
      const stage = new RelayStage(t, maker)
      await stage.openRelay(1)
      const { address } = await stage.listen()
      stage.call((relays) => {
        relays.connectPeer(11, 1, address)
        relays.connectPeer(12, 1, named('127.0.0.1', CLOSED_PORT))
        relays.closePeerConnection(11, 0)
        relays.closePeerConnection(12, 0)
        relays.connectPeer(14, 2, address)
        relays.closePeerConnection(14, 0)
        relays.connectPeer(13, 1, address)
      })
      t.equal((await stage.connected())[0], 13)
      t.same(stage.core.notes.items, [])
    })
  })
}

/** A port whose listener takes nothing in any more: connections to it stay half open. */
async function deafPort(t: Test): Promise<number> {
  const script = `require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})`
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout ?? child, 'data')
  child.kill('SIGSTOP')
  const port = Number(String(line))
  for (let index = 0; index < 2; index++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    await event(socket, 'connect')
  }
  return port
}
