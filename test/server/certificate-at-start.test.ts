// A certificate that is replaced while the workers start, which have the one before: clients get the new one.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { CERTIFICATE_POLL_INTERVAL_MS } from '../../src/auth/certificate-files.js'
import type { MadeCertificate } from '../../src/commands/make-certificate.js'
import { settingsFromObject } from '../../src/config/library-options.js'
import { silentLogger } from '../../src/log/logger.js'
import { chooseEngine, type EngineChoice } from '../../src/net/choose-engine.js'
import { TurnServer } from '../../src/server/server.js'
import { until } from '../command/until.js'
import { makePair, temporaryDirectory } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import { ENGINES_IN_TIME, type EngineUnderTest, NATIVE } from '../support/engines.js'
import { HOST } from '../support/stream-server.js'

/** Two workers have the listener; the kernel draws one for each connection. */
const HANDSHAKE_COUNT = 16

for (const engine of ENGINES_IN_TIME) {
  t.test(`a certificate that is replaced while the server starts (${engine.name})`, { skip: engine.skip }, (t) =>
    replace(t, engine),
  )
}

async function replace(t: Test, engine: EngineUnderTest): Promise<void> {
  const directory = temporaryDirectory()
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const pairs = [await makePair('before.example.org'), await makePair('after.example.org')]
  const write = ({ certificate, key: keyText }: MadeCertificate) => {
    writeFileSync(cert, certificate)
    writeFileSync(key, keyText)
  }
  write(pairs[0])
  const parsed = settingsFromObject({
    ...engine.options,
    ...(engine === NATIVE ? { workers: 1, streamWorkers: 2 } : {}),
    ...{ listen: [`tls:${HOST}:0`], cert, key, relayIp: HOST, user: 'alice:hunter2' },
  })
  const choice = await chooseEngine(parsed.settings.engine, process.env)
  let choose: (choice: EngineChoice) => void = () => {}
  const choosing = new Promise<EngineChoice>((resolve) => {
    choose = resolve
  })
  const timers = t.capture(globalThis, 'setInterval', globalThis.setInterval)
  const server = new TurnServer(
    parsed,
    silentLogger(),
    { hasStateDir: false, hasControlSocket: false, hasAdminServer: false },
    choosing,
  )
  t.teardown(() => server.stop())
  const started = server.start()
  let poll: (() => void) | undefined
  await until(() => {
    poll ??= timers().find(({ args }) => args[1] === CERTIFICATE_POLL_INTERVAL_MS)?.args[0]
    return poll !== undefined
  }, 'the files are watched')
  choose(choice)
  // In this turn the workers' start begins, with the certificate of now.
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(server.isRunning, false)
  write(pairs[1])
  poll?.()
  await started
  const port = server.address().find(({ transport }) => transport === 'tls')?.port ?? 0
  // The workers get it a moment later.
  await until(async () => (await shownName(port)) === 'after.example.org', 'the new one is shown')
  for (let count = 0; count < HANDSHAKE_COUNT; count++) t.equal(await shownName(port), 'after.example.org')
}

async function shownName(port: number): Promise<unknown> {
  const socket = connect({ host: HOST, port, rejectUnauthorized: false })
  await withDeadline(once(socket, 'secureConnect'), 5_000, () => 'no handshake')
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname?.replace('DNS:', '')
}
