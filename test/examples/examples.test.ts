// examples/: each configuration starts a server that takes the credentials of its product, what the product is told of the server is true of it,
// and the page of examples/browser calls itself in Chromium. What credentials look like was read from the products' sources.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { parseCommandLine } from '../../src/config/command-line.js'
import type { ParsedSettings } from '../../src/config/settings.js'
import { openUrl } from '../support/browser.js'
import { type TestCertificate, temporaryDirectory, testCertificate } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { peerOrSkip } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'
import { restCredential } from '../support/rest-credential.js'
import { startServer } from '../support/server-process.js'
import { TurnClient } from '../support/turn-client.js'

const SECRET = 'a3f1c0ffee'
const EXAMPLES = join(projectRoot, 'examples')
const CALL_MILLISECONDS_MAX = 60_000

/** What the product tells its clients: a way to the server. */
interface Way {
  readonly scheme: string
  readonly host: string
  readonly port: number
  readonly transport: string
}

interface Product {
  readonly folder: string
  /** Behind the time in its names; undefined: the time is all of it. */
  readonly suffix: string | undefined
  ways(): Way[]
}

const PRODUCTS: readonly Product[] = [
  // Prosody's mod_external_services, algorithm "turn", and Jitsi's mod_turncredentials before it.
  { folder: 'jitsi', suffix: undefined, ways: jitsiWays },
  // Synapse's VoipRestServlet.
  { folder: 'matrix', suffix: '@alice:example.org', ways: matrixWays },
  // Talk's Config::getTurnSettings: sixteen random letters and digits.
  { folder: 'nextcloud-talk', suffix: 'Zk3xPq81LmNo0aBc', ways: nextcloudWays },
]

const read = (...path: string[]) => readFileSync(join(EXAMPLES, ...path), 'utf8')

t.setTimeout(240_000)

t.test('an example for a product', async (t) => {
  const certificate = testCertificate()
  const secretFile = join(temporaryDirectory(), 'auth-secret')
  writeFileSync(secretFile, `${SECRET}\n`)
  for (const [index, product] of PRODUCTS.entries()) {
    t.test(product.folder, async (t) => testProduct(t, product, certificate, secretFile, 33_440 + 10 * index))
  }
})

async function testProduct(
  t: Test,
  { folder, suffix, ways }: Product,
  { certPath, keyPath }: TestCertificate,
  secretFile: string,
  minPort: number,
): Promise<void> {
  const file = join(EXAMPLES, folder, 'turnd.json')
  const { settings } = parseCommandLine(['--config', file], {}, (path) => readFileSync(path, 'utf8')) as ParsedSettings

  t.test('tells clients of listeners that there are, by a name that the certificate is for', async (t) => {
    t.ok(ways().length >= 3)
    for (const { scheme, host, port, transport } of ways()) {
      t.equal(host, settings.publicName[0])
      const kinds = scheme === 'turns' ? ['tls'] : ['any', transport]
      t.ok(
        settings.listen.some((listener) => listener.port === port && kinds.includes(listener.scheme)),
        `${scheme}:${host}:${port} over ${transport}`,
      )
    }
  })
  t.test('gives relays to whom the product sends', async (t) => {
    // The engine that starts sooner.
    const here = [
      '--engine',
      'dgram',
      '--listen',
      'udp:127.0.0.1:0',
      '--listen',
      'tls:127.0.0.1:0',
      '--relay-ip',
      '127.0.0.1',
    ]
    const files = ['--cert', certPath, '--key', keyPath, '--auth-secret-file', secretFile]
    const ports = ['--min-port', String(minPort), '--max-port', String(minPort + 9)]
    const server = await startServer(t, ['--config', file, ...here, ...files, ...ports])
    t.equal(server.ready.realm, settings.realm)
    const codeFor = async (secret: string) => {
      const transport = await connectUdp('127.0.0.1', server.port())
      return (await TurnClient.on(t, transport, restCredential(secret, suffix)).allocate()).code
    }
    t.equal(await codeFor(SECRET), 0)
    t.equal(await codeFor('another'), 401)
  })
}

t.test('what an operator copies from the pages', async (t) => {
  const pages = PRODUCTS.map(({ folder }) => read(folder, 'README.md'))
  t.test("copies a certificate after each renewal, and puts no secret into a shell's history", async (t) => {
    for (const page of pages) {
      t.match(page, /renewal-hooks\/deploy\/turnd <<'END'\n#!\/bin\/sh\ninstall .*privkey\.pem/)
      t.notMatch(page, /<<< *'/)
    }
    t.notMatch(readFileSync(join(projectRoot, 'docs', 'packages.md'), 'utf8'), /docker run[^`]* --user /)
  })
  t.test('lets the service read what was converted from coturn', async (t) => {
    const page = readFileSync(join(projectRoot, 'docs', 'migration-from-coturn.md'), 'utf8')
    t.match(page, /--output (\S+) --force && chown turnd: \1\n/)
    t.match(page, /packaging\/systemd\/turnd-443\.conf \/etc\/systemd\/system\/turnd\.service\.d\/443\.conf/)
  })
})

t.test('the list of examples has all of them', async (t) => {
  const names = readdirSync(EXAMPLES).filter((name) => name !== 'README.md')
  for (const name of names) t.match(read('README.md'), `](${name}${name.includes('.') ? '' : '/README.md'})`)
})

t.test('the page of examples/browser', { skip: peerOrSkip('chromium') }, async (t) => {
  const env = { PATH: process.env.PATH, HOST: '127.0.0.1', HTTP_PORT: '0', TURN_PORT: '0' }
  const child = spawn(process.execPath, [join(EXAMPLES, 'browser/server.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  exited.then(forget)
  const lines = createInterface({ input: child.stdout })
  const heard: string[] = []
  lines.on('line', (line) => heard.push(line))
  const [line] = (await once(lines, 'line')) as [string]
  const url = line.replace(/^open /, '')

  t.test('gives credentials that hold for a while, to be fetched anew', async (t) => {
    const [{ urls, username }] = (await (await fetch(`${url}ice-servers`)).json()) as [
      { urls: string[]; username: string },
    ]
    t.match(urls[0], /^turn:127\.0\.0\.1:\d+\?transport=udp$/)
    t.ok(Number(username.split(':')[0]) > Date.now() / 1000 + 500)
  })
  t.test('calls itself through two relays', async (t) => {
    const page = await openUrl(t, url)
    const seen = (await page.call('call', null, CALL_MILLISECONDS_MAX)) as { candidates: string[]; count: number }
    t.match(seen, { candidates: ['relay', 'relay'], count: 50 })
    t.ok(heard.some((text) => /:visitor at 127\.0\.0\.1:\d+ relays through/.test(text)))
    t.notOk(heard.some((text) => text.startsWith('refused')))
  })
  t.test('ends at SIGTERM', async (t) => {
    child.kill('SIGTERM')
    const [code] = await exited
    t.equal(code, 0)
  })
})

/** From the table of prosody.cfg.lua. */
function jitsiWays(): Way[] {
  const services = read('jitsi', 'prosody.cfg.lua').matchAll(/^ +\{ (type = .*) \},$/gm)
  return [...services].map(([, text]) => {
    const fields = new Map([...text.matchAll(/(\w+) = "?([\w.]+)"?/g)].map(([, name, value]) => [name, value]))
    const scheme = fields.get('type')!
    if (scheme !== 'stun' && (fields.get('secret') !== 'true' || fields.get('algorithm') !== 'turn')) {
      throw new Error(`Prosody makes no credentials for ${text}`)
    }
    return {
      scheme,
      host: fields.get('host')!,
      port: Number(fields.get('port')),
      transport: fields.get('transport') ?? 'udp',
    }
  })
}

function matrixWays(): Way[] {
  const settings = parse(read('matrix', 'homeserver.yaml')) as { turn_uris: string[]; turn_shared_secret: string }
  return settings.turn_uris.map((uri) => {
    const [, scheme = '', host = '', port, transport = ''] =
      /^(turns?):([\w.]+):(\d+)\?transport=(\w+)$/.exec(uri) ?? []
    return { scheme, host, port: Number(port), transport }
  })
}

/** From the commands of its page. */
function nextcloudWays(): Way[] {
  const commands = read('nextcloud-talk', 'README.md').matchAll(
    /talk:turn:add --secret="\$SECRET" (turns?) ([\w.]+):(\d+) ([a-z,]+)$/gm,
  )
  return [...commands].flatMap(([, scheme, host, port, transports]) =>
    transports.split(',').map((transport) => ({ scheme, host, port: Number(port), transport })),
  )
}
