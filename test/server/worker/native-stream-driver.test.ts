// The loop of a stream worker waits in the engine, and Node's loop knows only in its next turn what callbacks began: whatever begins just before a wait
// must not have to sit it out. Told by the waits that happen, not by the time that passes.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { newCounters } from '../../../src/net/counters.js'
import { allocateArena } from '../../../src/net/native/arena.js'
import { HELD_FD_COUNT } from '../../../src/net/native/held-fds.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { openStreamLibc } from '../../../src/net/native/libc.js'
import { TCP_SOCKETS_ARENA_LENGTH, TcpSockets } from '../../../src/net/native/tcp-socket.js'
import type { StreamListeners, StreamPlace } from '../../../src/net/stream/stream-listeners.js'
import { NativeStreamDriver } from '../../../src/server/worker/native-stream-driver.js'
import { hostAddress } from '../../../src/stun/address.js'
import type { TurnCore } from '../../../src/turn/core.js'
import { withDeadline } from '../../support/deadline.js'
import { withoutKoffi } from '../../support/engines.js'

const WAIT_COUNT = 3

/** With one TCP listener, before its loop runs. */
async function openDriver(t: Test): Promise<NativeStreamDriver> {
  const koffi = loadKoffi()
  const tcp = new TcpSockets(openStreamLibc(koffi), allocateArena(koffi, TCP_SOCKETS_ARENA_LENGTH))
  const address = hostAddress('127.0.0.1', 0)!
  const fd = tcp.openAlone(address)
  t.ok(fd > 0)
  const adopted = [{ fd, scheme: 'tcp', address, isWildcard: false }] as const
  const offloads = { gro: false, gso: false }
  const held = new Int32Array(new SharedArrayBuffer(HELD_FD_COUNT * 4))
  const driver = new NativeStreamDriver({ kind: 'adopted', tcp: adopted, dtls: [], offloads }, newCounters(), held)
  const server = createServer((socket) => socket.destroy())
  const open = ([place]: readonly StreamPlace[]) =>
    new Promise<void>((resolve) => void server.listen(place.place(), resolve))
  await driver.openListeners({ open } as unknown as StreamListeners)
  t.teardown(() => {
    server.close()
    tcp.close(fd)
  })
  return driver
}

class DrivenLoop {
  /** A wait begins. */
  onWait: (milliseconds: number) => void = () => {}
  pollCount = 0
  /** The last round was a wait in which nothing happened. */
  #wasIdle = false
  #onIdle: () => void = () => {}

  static async run(t: Test): Promise<DrivenLoop> {
    const driver = await openDriver(t)
    t.teardown(() => driver.stop())
    const loop = new DrivenLoop(driver)
    const core = { tick() {}, drops: [], now: 0, handleClientFrame: () => 0 } as unknown as TurnCore
    await driver.run(core, core, () => loop.#advance())
    return loop
  }

  constructor({ engine }: NativeStreamDriver) {
    const poll = engine.poll.bind(engine)
    engine.poll = (milliseconds) => {
      this.pollCount++
      if (milliseconds > 0) this.onWait(milliseconds)
      const wasBusy = poll(milliseconds)
      this.#wasIdle = milliseconds > 0 && !wasBusy
      return wasBusy
    }
  }

  /** Calls it in the next turn of this kind, where a worker would write to streams and look after deadlines. */
  afterIdleWait(effect: () => void): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = () => {}
        effect()
        resolve()
      }
    })
    return withDeadline(idle, 60_000, () => 'it never waits')
  }

  #advance(): void {
    if (this.#wasIdle) this.#onIdle()
  }
}

t.test('the loop of a stream worker', { skip: withoutKoffi() }, async (t) => {
  const driver = await DrivenLoop.run(t)
  /** How many waits begin until bytes are read that have been there all the time; `begin` is what begins to read. */
  const waitsUntilRead = async (t: Test, start: (begin: () => void) => void): Promise<number> => {
    const socket = await unreadSocket(t)
    let waitCount = 0
    const data = once(socket, 'data')
    await driver.afterIdleWait(() => {
      start(() => socket.resume())
      driver.onWait = () => waitCount++
    })
    await withDeadline(data, 60_000, () => 'no data')
    return waitCount
  }

  t.test('reads at once what it begins to read after a wait in which nothing happened', async (t) => {
    t.equal(await waitsUntilRead(t, (begin) => begin()), 0)
  })

  t.test('and what it begins to read in an immediate of that turn', async (t) => {
    t.equal(await waitsUntilRead(t, (begin) => void setImmediate(begin)), 0)
  })

  t.test('and what it begins to read two immediates after something has happened', async (t) => {
    const [other, socket] = [await unreadSocket(t), await unreadSocket(t)]
    let waitCount = 0
    const data = once(socket, 'data')
    other.once('data', () => {
      driver.onWait = () => waitCount++
      setImmediate(() => setImmediate(() => socket.resume()))
    })
    await driver.afterIdleWait(() => other.resume())
    await withDeadline(data, 60_000, () => 'no data')
    t.equal(waitCount, 0)
  })

  t.test('waits when there is nothing to do', async (t) => {
    let waitCount = 0
    await driver.afterIdleWait(() => {
      driver.onWait = () => waitCount++
    })
    const before = driver.pollCount
    for (let count = 0; count < WAIT_COUNT; count++) await driver.afterIdleWait(() => {})
    t.ok(waitCount >= WAIT_COUNT)
    t.ok(driver.pollCount - before <= 10 * waitCount, `${driver.pollCount - before} rounds: it does not spin`)
  })
})

/** A connection whose bytes wait in the kernel. */
async function unreadSocket(t: Test): Promise<Socket> {
  const server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  await new Promise((resolve) => client.write('unread', resolve))
  return socket
}

t.test('listeners that were opened are let go if the loop cannot be watched', { skip: withoutKoffi() }, async (t) => {
  const driver = await openDriver(t)
  driver.engine.watch = () => {
    throw new Error('no descriptor is left')
  }
  let abandonCount = 0
  const change = {
    listeners: [],
    wildcardPorts: [],
    isRemoved: () => false,
    commit() {},
    abandon: () => abandonCount++,
  }
  const streams = { prepare: async () => change } as unknown as StreamListeners
  const sockets = { kind: 'adopted', tcp: [], dtls: [], offloads: { gro: false, gso: false } } as const
  await t.rejects(driver.prepareListeners(streams, sockets), { message: 'no descriptor is left' })
  t.equal(abandonCount, 1)
})
