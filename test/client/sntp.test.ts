// How far this machine's clock is off, by a time server's answer: only a server's own answer to the question counts (RFC 4330).
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { sntpOffsetSeconds } from '../../src/client/sntp.js'

const UNIX_EPOCH_SECONDS = 2_208_988_800

/** A time server whose clock is ahead. Returns its port. @param change what is wrong with its answer */
async function timeServer(
  t: Test,
  aheadSeconds: number,
  change: (answer: Buffer) => void = () => {},
  host = '127.0.0.1',
): Promise<number> {
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4')
  t.teardown(() => socket.close())
  socket.on('message', (request, { address, port }) => {
    const answer = Buffer.alloc(48)
    answer[0] = 0x24
    answer[1] = 2
    request.copy(answer, 24, 40, 48)
    const seconds = Date.now() / 1000 + UNIX_EPOCH_SECONDS + aheadSeconds
    for (const offset of [32, 40]) {
      answer.writeUInt32BE(Math.floor(seconds) % 2 ** 32, offset)
      answer.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), offset + 4)
    }
    change(answer)
    socket.send(answer, port, address)
  })
  socket.bind(0, host)
  await once(socket, 'listening')
  return socket.address().port
}

for (const ahead of [0, 7200, -86_400, 400_000_000]) {
  t.test(`a time server that is ${ahead} s ahead, past the end of its numbers too`, async (t) => {
    const offset = await sntpOffsetSeconds('127.0.0.1', 5000, await timeServer(t, ahead))
    t.ok(Math.abs(offset - ahead) < 2, `${offset}`)
  })
}

for (const [what, change] of [
  ['to another question', (answer: Buffer) => answer.writeUInt32BE(1, 24)],
  ['of a client', (answer: Buffer) => answer.writeUInt8(0x23, 0)],
  ['that refuses (stratum 0)', (answer: Buffer) => answer.writeUInt8(0, 1)],
] as const) {
  t.test(`an answer ${what} is none`, async (t) => {
    await t.rejects(
      sntpOffsetSeconds('127.0.0.1', 100, await timeServer(t, 0, change)),
      /^no answer from 127\.0\.0\.1 within 0\.1 s$/,
    )
  })
}

t.test('a server that is not synchronised knows no time', async (t) => {
  const port = await timeServer(t, 7200, (answer) => answer.writeUInt8(0xe4, 0))
  await t.rejects(sntpOffsetSeconds('127.0.0.1', 5000, port), /^127\.0\.0\.1: its own clock is not synchronised$/)
})

t.test('a name whose first address is one of IPv6 will do', async (t) => {
  const names = ['ip6-localhost', 'localhost']
  const firsts = await Promise.all(names.map((name) => lookup(name, { verbatim: true }).catch(() => null)))
  const name = names[firsts.findIndex((first) => first?.address === '::1')]
  if (name === undefined) return t.end()
  const offset = await sntpOffsetSeconds(name, 5000, await timeServer(t, 0, undefined, '::1'))
  return t.ok(Math.abs(offset) < 2, `${offset}`)
})

t.test('a port where nobody listens is a sentence', async (t) => {
  await t.rejects(sntpOffsetSeconds('127.0.0.1', 2000, 9), /^127\.0\.0\.1: ECONNREFUSED$/)
})
