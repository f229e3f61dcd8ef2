// DNS servers on the loopback for tests: dnsmasq with the options that a test writes, and servers that break on purpose.
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { temporaryDirectory } from './certificate.js'
import type { Closing } from './closing.js'
import { startDaemon } from './daemon.js'
import { findCommand } from './peers.js'

/** The address of a dnsmasq that knows these lines of its configuration and no other names; until `t` ends. */
export async function startDnsmasq(t: Closing, configuration: string): Promise<string> {
  const port = await findFreePort()
  const file = join(temporaryDirectory(), 'dnsmasq.conf')
  writeFileSync(file, configuration)
  const alone = [`--conf-file=${file}`, '--no-resolv', '--no-hosts', '--no-poll', '--pid-file=', '--address=/#/']
  const there = [`--port=${port}`, '--bind-interfaces', '--listen-address=127.0.0.1']
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const command = [findCommand('dnsmasq') ?? 'dnsmasq', '--keep-in-foreground', '--log-facility=-', ...alone, ...there]
  await startDaemon(t, [...command, ...user], { ready: /: started, version/ })
  return `127.0.0.1:${port}`
}

/** Of a port for UDP and TCP: what node gives for the one is free for the other as well, most likely. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

export const RCODE_SERVFAIL = 2
export const RCODE_REFUSED = 5

/**
 * The address of a server over UDP that answers every question alike, until `t` ends.
 * @param answer what becomes of a question; null: silence
 */
export async function startBrokenDns(t: Closing, answer: (question: Buffer) => Buffer | null): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { address, port }) => {
    const bytes = answer(question)
    if (bytes !== null) socket.send(bytes, port, address)
  })
  t.teardown(() => new Promise<void>((closed) => socket.close(() => closed())))
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound))
  return `127.0.0.1:${socket.address().port}`
}

/** The question as an answer that has nothing but this code (RFC 1035 §4.1.1). */
export function answerWithCode(question: Buffer, rcode: number): Buffer {
  const answer = Buffer.from(question)
  answer.writeUInt16BE(0x8180 | rcode, 2)
  return answer
}

/** An answer that says it has a record, and ends where the record should be. */
export function cutAnswer(question: Buffer): Buffer {
  const answer = answerWithCode(question, 0)
  answer.writeUInt16BE(1, 6)
  return answer
}
