// HTTP on the port of TURN: requests that one server may read otherwise than the other, headers without end, and many requests on one connection.
import type { Attack, AttackReport } from '../attack.js'
import type { Ground } from '../ground.js'
import { closesWithin, inParallel, sourceAddress, Tally } from '../tally.js'
import { statusOfPage, Upstream } from './http-upstream.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const PARALLEL = 15
const CLOSE_MILLISECONDS_MAX = 15_000
const PIPELINED_COUNT = 2_000
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: turn.test\r\n\r\n'

/** Each has a request behind it that only a wrong reader finds, or is one that nobody may take. */
const SHAPES: Readonly<Record<string, string>> = {
  'Content-Length and Transfer-Encoding': `${head('POST /', 'Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`,
  'Transfer-Encoding and Content-Length': `${head('POST /', 'Transfer-Encoding: chunked', 'Content-Length: 4')}0\r\n\r\n${SMUGGLED}`,
  'two lengths': head('POST /', 'Content-Length: 0', `Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
  'a list of lengths': head('POST /', 'Content-Length: 0, 0') + SMUGGLED,
  'a length with a sign': head('POST /', 'Content-Length: +0') + SMUGGLED,
  'two codings': `${head('POST /', 'Transfer-Encoding: chunked, identity')}0\r\n\r\n${SMUGGLED}`,
  'an unknown coding': `${head('POST /', 'Transfer-Encoding: xchunked')}0\r\n\r\n${SMUGGLED}`,
  'a space in front of the colon': head('POST /', 'Content-Length : 0') + SMUGGLED,
  'a folded header': head('POST /', 'X-Folded: a\r\n Content-Length: 0') + SMUGGLED,
  'a name with a line feed': head('POST /', 'X-Name\n: a') + SMUGGLED,
  'a NUL': head('POST /', 'X-Nul: a\0b') + SMUGGLED,
  'two hosts': head('POST /', 'Host: other.test', 'Connection: close', 'Content-Length: 0'),
  'a body for a WebSocket': head('GET /', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 4') + SMUGGLED,
  'a chunk that is too long': `${head('POST /', 'Transfer-Encoding: chunked')}FFFFFFFFFFFFFFFFF\r\n${SMUGGLED}`,
  'headers of 100 KiB': head('GET /', ...Array.from({ length: 100 }, (_, index) => `X-${index}: ${'x'.repeat(1_000)}`)),
  'a header of 100 KiB': head('GET /', `X-Long: ${'x'.repeat(100_000)}`),
  'a target of 100 KiB': head(`GET /${'x'.repeat(100_000)}`),
  'extensions of chunks without end': `${head('POST /', 'Transfer-Encoding: chunked')}1;${'x'.repeat(100_000)}\r\nx\r\n`,
  'HTTP/0.9': 'GET /\r\n\r\n',
}
const NAMES = Object.keys(SHAPES)

function head(start: string, ...headers: string[]): string {
  return [`${start} HTTP/1.1`, 'Host: turn.test', ...headers, '', ''].join('\r\n')
}

async function shapes(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('requests')
  const upstream = await Upstream.open(ground)
  await inParallel(PARALLEL, ground, async () => {
    const index = tally.sent++
    const name = NAMES[index % NAMES.length]
    const socket = await tally.connect(ground, ground.port('tls'), sourceAddress(87, index))
    let answer = ''
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1')
    })
    tally.write(socket, Buffer.from(SHAPES[name], 'latin1'))
    tally.expect(await closesWithin(socket, CLOSE_MILLISECONDS_MAX), `${name}: the connection is open`)
    const isRefused = answer === '' || /^HTTP\/1\.1 [45]\d\d /.test(answer)
    tally.expect(isRefused, `${name} was answered with ${JSON.stringify(answer.slice(0, 60))}`)
  })
  tally.expect(!upstream.paths.has('/smuggled'), 'a smuggled request has reached the upstream')
  tally.expect((await statusOfPage(ground, '127.88.1.1')) === 200, 'the page is not there')
  return tally.report()
}

/** All in one write: of more than a few that wait for their answer the connection is closed. */
async function pipelining(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('requests')
  await Upstream.open(ground)
  const block = Buffer.from(head('GET /silent').repeat(PIPELINED_COUNT))
  await inParallel(PARALLEL, ground, async () => {
    const socket = await tally.connect(ground, ground.port('tls'), sourceAddress(89, tally.sent))
    tally.sent += PIPELINED_COUNT
    tally.write(socket, block)
    tally.expect(await closesWithin(socket, CLOSE_MILLISECONDS_MAX), 'a connection with 2,000 requests is open')
  })
  tally.expect((await statusOfPage(ground, '127.88.1.1')) === 200, 'the page is not there')
  return tally.report()
}

export const HTTP_REQUESTS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'http-shapes',
    title: 'requests that smuggle others, and headers without end',
    threat: 'HTTP on port 443',
    seconds: 5,
    shortSeconds: 0.5,
    rules: memoryOf(PARALLEL, 512),
    run: shapes,
  },
  {
    ...STREAM_SERVER,
    name: 'http-pipelining',
    title: '2,000 requests in one write to an upstream that never answers',
    threat: 'HTTP on port 443',
    seconds: 5,
    // http-entry.test.ts
    shortSeconds: 0.5,
    isLongOnly: true,
    rules: memoryOf(PARALLEL, 512),
    run: pipelining,
  },
]
