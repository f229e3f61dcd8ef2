// PROXY headers: from addresses that are not believed, and from one that is but writes what cannot be, or never comes to an end.
import type { Attack, AttackReport } from '../attack.js'
import { bindingRequest } from '../datagrams.js'
import type { Ground } from '../ground.js'
import { closesWithin, inParallel, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER, TRUSTED_PROXY } from './stream-shared.js'

const PARALLEL = 10
const CLOSE_MILLISECONDS_MAX = 8_000
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

const GOOD = Buffer.from('PROXY TCP4 203.0.113.9 203.0.113.1 50000 3478\r\n')
const GOOD_VERSION_2 = Buffer.concat([SIGNATURE, Buffer.from('2111000ccb007109cb007101c3500d96', 'hex')])

const LYING: readonly Buffer[] = [
  Buffer.from('PROXY TCP4 203.0.113.9 203.0.113.1 99999 3478\r\n'),
  Buffer.from('PROXY TCP4 ::1 ::1 50000 3478\r\n'),
  Buffer.from('PROXY TCP6 203.0.113.9 203.0.113.1 50000 3478\r\n'),
  Buffer.from('PROXY TCP4 203.0.113.9 203.0.113.1 50000 3478 more\r\n'),
  Buffer.from('PROXY UDP4 203.0.113.9 203.0.113.1 50000 3478\r\n'),
  // Lines that never end.
  Buffer.from(`PROXY UNKNOWN ${'x'.repeat(4_000)}`),
  Buffer.from(`PROXY TCP6 ${':'.repeat(4_000)}`),
  // 65,535 bytes of addresses, another version, and fewer bytes than the addresses need.
  Buffer.concat([SIGNATURE, Buffer.from('2111ffff', 'hex'), Buffer.alloc(100)]),
  Buffer.concat([SIGNATURE, Buffer.from('1111000c', 'hex'), Buffer.alloc(12)]),
  Buffer.concat([SIGNATURE, Buffer.from('21110004', 'hex'), Buffer.alloc(4)]),
  // None at all, and HTTP.
  Buffer.alloc(0),
  Buffer.from('GET / HTTP/1.1\r\nHost: turn.test\r\n\r\n'),
]

async function proxyHeaders(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  await inParallel(PARALLEL, ground, async () => {
    const index = tally.sent++
    const isTrusted = index % 2 === 0
    const at = index >> 1
    const header = isTrusted ? LYING[at % LYING.length] : [GOOD, GOOD_VERSION_2][at % 2]
    const port = ground.port(Math.floor(at / LYING.length) % 2 === 0 ? 'tcp' : 'tls')
    const socket = await tally.connect(ground, port, isTrusted ? TRUSTED_PROXY : sourceAddress(85, index))
    tally.write(socket, Buffer.concat([header, bindingRequest()]))
    const what = JSON.stringify(header.toString('latin1', 0, 40))
    tally.expect(await closesWithin(socket, CLOSE_MILLISECONDS_MAX), `${what}: the connection is open`)
    tally.expect(socket.bytesRead === 0, `${what} was answered with ${socket.bytesRead} bytes`)
  })
  for (const header of [GOOD, GOOD_VERSION_2]) {
    const socket = await tally.connect(ground, ground.port('tcp'), TRUSTED_PROXY)
    const answered = new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true))
      socket.once('close', () => resolve(false))
    })
    tally.write(socket, Buffer.concat([header, bindingRequest()]))
    tally.expect(await answered, 'a good header of the proxy was not taken')
    socket.destroy()
  }
  return tally.report()
}

export const STREAM_PROXY: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'proxy-headers',
    title: 'PROXY headers of strangers, headers that lie, and lines that never end',
    threat: 'frame smuggling over TCP',
    seconds: 4,
    shortSeconds: 0.5,
    rules: memoryOf(PARALLEL, 64),
    run: proxyHeaders,
  },
]
