// Third-party authorization (RFC 7635) with coturn's tools: its client makes tokens with its own test keys and relays with them, its tool for
// tokens makes one that lets in here and reads one from here; and keys that change while clients are there.
import { execFile } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ATTRIBUTE_THIRD_PARTY_AUTHORIZATION, METHOD_ALLOCATE } from '../../src/stun/constants.js'
import { runTurnd } from '../command/run-turnd.js'
import { connectUdp } from '../support/client-transport.js'
import { ENGINES_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { connectTcp } from '../support/stream-client.js'
import { addressOf } from '../support/turn-address.js'
import { describeAllocate, TurnClient } from '../support/turn-client.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'
import { uclientLosesNothing } from '../support/uclient-load.js'

const REALM = 'octavio.com'
const SERVER_NAME = 'turn.octavio.com'
/** Of turnutils_uclient -J, as its table has them, with line feeds behind two of them. */
const COTURN_KEYS = [
  'north A256GCM MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEK 0 0',
  'union A128GCM MTIzNDU2Nzg5MDEyMzQ1Ngo= 0 0',
  'oldempire A256GCM MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIK 0 0',
]
const SPRING = `spring A256GCM ${Buffer.alloc(32, 'spring').toString('base64')}`
const NORTH_KEY = Buffer.from('01234567890123456789012345678901').toString('base64')
/** coturn's tool takes no key without times. */
const NORTH_FOR_TOOL = ['-i', SERVER_NAME, '-j', 'north', '-k', NORTH_KEY, '-n', 'A256GCM', '-m', '999999999']
const LOAD = { host: '127.0.0.1', password: UCLIENT_PASSWORD, messages: 20, clients: 4, length: 100 }

interface Issued {
  readonly access_token: string
  readonly key: string
  readonly kid: string
}

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`tokens on the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const { keysPath, server } = await start(t, engine)

    const withUclient = { skip: peerOrSkip('turnutils_uclient'), jobs: 3 }
    t.test('the coturn client relays with tokens of its own (turnutils_uclient -J)', withUclient, async (t) => {
      const runs = [
        ['over UDP, with pairs whose second port another token claims', ['-y', '-J', '-L', '127.0.0.2'], 'udp'],
        ['over TCP', ['-y', '-J', '-t', '-c', '-L', '127.0.0.3'], 'tcp'],
        ['and as a user beside it', ['-y', '-c', '-L', '127.0.0.4'], 'udp'],
      ] as const
      for (const [name, flags, scheme] of runs) {
        const port = server.port('127.0.0.1', scheme)
        t.test(name, { buffered: true }, (t) => uclientLosesNothing(t, server, { ...LOAD, flags, port }))
      }
    })

    t.test("coturn's tool for tokens", { skip: peerOrSkip('turnutils_oauth') }, async (t) => {
      t.test('makes one that lets in, over UDP and TCP', async (t) => {
        const key = 'ZksjpweoixXmvn67534m'
        const given = [
          ...['-q', String(BigInt(Math.floor(Date.now() / 1000)) << 16n), '-r', '300'],
          ...['-o', Buffer.from('h4j3k2l2n4b5').toString('base64'), '-p', Buffer.from(key).toString('base64')],
        ]
        const { access_token } = JSON.parse(await tool(['-e', ...NORTH_FOR_TOOL, ...given])) as Issued
        const accessToken = Buffer.from(access_token, 'base64')
        for (const scheme of ['udp', 'tcp'] as const) {
          const client = await clientOf(t, server, scheme, { kid: 'north', key: Buffer.from(key) })
          const answer = await client.request(METHOD_ALLOCATE, describeAllocate, { accessToken })
          t.match(answer, { code: 0 })
          const permitted = await client.createPermission(addressOf('127.0.0.1:9'))
          t.match(permitted, { code: 0 }, 'what follows needs no token')
        }
      })

      t.test('reads one of turnd credentials --access-token', async (t) => {
        const issued = await issue(keysPath, ['--kid', 'north', '--ttl', '10m'])
        const output = await tool(['-d', '-v', ...NORTH_FOR_TOOL, '-t', issued.access_token])
        t.match(output, /lifetime.*600/i)
      })
    })

    t.test('keys that change while the server runs', async (t) => {
      const before = await issue(keysPath, ['--kid', 'union'])
      t.equal(await codeOf(t, server, 'udp', before), 0)
      writeFileSync(`${keysPath}.new`, `${[COTURN_KEYS[0], SPRING].join('\n')}\n`)
      renameSync(`${keysPath}.new`, keysPath)
      const line = await server.waitForLog(({ event }) => event === 'oauth-keys-changed')
      t.match(line, { keys: 2, added: 1, removed: 2 })
      const spring = await issue(keysPath, ['--kid', 'spring'])
      for (const scheme of ['udp', 'tcp'] as const) {
        t.equal(await codeOf(t, server, scheme, spring), 0, `a new key lets in over ${scheme}`)
        t.equal(await codeOf(t, server, scheme, before), 401, `an old one does not over ${scheme}`)
      }
      await server.waitForLog(({ reason }) => reason === 'unknown-oauth-key')
    })

    t.test('a token that has expired is told by how much', async (t) => {
      // Its time and 5 seconds for clocks have passed before anybody can use it.
      const { access_token, key } = JSON.parse(
        await tool([
          ...['-e', ...NORTH_FOR_TOOL, '-q', String(BigInt(Math.floor(Date.now() / 1000) - 7200) << 16n), '-r', '3600'],
          ...['-o', Buffer.from('b5n4l2k3j4h4').toString('base64')],
          ...['-p', Buffer.from('ZksjpweoixXmvn67534m').toString('base64')],
        ]),
      ) as Issued
      t.equal(
        await codeOf(t, server, 'udp', { access_token, key: Buffer.from(key).toString('base64'), kid: 'north' }),
        401,
      )
      const line = await server.waitForLog(({ reason }) => reason === 'expired-token')
      t.match(line.msg, /expired 1 h ago by this server's clock/)
    })
  })
}

async function start(t: Test, engine: EngineUnderTest): Promise<{ server: ServerProcess; keysPath: string }> {
  const keysPath = join(t.testdir({ 'oauth.keys': `${COTURN_KEYS.join('\n')}\n` }), 'oauth.keys')
  const server = await startServerOn(t, engine, [
    ...['--listen', '127.0.0.1:0', '--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8'],
    ...['--realm', REALM, '--user', `${UCLIENT_USER}:${UCLIENT_PASSWORD}`, '--channel-range', 'rfc5766'],
    ...['--oauth-keys', keysPath, '--oauth-server-name', SERVER_NAME],
  ])
  return { server, keysPath }
}

async function tool(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('turnutils_oauth', [
    ...args,
    '-l',
    String(Math.floor(Date.now() / 1000)),
  ])
  return stdout
}

async function issue(keysPath: string, args: readonly string[]): Promise<Issued> {
  const ofServer = ['--realm', REALM, '--oauth-keys', keysPath, '--oauth-server-name', SERVER_NAME]
  const { stdout } = await runTurnd(['credentials', '--access-token', '--json', ...args, ...ofServer], { cwd: '/' })
  return JSON.parse(stdout) as Issued
}

async function clientOf(
  t: Test,
  server: ServerProcess,
  scheme: 'udp' | 'tcp',
  { key, kid }: { readonly kid: string; readonly key: Uint8Array },
): Promise<TurnClient> {
  const connect = scheme === 'udp' ? connectUdp : connectTcp
  const client = TurnClient.on(t, await connect('127.0.0.1', server.port('127.0.0.1', scheme)), { username: kid, key })
  const challenge = await client.request(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' })
  t.equal(challenge.text(ATTRIBUTE_THIRD_PARTY_AUTHORIZATION), SERVER_NAME)
  return client
}

async function codeOf(t: Test, server: ServerProcess, scheme: 'udp' | 'tcp', issued: Issued): Promise<number> {
  const client = await clientOf(t, server, scheme, { kid: issued.kid, key: Buffer.from(issued.key, 'base64') })
  const accessToken = Buffer.from(issued.access_token, 'base64')
  return (await client.request(METHOD_ALLOCATE, describeAllocate, { accessToken })).code
}
