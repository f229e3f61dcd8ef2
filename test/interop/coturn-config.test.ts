// Servers that are started with a turnserver.conf and nothing else but ports of this test: coturn's own example as Debian ships it, with every
// sample line in force too, and three as the guides to Jitsi Meet, Matrix and Nextcloud Talk have them. Every line is accounted for, and
// coturn's client gets through with what the file says.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readConfLines } from '../../src/config/coturn/conf-file.js'
import { testCertificate } from '../support/certificate.js'
import { peerOrSkip } from '../support/peers.js'
import { type LogLine, type ServerProcess, startServer } from '../support/server-process.js'
import { exampleInForce, exampleText, type GUIDES, guideText, NO_EXAMPLE } from '../support/turnserver-files.js'
import { runUclient, UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'

const LOCAL = [
  // One thread starts quickly, and the client and its peers are on this machine.
  ...['--engine', 'dgram', '--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8'],
]
const PLAIN = ['--listen', 'udp:127.0.0.1:0']
/** Two relays that exchange a few messages: as indications but once, since channels take the client two seconds more. */
const SHORT = ['-y', '-c', '-n', '2', '-m', '2', '-z', '5']

interface Case {
  readonly name: string
  readonly conf: () => string
  readonly args: readonly string[]
  /** Beside SHORT. */
  readonly flags: readonly string[]
  readonly scheme?: 'tls'
  readonly skip?: string | false
  readonly check: (t: Test, server: ServerProcess) => void
}

/** What the log says of an option: `ignored`, `needed`, `unknown`; undefined where it is taken over. */
const whatOf = (server: ServerProcess, option: string) =>
  server.linesOf('import').find((line) => line.option === option)?.what
const messageOf = (server: ServerProcess) => String(server.linesOf('import').at(-1)?.msg)

function guide(name: (typeof GUIDES)[number]): string {
  const { certPath, keyPath } = testCertificate()
  return guideText(name)
    .replace(/^cert=.*$/m, `cert=${certPath}`)
    .replace(/^pkey=.*$/m, `pkey=${keyPath}`)
}

const CASES: readonly Case[] = [
  {
    name: "coturn's example as it is shipped",
    conf: exampleText,
    args: ['--user', `${UCLIENT_USER}:${UCLIENT_PASSWORD}`, ...PLAIN],
    flags: [],
    skip: NO_EXAMPLE,
    check: (t, server) => t.equal(whatOf(server, 'syslog'), 'ignored'),
  },
  {
    name: "coturn's example with every sample line in force",
    conf: exampleInForce,
    // It sends everybody to others.
    args: [...PLAIN, '--alternate-above', '100'],
    flags: ['-s', '-W', 'north'],
    skip: NO_EXAMPLE,
    check: (t, server) => {
      t.equal(whatOf(server, 'no-auth'), 'needed')
      t.equal(whatOf(server, 'alternate-server'), undefined)
      t.equal(whatOf(server, 'listening-device'), 'needed')
      t.notMatch(server.output, /north|youhavetoberealistic|qwerty/, 'no secret is shown')
      t.match(messageOf(server), /^read 1[0-9]{2} options of .*: 3\d applied, .* things need you$/)
    },
  },
  {
    name: 'Jitsi Meet',
    conf: () => guide('jitsi'),
    args: PLAIN,
    flags: ['-s', '-W', 'jitsi-shared-secret'],
    check: (t, server) => {
      t.equal(whatOf(server, 'cipher-list'), 'ignored')
      t.match(messageOf(server), / 38 options of .*: 29 applied, 6 by default here already, 3 ignored$/)
    },
  },
  {
    name: 'Matrix, behind NAT',
    conf: () => guide('matrix'),
    args: PLAIN,
    flags: ['-s', '-W', 'matrix-shared-secret'],
    check: (t, server) => t.match(messageOf(server), /: 14 applied, 4 by default here already, 2 ignored$/),
  },
  {
    name: 'Nextcloud Talk, over TLS',
    conf: () => guide('nextcloud'),
    args: ['--listen', 'tls:127.0.0.1:0'],
    flags: ['-W', 'nextcloud-shared-secret', '-t', '-S'],
    scheme: 'tls',
    check: (t, server) => {
      t.equal(whatOf(server, 'min-prot'), 'unknown')
      t.match(
        server.linesOf('import').find((line: LogLine) => line.option === 'min-prot')?.msg,
        /did you mean min-port\?/,
      )
      t.equal(whatOf(server, 'proc-user'), 'needed')
      t.match(messageOf(server), /: 9 applied, 9 by default here already, 9 ignored, 1 unknown; 3 things need you$/)
    },
  },
]

t.setTimeout(240_000)

t.jobs = CASES.length

for (const [index, { args, check, conf, flags, name, scheme = 'udp', skip = false }] of CASES.entries()) {
  // The client waits more than it works.
  const options = { skip: peerOrSkip('turnutils_uclient') || skip, buffered: true }
  t.test(`--coturn-config: ${name}`, options, async (t) => {
    const text = conf()
    const path = join(t.testdir({}), 'turnserver.conf')
    writeFileSync(path, text)
    const ports = ['--min-port', String(18_000 + index * 40), '--max-port', String(18_039 + index * 40)]
    const server = await startServer(t, ['--coturn-config', path, ...LOCAL, ...ports, ...args])

    t.test('accounts for every line, and shows no secret', async (t) => {
      const counts =
        /^read (\d+) options of .*: (\d+) applied, (\d+) by default here already, (\d+) ignored(?:, (\d+) unknown)?/
      const [, total, ...kinds] = (counts.exec(messageOf(server)) ?? []).map((count) => Number(count ?? 0))
      t.equal(total, readConfLines(text).length)
      t.equal(
        kinds.reduce((sum, count) => sum + count, 0),
        total,
      )
      check(t, server)
      for (const { name, value } of readConfLines(text)) {
        if (name === 'static-auth-secret') t.notOk(server.output.includes(value), 'no secret is shown')
      }
    })
    t.test("lets coturn's client through", async (t) => {
      const report = await runUclient({
        ...{ host: '127.0.0.1', port: server.port('', scheme), password: UCLIENT_PASSWORD },
        flags: [...SHORT, ...flags],
      })
      t.equal(report.exitCode, 0, report.output)
      t.ok(report.sent > 0, report.output)
      t.same({ lost: report.lost, received: report.received }, { lost: 0, received: report.sent })
    })
    if (index > 0) return
    t.test('is read again on SIGHUP, and what has changed is in force', async (t) => {
      writeFileSync(path, `${text}\nuser-quota=7\nrelay-device=eth0\n`)
      process.kill(server.pid, 'SIGHUP')
      t.match(await server.waitForLog(({ event }) => event === 'reload-change'), { setting: '--user-quota', to: '7' })
      t.match(await server.waitForLog(({ option }) => option === 'relay-device'), { what: 'needed' })
      await server.waitForLog(({ event }) => event === 'reload')
      writeFileSync(path, `${text}\nuser-quota=many\n`)
      process.kill(server.pid, 'SIGHUP')
      const refused = await server.waitForLog(({ applied, event }) => event === 'reload' && applied === false)
      t.match(refused.msg, /line \d+: user-quota: many is not a number of allocations/)
    })
  })
}
