// `turnd credentials`: what it signs with, what it prints, and its sentences.
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import t from 'tap'
import { openToken } from '../../src/auth/oauth-token.js'
import { runCredentialsCommand } from '../../src/commands/credentials.js'

interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(argv: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Output> {
  const texts = { stdout: '', stderr: '' }
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk, _encoding, done) => {
        texts[name] += String(chunk)
        done()
      },
    })
  const io = { stdin: Readable.from([input]), stdout: into('stdout'), stderr: into('stderr'), env }
  return { code: await runCredentialsCommand(argv, io), ...texts }
}

const signed = (secret: string, name: string, hash = 'sha1') => createHmac(hash, secret).update(name).digest('base64')
const now = () => Math.floor(Date.now() / 1000)

t.test('turnd credentials', async (t) => {
  const directory = t.testdir({ secrets: '# new first\nnorth\nsouth\n', config: '' })
  const secrets = join(directory, 'secrets')
  const config = join(directory, 'config')
  writeFileSync(
    config,
    JSON.stringify({
      ...{ authSecretFile: secrets, publicName: 'turn.example.org', listen: [':3478', 'tls::443'] },
      ...{ authSecretLifetime: 600, authSecretSeparator: '|', user: 'alice:hunter2', cert: 'c.pem', key: 'k.pem' },
    }),
  )

  t.test('prints name, password, until when, and URIs; the first secret signs, and is not shown', async (t) => {
    const { code, stderr, stdout } = await run(['--user', 'bob', '--ttl', '1h', '--config', config])
    t.same([code, stderr], [0, ''])
    const [, name = ''] = /^username {2}(.*)$/m.exec(stdout) ?? []
    t.match(name, /^\d{10}\|bob$/)
    t.ok(Math.abs(Number(name.slice(0, 10)) - now() - 3600) <= 60, 'in an hour')
    t.match(stdout, `password  ${signed('north', name)}\n`)
    t.match(stdout, /^until {5}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, in 1 hour$/m)
    t.match(stdout, 'uri       turn:turn.example.org:3478?transport=tcp\n')
    t.match(stdout, 'uri       turns:turn.example.org:443?transport=tcp\n')
    t.notMatch(stdout, /north|south|hunter2/)
  })

  t.test('makes an access token with a key of the server (RFC 7635)', async (t) => {
    const oauth = join(directory, 'oauth.keys')
    const key = Buffer.alloc(32, 'k')
    writeFileSync(
      oauth,
      ['old 1000000000 60', 'next 4000000000 60', 'north']
        .map((line) => `${line.replace(/ |$/, ` A256GCM ${key.toString('base64')} `)}\n`)
        .join(''),
    )
    const ofServer = ['--oauth-keys', oauth, '--realm', 'octavio.com']
    const { code, stdout } = await run(['--access-token', '--ttl', '10m', ...ofServer])
    t.equal(code, 0)
    t.match(stdout, /^username {6}north$/m, 'the first key that holds now')
    t.match(stdout, /^server name {3}octavio.com$/m)
    t.match(stdout, /, in 10 minutes$/m)
    t.notMatch(stdout, key.toString('base64'))
    const json = await run(['--access-token', '--json', '--kid', 'old', '--oauth-server-name', 'turn', ...ofServer])
    const issued = JSON.parse(json.stdout)
    t.match(issued, { token_type: 'pop', expires_in: 3600, kid: 'old', alg: 'HMAC-SHA-1' })
    const opened = openToken(Buffer.from(issued.access_token, 'base64'), key, Buffer.from('turn'))
    t.match(opened, { lifetimeSeconds: 3600 })
    t.equal(Buffer.from(opened?.macKey ?? []).toString('base64'), issued.key)

    const wrong: [argv: readonly string[], message: RegExp][] = [
      [[], /no key to make a token with: give the file of the server, with --oauth-keys FILE/],
      [[...ofServer, '--kid', 'south'], /--kid south is no key of --oauth-keys/],
      [[...ofServer, '--ttl', '0'], /--ttl 0 is no lifetime of a token/],
      [['--oauth-keys', secrets], /line 2: the key has 1 words on its line/],
    ]
    for (const [argv, message] of wrong) {
      const { code, stderr, stdout } = await run(['--access-token', ...argv])
      t.same([code, stdout], [2, ''])
      t.match(stderr, message)
    }
    writeFileSync(oauth, `old A256GCM ${key.toString('base64')} 1000000000 60\n`)
    t.match(
      (await run(['--access-token', ...ofServer])).stderr,
      /no key of --oauth-keys .* holds now: add one of today/,
    )
  })

  t.test('prints one JSON object, of the draft and for RTCPeerConnection', async (t) => {
    const { stdout } = await run([
      '--json',
      '--config',
      config,
      '--hash',
      'sha256',
      '--separator',
      '+',
      '--user',
      'bob',
    ])
    const { iceServers, password, ttl, uris, username } = JSON.parse(stdout)
    t.equal(ttl, 600)
    t.match(username, /^\d{10}\+bob$/)
    t.equal(password, signed('north', username, 'sha256'))
    t.equal(uris.length, 3)
    t.same(iceServers, [{ urls: uris, username, credential: password }])
  })

  t.test('has the secret from an option, a variable, or standard input', async (t) => {
    const passwordOf = ({ stdout }: Output) => [JSON.parse(stdout).username, JSON.parse(stdout).password]
    const [name, password] = passwordOf(await run(['--json', '--auth-secret-stdin'], 'east\nrest'))
    t.equal(password, signed('east', name))
    t.match(name, /^\d{10}$/, 'without a user the time alone')
    const [ofVariable, its] = passwordOf(await run(['--json'], '', { TURND_AUTH_SECRET: 'west' }))
    t.equal(its, signed('west', ofVariable))
  })

  t.test('last as long as is allowed where nobody asks for a time', async (t) => {
    const rules = ['--auth-secret', 'west', '--auth-secret-lifetime-max', '3600', '--json']
    const { stdout } = await run(rules)
    t.match(JSON.parse(stdout), { ttl: 3600 })
  })

  t.test('says what is wrong, and what to do', async (t) => {
    const cases: [argv: string[], sentence: RegExp][] = [
      [[], /no secret to sign with: give that of the server, with --config FILE/],
      [['--auth-secret-file', secrets, '--ttl', 'soon'], /--ttl "?soon"? is no time: give seconds, or such as 30m/],
      [['--auth-secret-file', secrets, '--ttl', '5'], /--ttl 5 is no lifetime: give whole seconds from 60/],
      [
        ['--auth-secret-file', secrets, '--ttl', '2h', '--auth-secret-lifetime-max', '3600'],
        /from 60 to 3600 \(--auth-secret-lifetime-max\)/,
      ],
      [['--auth-secret-file', join(directory, 'none')], /--auth-secret-file .*no such file/],
      [['--redis', 'redis://127.0.0.1'], /secrets in Redis are not read here: ask the running server, over HTTP/],
      [['--auth-secret-stdin'], /the first line of standard input is empty/],
      [['--hash', 'md5'], /neither sha1 nor sha256/],
      [['--separator', '12', '--auth-secret-file', secrets], /--separator "?12"? is not one printable character/],
      [['--user', 'a\u0007', '--auth-secret-file', secrets], /has a control character/],
      [['alice'], /unexpected argument .*: whose they are is --user NAME/],
      [['--nonsense'], /unknown option --nonsense/],
    ]
    for (const [argv, sentence] of cases) {
      const { code, stderr, stdout } = await run(argv)
      t.same([code, stdout], [2, ''], argv.join(' '))
      t.match(stderr, /^turnd credentials: .*\n$/)
      t.match(stderr, sentence)
    }
    t.match(await run(['--help']), { code: 0, stdout: /^Usage: turnd credentials / })
  })
})
