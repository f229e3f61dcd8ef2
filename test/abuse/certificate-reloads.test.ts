// Certificates that change again and again under clients whose calls go on: nobody is disconnected, nothing is lost, and whoever comes next sees the
// new one. Half of the changes are announced by SIGHUP, the others found by the server itself.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import type { MadeCertificate } from '../../src/commands/make-certificate.js'
import type { TransportAddress } from '../../src/stun/address.js'
import { until } from '../command/until.js'
import { makePair, temporaryDirectory } from '../support/certificate.js'
import { connectDtls } from '../support/dtls-transport.js'
import { ENGINES_IN_TIME, type EngineUnderTest, withoutKoffi } from '../support/engines.js'
import type { ServerProcess } from '../support/server-process.js'
import { connectTls as connectTlsClient } from '../support/stream-client.js'
import { HOST, startStreamServer, stoppedCounters, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const MIN_PORT = 18_200
const PORT_COUNT = 200
const CHANNEL = 0x4000

const CLIENT_COUNT = isLong ? 100 : 40
/** Of each call: the next payload leaves when the last one has come back, and so much time has passed. */
const PACKET_INTERVAL_MILLISECONDS = 50
const PACKET_LENGTH = 200
const RELOAD_COUNT = isLong ? 50 : 15
/** A change that is not announced takes two seconds to be found: so many in a row are announced before each. */
const ANNOUNCED_IN_A_ROW = isLong ? 1 : 4
/** The kernel spreads them over the workers: one in 2^7 would miss a worker with the old one (2^4 where time is short), and there are many rounds. */
const HANDSHAKE_COUNT = isLong ? 8 : 5
const FOUND_MILLISECONDS_MAX = 60_000

t.setTimeout(isLong ? 600_000 : 240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`certificates that change, ${engine.name} engine`, { skip: engine.skip }, (t) => change(t, engine))
}

/** The files that the server reads, and what is in them. */
class CertificateFiles {
  readonly directory = temporaryDirectory()
  readonly certPath = join(this.directory, 'cert.pem')
  readonly keyPath = join(this.directory, 'key.pem')

  /** As tools do it: each file at once, one behind the other. */
  replace(certificate: string, key: string): void {
    for (const [path, text] of [
      [this.keyPath, key],
      [this.certPath, certificate],
    ]) {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }
  }
}

/** A call whose peer returns what it gets. */
class EchoCall {
  readonly client: TurnClient
  sentCount = 0
  returnedCount = 0
  #sentAt = 0

  constructor(client: TurnClient) {
    this.client = client
  }

  async open(peer: TransportAddress): Promise<void> {
    const codes = [(await this.client.allocate()).code, (await this.client.bindChannel(CHANNEL, peer)).code]
    if (codes.join() !== '0,0') throw new Error(`answers ${codes}`)
  }

  get isWaiting(): boolean {
    for (const frame of this.client.inbox.takeAll()) {
      const expected = this.#payload(this.returnedCount)
      if (!frame.subarray(4, 4 + PACKET_LENGTH).equals(expected))
        throw new Error(`not the echo of ${this.returnedCount}`)
      this.returnedCount++
    }
    return this.returnedCount < this.sentCount
  }

  goOn(now: number): void {
    if (this.isWaiting || now - this.#sentAt < PACKET_INTERVAL_MILLISECONDS) return
    this.#sentAt = now
    this.client.sendChannelData(CHANNEL, this.#payload(this.sentCount++))
  }

  #payload(sequence: number): Buffer {
    const payload = Buffer.alloc(PACKET_LENGTH, sequence & 0xff)
    payload.writeUInt32BE(sequence)
    payload.writeUInt16BE(this.client.localAddress.port, 4)
    return payload
  }
}

async function change(t: Test, engine: EngineUnderTest): Promise<void> {
  const certificates = await Promise.all(Array.from({ length: RELOAD_COUNT + 1 }, () => makePair('turn.test')))
  const files = new CertificateFiles()
  files.replace(certificates[0].certificate, certificates[0].key)
  const hasDtls = withoutKoffi() === false
  const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT, [
    ...['--cert', files.certPath, '--key', files.keyPath],
    ...(hasDtls ? ['--listen', `dtls:${HOST}:0`] : []),
  ])
  const peer = await echoPeer(t)
  const calls: EchoCall[] = []
  const port = server.port('', 'tls')
  for (let index = 0; index < CLIENT_COUNT; index++) {
    const transport = await connectTlsClient(HOST, port, certificates[0].certificate)
    calls.push(new EchoCall(TurnClient.on(t, transport, USER)))
  }
  if (hasDtls) calls.push(new EchoCall(TurnClient.on(t, await connectDtls(HOST, server.port('', 'dtls')), USER)))
  for (const call of calls) await call.open(peer)
  const timer = setInterval(() => {
    const now = performance.now()
    for (const call of calls) call.goOn(now)
  }, 10)
  t.teardown(() => clearInterval(timer))

  t.test('are shown to whoever comes next', async (t) => {
    for (const [index, certificate] of certificates.entries()) {
      if (index > 0) await reload(server, files, certificate, index % (ANNOUNCED_IN_A_ROW + 1) !== 0)
      await isShown(server, certificate)
    }
    const last = certificates[RELOAD_COUNT]
    if (hasDtls) t.equal(dtlsFingerprint(server), fingerprintOf(last.certificate), 'over DTLS as well')
    t.equal(server.linesOf('certificate').length, RELOAD_COUNT + 1)
  })

  t.test('are kept when what follows is broken, which is said once', async (t) => {
    const last = certificates[RELOAD_COUNT]
    files.replace('no certificate', last.key)
    process.kill(server.pid, 'SIGHUP')
    await server.waitForLog(isComplaint)
    await isShown(server, last)
    await reload(server, files, certificates[0], false)
    await isShown(server, certificates[0])
    t.equal(server.logLines.filter(isComplaint).length, 1)
  })

  t.test('cost those who are there nothing', async (t) => {
    clearInterval(timer)
    await until(() => !calls.some(({ isWaiting }) => isWaiting), 'every payload has come back')
    const counts = calls.map(({ returnedCount }) => returnedCount)
    t.ok(
      Math.min(...counts) > RELOAD_COUNT / 2,
      `${Math.min(...counts)} to ${Math.max(...counts)} payloads of each call`,
    )
    for (const { client } of calls) t.equal((await client.refresh()).code, 0)
    t.equal(server.linesOf('allocation-deleted').length, 0)
    const { connectionsTimedOut, stalledDrops } = await stoppedCounters(server)
    t.same({ connectionsTimedOut, stalledDrops }, { connectionsTimedOut: 0, stalledDrops: 0 })
    t.comment(`${counts.reduce((sum, count) => sum + count)} payloads there and back, 0 lost`)
  })
}

async function echoPeer(t: Test): Promise<TransportAddress> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
  socket.on('message', (bytes, { address, port }) => socket.send(bytes, port, address))
  socket.bind({ address: HOST, port: 0, exclusive: true })
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return addressOf(HOST, socket.address().port)
}

async function reload(
  server: ServerProcess,
  files: CertificateFiles,
  { certificate, key }: MadeCertificate,
  isAnnounced: boolean,
): Promise<void> {
  files.replace(certificate, key)
  if (isAnnounced) process.kill(server.pid, 'SIGHUP')
  const fingerprint = fingerprintOf(certificate)
  await server.waitForLog(
    ({ event, fingerprint256 }) => event === 'certificate' && fingerprint256 === fingerprint,
    FOUND_MILLISECONDS_MAX,
  )
}

/** Workers get it a moment after it was read. */
async function isShown(server: ServerProcess, { certificate }: MadeCertificate): Promise<void> {
  const fingerprint = fingerprintOf(certificate)
  const areAllNew = async () => {
    for (let count = 0; count < HANDSHAKE_COUNT; count++)
      if ((await tlsFingerprint(server)) !== fingerprint) return false
    return true
  }
  await until(areAllNew, 'new handshakes show the new certificate')
}

async function tlsFingerprint(server: ServerProcess): Promise<string> {
  const port = server.port('', 'tls')
  const socket = connectTls({ host: HOST, port, rejectUnauthorized: false, ALPNProtocols: ['stun.turn'] })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

function dtlsFingerprint(server: ServerProcess): string {
  const address = `${HOST}:${server.port('', 'dtls')}`
  const args = ['s_client', '-dtls1_2', '-showcerts', '-connect', address]
  const { stdout }: SpawnSyncReturns<string> = spawnSync('openssl', args, {
    input: '',
    encoding: 'utf8',
    timeout: 60_000,
  })
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(stdout)?.[0]
  if (pem === undefined) throw new Error(`no certificate:\n${stdout}`)
  return fingerprintOf(pem)
}

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256
}

function isComplaint({ event, msg }: Readonly<Record<string, unknown>>): boolean {
  return event === 'warning' && String(msg).endsWith('the certificate loaded before stays')
}
