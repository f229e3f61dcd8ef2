// Row "frame smuggling over TCP": what is no frame ends the connection, and nothing behind it is taken for a message. And frames that come a byte
// at a time.
import { setTimeout as delay } from 'node:timers/promises'
import { connectTcp } from '../../support/stream-client.js'
import { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { bindingRequest } from '../datagrams.js'
import { type Ground, HOST, MALLORY } from '../ground.js'
import { messageHeader } from '../offenders.js'
import { closesWithin, inParallel, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const PARALLEL = 20
const CLOSE_MILLISECONDS_MAX = 8_000
const BINDING_ANSWER_LENGTH = 32
const FRAME_LENGTH_MAX = 2_048

interface Smuggled {
  readonly what: string
  readonly bytes: () => Buffer
  /** To what stands in front of it, which is a good message. */
  readonly answerCount: number
}

function header(length: number, change: (bytes: Buffer) => void = () => {}): Buffer {
  const bytes = messageHeader(length)
  change(bytes)
  return bytes
}

function channelData(length: number): Buffer {
  return Buffer.from([0x40, 0, length >> 8, length & 0xff])
}

const SMUGGLED: readonly Smuggled[] = [
  {
    what: 'a length of 0xFFFC with a Binding in it',
    bytes: () => Buffer.concat([header(0xfffc), bindingRequest(), bindingRequest()]),
    answerCount: 0,
  },
  {
    what: 'the same behind a good Binding',
    bytes: () => Buffer.concat([bindingRequest(), header(0xfffc), bindingRequest()]),
    answerCount: 1,
  },
  {
    what: 'ChannelData first, with a Binding in it',
    bytes: () => Buffer.concat([channelData(20), bindingRequest()]),
    answerCount: 0,
  },
  {
    what: 'a head that announces 2,052 bytes, and nothing else',
    bytes: () => header(FRAME_LENGTH_MAX - 16),
    answerCount: 0,
  },
  {
    what: 'ChannelData of 65,535 bytes behind a good Binding, without an allocation',
    bytes: () => Buffer.concat([bindingRequest(), channelData(0xffff)]),
    answerCount: 1,
  },
  {
    what: 'a length that is no multiple of 4',
    bytes: () => Buffer.concat([header(1), Buffer.alloc(1), bindingRequest()]),
    answerCount: 0,
  },
  {
    what: 'another cookie',
    bytes: () =>
      Buffer.concat([bindingRequest(), header(0, (bytes) => bytes.writeUInt32BE(0x2112a443, 4)), bindingRequest()]),
    answerCount: 1,
  },
  {
    what: 'first bits that are neither STUN nor ChannelData',
    bytes: () => Buffer.concat([bindingRequest(), Buffer.alloc(24, 0xff), bindingRequest()]),
    answerCount: 1,
  },
]

async function smuggle(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  await inParallel(PARALLEL, ground, async () => {
    const index = tally.sent++
    const { answerCount, bytes, what } = SMUGGLED[index % SMUGGLED.length]
    const port = ground.port(Math.floor(index / SMUGGLED.length) % 2 === 0 ? 'tcp' : 'tls')
    const socket = await tally.connect(ground, port, sourceAddress(75, index))
    tally.write(socket, bytes())
    const isClosed = await closesWithin(socket, CLOSE_MILLISECONDS_MAX)
    tally.expect(isClosed, `${what}: the connection is open`)
    // A reset may take the answer with it.
    const received = socket.bytesRead
    tally.expect(received <= answerCount * BINDING_ANSWER_LENGTH, `${what}: ${received} bytes in answer`)
  })
  tally.expect(tally.sent >= SMUGGLED.length, 'not everything was tried')
  return tally.report()
}

/** An allocation, its requests and its data, each byte in a segment of its own. */
async function tinySegments(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('segments')
  await inParallel(PARALLEL, ground, async (lane) => {
    const transport = await connectTcp(HOST, ground.port('tcp'), sourceAddress(76, lane))
    ground.teardown(() => transport.close())
    const dripping = {
      ...transport,
      send: (frame: Uint8Array) => {
        for (const byte of frame) transport.sendBytes(Uint8Array.of(byte))
        tally.sent += frame.length
        tally.sentBytes += frame.length
      },
    }
    const client = new TurnClient(dripping, MALLORY)
    const codes = [(await client.allocate()).code, (await client.refresh()).code, (await client.binding()).code]
    tally.replies += codes.length
    tally.expect(codes.join() === '0,0,0', `answers ${codes}`)
    await client.refresh({ lifetimeSeconds: 0 })
    await transport.close()
    await delay(1)
  })
  return tally.report()
}

export const STREAM_FRAMES: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'frame-smuggling',
    title: 'lengths, cookies and first bytes that cannot be, with requests behind them',
    threat: 'frame smuggling over TCP',
    seconds: 5,
    shortSeconds: 0.5,
    onBothEngines: true,
    rules: memoryOf(PARALLEL, 64),
    run: smuggle,
  },
  {
    ...STREAM_SERVER,
    name: 'tiny-segments',
    title: 'requests that come a byte at a time',
    threat: 'frame smuggling over TCP',
    seconds: 5,
    // client-frames.test.ts
    shortSeconds: 0.5,
    isLongOnly: true,
    rules: memoryOf(PARALLEL, 64),
    run: tinySegments,
  },
]
