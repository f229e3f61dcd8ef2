// `turnd convert`: the file that it prints does what the other server's file did, and keeps its secrets.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { runConvertCommand } from '../../src/commands/convert.js'
import { parseCommandLine } from '../../src/config/command-line.js'
import { readTextFile } from '../../src/config/read-text-file.js'
import type { ParsedSettings, Settings } from '../../src/config/settings.js'
import { exampleInForce, exampleText, GUIDES, guideText, NO_EXAMPLE } from '../support/turnserver-files.js'

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const code = await runConvertCommand(argv, { stdout, stderr })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const refusal = (message: string) => ({ code: 2, stdout: '', stderr: `turnd convert: ${message}\n` })
const settingsBy = (...argv: string[]): Settings =>
  (parseCommandLine(argv, {}, readTextFile) as ParsedSettings).settings

const KEY = '543e1aec5d3614f03141652d6ada51b2'
const CONF = `listening-ip=10.0.0.5
listening-port=3479
realm=example.org
user=alice:hunter2
user=bob:0x${KEY}
denied-peer-ip=10.0.0.0-10.255.255.255
max-bps=1000
no-tcp-relay
proc-user=turnserver
no-cli
fingerprint
minport=5
`

function confFile(t: Test, text = CONF): string {
  const path = join(t.testdir({}), 'turnserver.conf')
  writeFileSync(path, text)
  return path
}

t.test('turnd convert', async (t) => {
  t.test('writes a private file that does what the other one did', async (t) => {
    const conf = confFile(t)
    const output = join(conf, '..', 'turnd.json')
    const { code, stderr, stdout } = await run('--coturn-config', conf, '--output', output)
    t.same({ code, stdout }, { code: 0, stdout: '' })
    t.equal(statSync(output).mode & 0o777, 0o600)
    const own = { config: null, coturnConfig: null }
    t.same({ ...settingsBy('--config', output), ...own }, { ...settingsBy('--coturn-config', conf), ...own })
    t.match(JSON.parse(readFileSync(output, 'utf8')), {
      ...{ listen: '10.0.0.5:3479', 'relay-ip': '10.0.0.5', 'min-port': 49152, 'max-bps': 8000, 'no-tcp-relay': true },
      user: ['alice:hunter2', { name: 'bob', key: KEY }],
    })
    t.notMatch(stderr, /hunter2|543e1aec/)
    t.test('and says what became of every option', async (t) => {
      const lines = stderr.split('\n')
      t.match(
        lines[0],
        /^read 12 options of .*: 8 applied, 1 by default here already, 2 ignored, 1 unknown; 1 thing needs you$/,
      )
      t.match(lines[2], /^needs you +proc-user +line 9 +turnd does not change its user/)
      t.match(lines[3], /^unknown +minport +line 12 +coturn has no such option: did you mean min-port\?$/)
      for (const row of [
        /^ignored +fingerprint +line 11 /m,
        /^default here already +no-cli +line 10 /m,
        /^applied +user +lines 4, 5 +--user$/m,
      ]) {
        t.match(stderr, row)
      }
      t.match(stderr, /^note: coturn has no limit of allocations/m)
    })
    t.test('but replaces no file that is there unless it is told to', async (t) => {
      const again = await run('--coturn-config', conf, '--output', output)
      t.same(again, { code: 1, stdout: '', stderr: `turnd convert: ${output} is there already; --force replaces it\n` })
      t.equal((await run('--coturn-config', conf, '--output', output, '--force')).code, 0)
    })
  })

  t.test('prints without passwords and secrets, and says so, unless it is told to', async (t) => {
    const conf = confFile(t)
    const { code, stderr, stdout } = await run('--coturn-config', conf)
    t.equal(code, 0)
    t.match(JSON.parse(stdout), { realm: 'example.org' })
    t.notMatch(stdout, /hunter2|543e1aec|alice/)
    t.match(stderr, /^note: 2 passwords and secrets are left out: --output FILE writes them/m)
    t.match((await run('--coturn-config', conf, '--with-secrets')).stdout, /alice:hunter2/)
  })

  t.test('reads an Expressway', async (t) => {
    const path = confFile(t, '*c xConfiguration Traversal Server TURN Authentication Realm: "turnuser"\n')
    const { code, stdout } = await run('--expressway-config', path)
    t.equal(code, 0)
    t.match(JSON.parse(stdout), { realm: 'turnuser', listen: '*:3478', 'min-port': 24000, 'max-port': 29999 })
  })

  t.test('refuses what stops a server, too', async (t) => {
    const conf = confFile(t, 'min-port=600\nmax-port=500\n')
    t.match((await run('--coturn-config', conf)).stderr, /^turnd convert: .* line 1: --min-port 600 is above /)
    const broken = join(conf, '..', 'broken.conf')
    writeFileSync(broken, 'listening-port=x\n')
    t.match(await run('--coturn-config', broken), { code: 2, stderr: /line 1: listening-port: x is not a port/ })
    t.same(
      await run('--coturn-config', '/nowhere'),
      refusal('--coturn-config /nowhere cannot be read: there is no such file'),
    )
  })

  t.test('refuses bad arguments with a sentence', async (t) => {
    const either = refusal('give either --coturn-config FILE or --expressway-config FILE')
    t.same(await run(), either)
    t.same(await run('--coturn-config', 'a', '--expressway-config', 'b'), either)
    t.same(await run('a.conf'), refusal('unexpected argument "a.conf": give --coturn-config FILE'))
    t.same(await run('--coturn-config', 'a', '--force'), refusal('--force has no meaning without --output'))
    t.same(
      await run('--coturn-config', 'a', '--coturn-config', 'b'),
      refusal('--coturn-config is given more than once: give it once'),
    )
    t.match(await run('--config', 'a'), refusal('unknown option --config'))
    t.match(await run('--help'), { code: 0, stdout: /^Usage: turnd convert /, stderr: '' })
  })

  t.test('shows control characters of a file as what they are', async (t) => {
    const conf = confFile(t, 'realm=r\nuser=a:b\n\u001b[2Jevil=1\n')
    t.notMatch((await run('--coturn-config', conf)).stderr, '\u001b')
  })

  const FILES: readonly (readonly [name: string, text: () => string, skip?: string | false])[] = [
    ...GUIDES.map((name) => [`the guide to ${name}`, () => guideText(name)] as const),
    ["coturn's example", exampleText, NO_EXAMPLE],
    ["coturn's example with every sample in force", exampleInForce, NO_EXAMPLE],
    ['keys, and lists of one', () => CONF],
    ['nothing', () => ''],
  ]
  for (const [name, text, skip = false] of FILES) {
    t.test(`and --config come to the settings of --coturn-config: ${name}`, { skip }, async (t) => {
      const conf = confFile(t, text())
      const output = join(conf, '..', 'turnd.json')
      t.match(await run('--coturn-config', conf, '--output', output), { code: 0, stdout: '' })
      const own = { config: null, coturnConfig: null }
      t.same({ ...settingsBy('--config', output), ...own }, { ...settingsBy('--coturn-config', conf), ...own })
    })
  }

  t.test('and --config come to the settings of --expressway-config', async (t) => {
    const lines = [
      ...['Traversal Server TURN PortRangeStart: 3478', 'Traversal Server TURN PortRangeEnd: 3483', 'IPProtocol: Both'],
      ...['Ethernet 1 IP V4 Address: "192.0.2.7"', 'Ethernet 1 IP V6 Address: "2001:db8::7"'],
      ...['Ethernet 1 IP V4 StaticNAT Mode: On', 'Ethernet 1 IP V4 StaticNAT Address: "198.51.100.9"'],
      ...['Login User 1 Name: "Tuser"', 'Login User 1 Password: "pass:word"'],
    ]
    const path = confFile(t, lines.map((line) => `*c xConfiguration ${line}\n`).join(''))
    const output = join(path, '..', 'turnd.json')
    t.match(await run('--expressway-config', path, '--output', output), { code: 0, stdout: '' })
    const own = { config: null, expresswayConfig: null }
    t.same({ ...settingsBy('--config', output), ...own }, { ...settingsBy('--expressway-config', path), ...own })
  })

  t.test('says that DTLS listeners, which coturn has by default, are in the file', async (t) => {
    const { stderr } = await run('--coturn-config', confFile(t, 'cert=c.pem\npkey=k.pem\nuser=a:b\n'))
    t.match(stderr, /^note: dtls:\*:5349 is there because coturn 4\.6 has it by default: without the package koffi/m)
    t.notMatch((await run('--coturn-config', confFile(t, 'cert=c\npkey=k\ndtls\n'))).stderr, /koffi/)
  })
})
