// Captures of real clients, read by Wireshark: what they said and what their peers said, in both directions, whichever transport and engine.
import t, { type Test } from 'tap'
import type { Capture } from '../../src/admin/schema/operations.js'
import { CAPTURE_BYTES_MIN, CAPTURED_LENGTH_MAX } from '../../src/limits/captures.js'
import { Captures } from '../../src/server/captures.js'
import { ClientList } from '../../src/server/client-list.js'
import { TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES_IN_TIME, type EngineUnderTest, NATIVE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type DissectedPacket, dissect, dissectAll, fileFacts } from '../support/tshark.js'
import type { TurnClient } from '../support/turn-client.js'
import { runUclient, UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'
import { UdpPeer } from '../support/udp-peer.js'
import { HOST, openStage, type RelayingStage, STAGE_SCHEMES } from './relaying-stage.js'
import { settingsOf } from './settings.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const APPLICATION = 'turnd 1.2.3'
const OPTIONS = { minPort: 29_100, maxPort: 29_199 }
const CHANNEL = 0x4000
/** Whatever else listens on TURN's port of this machine, nothing does on this address. */
const TURN_HOST = '127.0.0.93'
const [INBOUND, OUTBOUND] = ['0x00000001', '0x00000002']

t.setTimeout(240_000)

interface World extends RelayingStage {
  readonly captures: Captures
}

async function open(t: Test, engine: EngineUnderTest, options = {}): Promise<World> {
  const stage = await openStage(t, engine, { ...OPTIONS, ...options })
  const captures = new Captures(stage.relaying, APPLICATION)
  t.teardown(() => captures.close())
  return { ...stage, captures }
}

async function idOf({ relaying }: World, client: TurnClient): Promise<string> {
  const rows = await new ClientList(relaying).clients()
  return rows.find((row) => row.client === client.localAddress.toString())?.id ?? ''
}

/** By Send and Data indications, then over a channel, in both directions. */
async function converse(t: Test, client: TurnClient, host: string): Promise<UdpPeer> {
  const peer = await UdpPeer.open(t, host)
  t.equal((await client.createPermission(peer.address)).code, 0)
  client.sendTo(peer.address, 'first')
  const { source } = await peer.inbox.next()
  peer.send(source, 'second')
  await client.nextData()
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  client.sendChannelData(CHANNEL, 'third')
  await peer.inbox.next()
  peer.send(source, 'fourth')
  await client.nextData()
  return peer
}

type Start = Parameters<Captures['start']>[0]

async function record(world: World, start: Start, act: () => Promise<unknown>) {
  const { capture, file } = await recordFile(world, start, act)
  return { file, capture, packets: dissect(file) }
}

async function recordFile(world: World, start: Start, act: () => Promise<unknown>) {
  const { captures } = world
  const { id } = await captures.start(start)
  await act()
  await captures.stop(id)
  const file = captures.file(id)
  if (file === null) throw new Error('there is no file')
  return { file, capture: captures.list().find((one) => one.id === id) as Capture }
}

const DIALOGUE: readonly (readonly [side: string, direction: string, info: RegExp])[] = [
  ['client', INBOUND, /^CreatePermission Request/],
  ['client', OUTBOUND, /^CreatePermission Success Response/],
  ['client', INBOUND, /^Send Indication/],
  ['peers', OUTBOUND, /Len=5$/],
  ['peers', INBOUND, /Len=6$/],
  ['client', OUTBOUND, /^Data Indication/],
  ['client', INBOUND, /^Channel-?Bind Request/i],
  ['client', OUTBOUND, /^Channel-?Bind Success Response/i],
  ['client', INBOUND, /^ChannelData/],
  ['peers', OUTBOUND, /Len=5$/],
  ['peers', INBOUND, /Len=6$/],
  ['client', OUTBOUND, /^ChannelData/],
]

function isDialogue(t: Test, packets: readonly DissectedPacket[], client: TurnClient, peer: UdpPeer): void {
  t.equal(packets.length, DIALOGUE.length)
  for (const [index, [side, direction, info]] of DIALOGUE.entries()) {
    const packet = packets[index]
    t.match(packet, { interface: side, direction, info, malformed: '' }, `packet ${index}`)
    t.equal(packet.comment, side === 'client' ? `client ${client.localAddress}` : `peer ${peer.address}`)
    t.ok(Math.abs(Number(packet.seconds) - Date.now() / 1000) < 300, 'it was just now')
    // 1: right; '' where there is none: in IPv6, and of tags.
    t.notOk(['0', '2', '3'].includes(packet.udpChecksum || '1'), 'its checksums are right')
    t.notOk(['0', '2', '3'].includes(packet.ipChecksum || '1'))
  }
  const times = packets.map(({ seconds }) => Number(seconds))
  t.same(times, times.toSorted(), 'in order')
}

const skip = peerOrSkip('tshark')

for (const engine of ENGINES_IN_TIME) {
  t.test(`a capture with the ${engine.name} engine`, { skip: engine.skip || skip }, async (t) => {
    const world = await open(t, engine)

    t.test(`of a client over ${STAGE_SCHEMES.join(', ')} has both sides and both directions`, async (t) => {
      const dialogues: { client: TurnClient; file: Uint8Array; peer: UdpPeer }[] = []
      for (const scheme of STAGE_SCHEMES) {
        const client = await world.connect(scheme)
        t.equal((await client.allocate()).code, 0)
        let peer: UdpPeer | null = null
        const { capture, file } = await recordFile(world, { client: await idOf(world, client) }, async () => {
          peer = await converse(t, client, '127.0.0.1')
        })
        t.match(capture, {
          ...{ target: `client ${client.localAddress} of alice`, endReason: 'stopped', packets: 12, lostPackets: 0 },
          ...{ bytes: file.length, secondsMax: 60 },
        })
        dialogues.push({ client, file, peer: peer as unknown as UdpPeer })
      }
      t.match(fileFacts(dialogues[0].file), new RegExp(`Capture application: ${APPLICATION}`))
      // Wireshark starts for as long as it then reads.
      for (const [index, packets] of dissectAll(dialogues.map(({ file }) => file)).entries()) {
        isDialogue(t, packets, dialogues[index].client, dialogues[index].peer)
      }
    })

    t.test('of one relay has what its peers send and get, and nothing of its client', async (t) => {
      const client = await world.connect('tcp')
      const other = await world.connect('tcp')
      for (const one of [client, other]) t.equal((await one.allocate()).code, 0)
      const relay = client.relay.toString()
      const { capture, packets } = await record(world, { relay }, async () => {
        await converse(t, other, '127.0.0.1')
        await converse(t, client, '127.0.0.1')
      })
      t.equal(capture.target, `relay ${relay} of alice`)
      const ofPeers = DIALOGUE.filter(([side]) => side === 'peers')
      t.equal(packets.length, ofPeers.length)
      for (const [index, [side, direction, info]] of ofPeers.entries()) {
        t.match(packets[index], { interface: side, direction, info, protocols: /^raw:ip:udp/ })
        t.ok(packets[index].udpPorts.split(',').includes(String(client.relay.port)))
      }
    })

    t.test('keeps the beginning of a long packet, and tells its length', async (t) => {
      const client = await world.connect('udp')
      t.equal((await client.allocate()).code, 0)
      const peer = await UdpPeer.open(t)
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
      const { packets } = await record(world, { client: await idOf(world, client) }, async () => {
        client.sendChannelData(CHANNEL, 'x'.repeat(CAPTURED_LENGTH_MAX - 4))
        client.sendChannelData(CHANNEL, 'x'.repeat(CAPTURED_LENGTH_MAX - 3))
        await peer.inbox.next()
        await peer.inbox.next()
      })
      const ofClient = packets.filter(({ interface: side }) => side === 'client')
      const missing = ofClient.map(({ capturedLength, length }) => Number(length) - Number(capturedLength))
      t.same(missing, [0, 1])
      for (const { malformed } of packets) t.equal(malformed, '')
    })

    t.test('ends when its file is full, and the file is whole', async (t) => {
      const client = await world.connect('udp')
      t.equal((await client.allocate()).code, 0)
      const { id } = await world.captures.start({ client: await idOf(world, client), bytes: CAPTURE_BYTES_MIN })
      const state = () => world.captures.list().find((one) => one.id === id) as Capture
      await until(async () => {
        await client.binding()
        return state().endReason !== ''
      }, 'it has ended')
      const { bytes, endReason, endTime, packets } = state()
      t.match({ endReason, endTime }, { endReason: 'size', endTime: String })
      t.ok(bytes <= CAPTURE_BYTES_MIN && bytes > CAPTURE_BYTES_MIN - 300, `${bytes} bytes`)
      const file = world.captures.file(id) as Uint8Array
      t.equal(file.length, bytes)
      t.equal(dissect(file).length, packets)
    })

    t.test('ends when its time is over', async (t) => {
      const client = await world.connect('udp')
      t.equal((await client.allocate()).code, 0)
      const { id } = await world.captures.start({ client: await idOf(world, client), seconds: 1 })
      const state = () => world.captures.list().find((one) => one.id === id) as Capture
      await until(() => state().endReason === 'time', 'it has ended')
      t.equal(await world.captures.stop(id), false, 'and is stopped by nobody any more')
    })

    t.test('ends with its client, and has the last that it was told', async (t) => {
      const files: Uint8Array[] = []
      for (const scheme of STAGE_SCHEMES) {
        const client = await world.connect(scheme)
        t.equal((await client.allocate()).code, 0)
        const { id } = await world.captures.start({ client: await idOf(world, client) })
        t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
        const state = () => world.captures.list().find((one) => one.id === id) as Capture
        await until(() => state().endReason === 'client-gone', 'it has ended')
        files.push(world.captures.file(id) as Uint8Array)
      }
      for (const [index, packets] of dissectAll(files).entries()) {
        const infos = packets.map(({ info }) => info)
        t.match(infos, [/^Refresh Request/, /^Refresh Success Response/], STAGE_SCHEMES[index])
        t.equal(infos.length, 2)
      }
    })

    t.test('of a TCP relay is refused, of its client is not', async (t) => {
      const client = await world.connect('tcp')
      t.equal((await client.allocate({ protocol: TRANSPORT_PROTOCOL_TCP })).code, 0)
      const relay = client.relay.toString()
      await t.rejects(world.captures.start({ relay }), { statusCode: 400, message: /is a TCP relay/ })
      const { packets } = await record(world, { client: await idOf(world, client) }, () => client.refresh())
      t.match(
        packets.map(({ info }) => info),
        [/^Refresh Request/, /^Refresh Success/],
      )
    })

    t.test('of nobody is refused', async (t) => {
      const { captures } = world
      for (const client of ['0-9999', '77-0', 'nonsense']) {
        await t.rejects(captures.start({ client }), { statusCode: 404, message: new RegExp(`no client ${client}`) })
      }
      await t.rejects(captures.start({ relay: '127.0.0.1:9' }), { statusCode: 404, message: /no relay 127\.0\.0\.1:9/ })
      for (const request of [{}, { client: '0-0', relay: '127.0.0.1:9' }, { relay: 'nonsense' }]) {
        await t.rejects(captures.start(request), { statusCode: 400, message: /^(?:name a client|a relay is named)/ })
      }
    })
  })

  t.test(
    `a capture with the ${engine.name} engine tells the listener after others were removed`,
    { skip: engine.skip || skip },
    async (t) => {
      const files: Uint8Array[] = []
      const addresses: { readonly host: string; readonly port: number }[] = []
      // One of datagrams, one of streams: each is a server of its own.
      const schemes = STAGE_SCHEMES.filter((scheme) => isLong || ['udp', 'tls'].includes(scheme))
      for (const scheme of schemes) {
        const { cert, certPath, key, keyPath } = testCertificate()
        const listenOf = (...hosts: string[]) => ({ listen: hosts.map((host) => `${scheme}:${host}:0`) })
        const world = await open(t, engine, listenOf(TURN_HOST, HOST))
        const { relaying, users } = world
        const kept = {
          ...{ relayIp: HOST, allowPeer: '127.0.0.0/8', cert: certPath, key: keyPath },
          ...engine.options,
          ...OPTIONS,
        }
        const settings = settingsOf({ ...kept, ...listenOf(HOST) })
        const change = {
          ...{ settings, limitsLoopback: false, alternates: [], users },
          ...{ certificate: { cert, key }, httpUpstreamCa: null },
        }
        const prepared = await relaying.prepare(change, false)
        await prepared.commit({ certificate: null })
        t.equal(relaying.listeners.length, 1)
        const client = await world.connect(scheme)
        t.equal((await client.allocate()).code, 0)
        const { file } = await recordFile(world, { client: await idOf(world, client) }, () => client.refresh())
        files.push(file)
        addresses.push(relaying.listeners[0].address)
      }
      for (const [index, packets] of dissectAll(files).entries()) {
        const { host, port } = addresses[index]
        t.match(packets[1], { pduHosts: host, pduPorts: String(port) }, schemes[index])
      }
    },
  )

  const ipv6Skip = engine.skip || skip || peerOrSkip('IPv6 loopback')
  t.test(`a capture over IPv6 with the ${engine.name} engine has both sides`, { skip: ipv6Skip }, async (t) => {
    const listen = STAGE_SCHEMES.map((scheme) => `${scheme}:[::1]:0`)
    const world = await open(t, engine, { listen, relayIp: '::1' })
    const dialogues: { client: TurnClient; file: Uint8Array; peer: UdpPeer }[] = []
    for (const scheme of STAGE_SCHEMES) {
      const client = await world.connect(scheme, undefined, '::1')
      t.equal((await client.allocate({ family: 6 })).code, 0)
      let peer: UdpPeer | null = null
      const { file } = await recordFile(world, { client: await idOf(world, client) }, async () => {
        peer = await converse(t, client, '::1')
      })
      dialogues.push({ client, file, peer: peer as unknown as UdpPeer })
    }
    for (const [index, packets] of dissectAll(dialogues.map(({ file }) => file)).entries()) {
      const { client, peer } = dialogues[index]
      isDialogue(t, packets, client, peer)
      const ofPeers = packets.filter(({ interface: side }) => side === 'peers')
      for (const { protocols } of ofPeers) t.match(protocols, /^raw:ipv6:udp/)
    }
  })

  t.test(
    `a capture on TURN's own port with the ${engine.name} engine is as on the wire`,
    { skip: engine.skip || skip },
    async (t) => {
      const world = await open(t, engine, { listen: `udp:${TURN_HOST}:3478` })
      const client = await world.connect('udp', undefined, TURN_HOST)
      t.equal((await client.allocate()).code, 0)
      let peer: UdpPeer | null = null
      const { packets } = await record(world, { client: await idOf(world, client) }, async () => {
        peer = await converse(t, client, '127.0.0.1')
      })
      isDialogue(t, packets, client, peer as unknown as UdpPeer)
      for (const { protocols, interface: side } of packets) {
        t.match(protocols, side === 'client' ? /^raw:ip:udp:stun/ : /^raw:ip:udp/)
      }
    },
  )
}

t.test(
  'a capture on a wildcard listener tells the address that was asked',
  { skip: NATIVE.skip || skip },
  async (t) => {
    const world = await open(t, NATIVE, { listen: 'udp:0.0.0.0:0' })
    const client = await world.connect('udp')
    t.equal((await client.allocate()).code, 0)
    const { port } = world.relaying.listeners.find(({ address }) => address.host === HOST)?.address ?? {}
    const { packets } = await record(world, { client: await idOf(world, client) }, () => client.refresh())
    t.match(packets[0], { pduHosts: HOST, pduPorts: String(client.localAddress.port) })
    t.match(packets[1], { pduHosts: HOST, pduPorts: String(port) })
  },
)

t.test('a capture ends with its worker', { skip: NATIVE.skip || skip }, async (t) => {
  process.env.TURND_TEST_CRASH_WORKER = '0'
  t.teardown(() => delete process.env.TURND_TEST_CRASH_WORKER)
  const world = await open(t, { ...NATIVE, options: { engine: 'native', workers: 1 } })
  const client = await world.connect('udp')
  t.equal((await client.allocate()).code, 0)
  const { id } = await world.captures.start({ client: await idOf(world, client) })
  await client.refresh()
  const count = () => world.captures.list()[0].packets
  await until(() => count() === 2, 'the packets have come')
  process.kill(process.pid, 'SIGUSR2')
  await until(() => world.captures.list()[0].endReason === 'client-gone', 'it has ended')
  t.equal(dissect(world.captures.file(id) as Uint8Array).length, 2)
  t.equal(await world.captures.remove(id), true)
  t.equal(world.captures.file(id), null)
})

/** It waits for seconds at its end; test/interop/status-page records it as well. */
const isShort = !isLong && 'in the long run only'
const withoutUclient = NATIVE.skip || skip || isShort || peerOrSkip('turnutils_uclient')
t.test("a capture of coturn's client over TLS has its channels", { skip: withoutUclient }, async (t) => {
  const user = `${UCLIENT_USER}:${UCLIENT_PASSWORD}`
  const world = await open(t, NATIVE, { realm: UCLIENT_USER, user, channelRange: 'rfc5766' })
  const { port } = world.relaying.listeners.find(({ scheme }) => scheme === 'tls')?.address ?? { port: 0 }
  const flags = ['-t', '-S', '-y', '-m', '2', '-n', '200', '-l', '170']
  const running = runUclient({ host: HOST, port, password: UCLIENT_PASSWORD, flags })
  const rows = () => new ClientList(world.relaying).clients()
  await until(async () => (await rows()).some(({ channelCount }) => channelCount > 0), 'it has a channel', 60_000)
  const row = (await rows()).find(({ channelCount }) => channelCount > 0)
  const { id } = await world.captures.start({ client: row?.id ?? '' })
  const { lost, sent } = await running
  t.match({ lost, isDone: sent > 0 }, { lost: 0, isDone: true })
  const state = () => world.captures.list()[0]
  await until(() => state().endReason === 'client-gone', 'it has left')
  t.equal(state().lostPackets, 0)
  const packets = dissect(world.captures.file(id) as Uint8Array)
  for (const direction of [INBOUND, OUTBOUND]) {
    const frames = packets.filter((packet) => packet.interface === 'client' && packet.direction === direction)
    const channelData = frames.filter(({ info }) => info.startsWith('ChannelData'))
    const datagrams = packets.filter((packet) => packet.interface === 'peers' && packet.direction !== direction)
    t.ok(channelData.length > 10, `${channelData.length} packets`)
    t.ok(Math.abs(channelData.length - datagrams.length) <= 1, 'each is there on both sides')
  }
  t.same(new Set(packets.map(({ malformed }) => malformed)), new Set(['']))
})
