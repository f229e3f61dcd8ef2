// Many clients that do harm by doing nothing: whoever else comes is served, and they are gone in time.
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import * as stun from '../../../src/stun/constants.js'
import { PEER } from '../../support/core-harness.js'
import { bytesOf, StreamClient } from './stream-client.js'
import { StreamStage } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const CHANNEL = 0x4001
const STALLED_BYTES_MAX = 512 * 1024
const certificate = writeTestCertificate(t, 'one.example.org')

/** Connections that send `bytes` and nothing more, from addresses of the loopback network. */
function open(t: Test, port: number, count: number, localAddress: string, bytes: Uint8Array): Socket[] {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
    socket.write(bytes)
    return socket
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of buffers that somebody holds. */
function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

t.test('1,500 slow connections and 300 half-open handshakes', async (t) => {
  const stage = await StreamStage.open(t, { certificate })
  for (let host = 2; host < 8; host++) open(t, stage.ports.tcp, 250, `127.0.0.${host}`, Uint8Array.of(0, 1, 0))
  for (const host of [8, 9]) {
    open(t, stage.ports.tls, 150, `127.0.0.${host}`, Buffer.from('1603010200010001fc0303', 'hex'))
  }
  await stage.until('all have spoken', () => stage.counted('receiveCalls')[0] === 1_800)
  const newcomer = await StreamClient.open(t, stage.ports.tcp)
  t.equal((await newcomer.allocate()).code, 0)
  const secured = await StreamClient.openTls(t, stage.ports.tls)
  t.equal((await secured.request(stun.METHOD_BINDING)).code, 0)
  stage.advance(10_000)
  await stage.until('they are gone', () => stage.streams.connectionCount === 2)
  t.same(stage.counted('connectionsTimedOut', 'handshakesFailed', 'connectionsRefused'), [1_800, 300, 0])
  t.equal((await newcomer.request(stun.METHOD_BINDING)).code, 0)
})

t.test('50 stalled readers cost bounded memory, and another client loses nothing', async (t) => {
  const stage = await StreamStage.open(t)
  const prepare = async () => {
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    await client.bindChannel(CHANNEL, PEER)
    const relays = [...stage.core.allocations.values()].flatMap(({ fiveTuple, relay4 }) =>
      fiveTuple.client.port === client.socket.localPort && relay4 !== null ? [relay4.id] : [],
    )
    return { client, relayId: relays[0] }
  }
  const reader = await prepare()
  const stalled: (typeof reader)[] = []
  for (let index = 0; index < 50; index++) stalled.push(await prepare())
  for (const { client } of stalled) {
    client.forgetsData = true
    client.socket.pause()
  }
  const payload = bytesOf(1001)
  const long = bytesOf(16_000)
  const memory = heldBytes()
  let sent = 0
  await stage.until('each has lost something', () => {
    for (const { relayId } of stalled) for (let index = 0; index < 10; index++) stage.peerSends(relayId, PEER, long)
    payload.writeUInt32BE(sent++)
    stage.peerSends(reader.relayId, PEER, payload)
    return stage.counted('stalledDrops')[0] > 50 * 500
  })
  const growth = heldBytes() - memory
  t.ok(growth < 50 * STALLED_BYTES_MAX, `${growth} bytes are held`)
  for (let index = 0; index < sent; index++) {
    const frame = await reader.client.frames.next()
    if (frame.readUInt32BE(4) !== index) t.fail(`frame ${frame.readUInt32BE(4)} in place of ${index}`)
  }
  for (const { client } of stalled) client.socket.resume()
  for (const { client } of stalled) {
    t.equal((await client.request(stun.METHOD_BINDING)).code, 0)
    t.equal(client.framingResult, 0)
  }
})
