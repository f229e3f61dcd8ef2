// Users and TURN REST secrets in Redis: what coturn's turnadmin writes to Debian's redis-server, everything that is not as it should be there, and
// servers that are down, hang, or are something else.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { md5Key } from '../../src/auth/credentials.js'
import { settingsFromObject } from '../../src/config/library-options.js'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { redis as redisCheck } from '../../src/doctor/inside/redis.js'
import type { InsideScene } from '../../src/doctor/inside/scene.js'
import { AUTH_SECRET_COUNT_MAX } from '../../src/limits/turn.js'
import { redisAccessOf } from '../../src/stores/redis-access.js'
import { RedisUsers } from '../../src/stores/redis-users.js'
import { temporaryDirectory, testCertificate } from '../support/certificate.js'
import { before, closedPort, startRawUpstream, startUpstream, until } from '../support/http-stage.js'
import { peerOrSkip } from '../support/peers.js'
import { TestRedis } from '../support/redis-server.js'

const REALM = 'north.gov'
/** Connects again soon, and has all the time that a busy machine may need. */
const PATIENCE = { open: 20_000, betweenReads: 50, silence: 20_000, pauseMin: 20, pauseMax: 100 }
/** For servers that say nothing, which are waited for. */
const SHORT = { ...PATIENCE, open: 500, silence: 500 }

class Stage {
  readonly store: RedisUsers
  secrets: readonly string[] = []
  problem: string | null = null
  readonly problems: (string | null)[] = []

  constructor(t: Test, options: TurnServerOptions, realm = REALM, patience = PATIENCE) {
    const access = redisAccessOf(settingsFromObject({ realm, ...options }).settings)
    if (access === null) throw new Error('there is no redis in the options')
    const noteProblem = (problem: string | null) => {
      this.problem = problem
      this.problems.push(problem)
    }
    this.store = new RedisUsers(realm, access, noteProblem, patience)
    this.store.onSecrets = (secrets) => {
      this.secrets = secrets
    }
    t.teardown(() => this.store.close())
  }

  /** What a look-up says: the key in hex digits, the kind, or the sentence of the failure. */
  async lookup(username: string, signal = AbortSignal.timeout(60_000)): Promise<string> {
    try {
      const answer = await before(this.store.lookup({ username, realm: REALM, source: '192.0.2.1' }, signal), username)
      if (answer.kind === 'refused') return `refused: ${answer.detail}`
      return answer.kind === 'found' ? Buffer.from(answer.md5Key).toString('hex') : answer.kind
    } catch (error) {
      return (error as Error).message
    }
  }

  async untilFound(username: string): Promise<void> {
    const deadline = performance.now() + 20_000
    while (!/^[0-9a-f]{32}$/.test(await this.lookup(username))) {
      if (performance.now() > deadline) throw new Error(`${username} is not found: ${this.problem}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

const keyOf = (name: string, password: string) => Buffer.from(md5Key(name, REALM, password)).toString('hex')

t.test('a database of coturn', { skip: peerOrSkip('redis-server') }, async (t) => {
  const redis = await TestRedis.start(t, { database: 2 })
  await redis.turnadmin(`-a -u gorst -r ${REALM} -p hero`)
  await redis.turnadmin(`-a -u whirrun -r crinna.org -p sword`)
  await redis.turnadmin(`-s logen -r ${REALM}`)
  const stage = new Stage(t, { redis: redis.url })

  t.test('has its users found, of this realm alone, with the key that their password makes', async (t) => {
    t.equal(await stage.lookup('gorst'), '7da2270ccfa49786e0115366d3a3d14d')
    t.equal(await stage.lookup('gorst'), keyOf('gorst', 'hero'))
    t.equal(await stage.lookup('whirrun'), 'unknown')
    t.equal(await stage.lookup('Gorst'), 'unknown')
    t.equal(stage.store.name, `--redis redis://127.0.0.1:${redis.port}/2`)
  })

  t.test('is looked at again each time: another password, and a user who is gone', async (t) => {
    await redis.turnadmin(`-a -u ninefingers -r ${REALM} -p first`)
    t.equal(await stage.lookup('ninefingers'), keyOf('ninefingers', 'first'))
    await redis.turnadmin(`-a -u ninefingers -r ${REALM} -p second`)
    t.equal(await stage.lookup('ninefingers'), keyOf('ninefingers', 'second'))
    await redis.turnadmin(`-d -u ninefingers -r ${REALM}`)
    t.equal(await stage.lookup('ninefingers'), 'unknown')
  })

  t.test('takes a name as it is: nothing in it is a pattern or a command', async (t) => {
    const names = ['*', 'g?rst', 'gors[t]', 'gorst/key', '', 'gorst\r\nFLUSHALL\r\n', 'gorst FLUSHALL', '../gorst']
    for (const name of names) t.equal(await stage.lookup(name), 'unknown', JSON.stringify(name))
    const odd = 'a b/ü*?[x]\r\n"'
    await redis.command('set', `turn/realm/${REALM}/user/${odd}/key`, keyOf(odd, 'pw'))
    t.equal(await stage.lookup(odd), keyOf(odd, 'pw'))
    t.equal(await stage.lookup('x'.repeat(509)), 'unknown')
    t.equal(await stage.lookup('gorst'), keyOf('gorst', 'hero'))
  })

  t.test('may have upper case, and the line end of a shell, and nothing else but 32 hex digits', async (t) => {
    const key = `turn/realm/${REALM}/user/broken/key`
    await redis.command('set', key, `${keyOf('broken', 'pw').toUpperCase()}\n`)
    t.equal(await stage.lookup('broken'), keyOf('broken', 'pw'))
    const cases: [value: string, sentence: RegExp][] = [
      [
        'hunter2',
        /^refused: Redis has 7 characters as the key of this user.*: write it again with turnadmin -a, or delete it$/,
      ],
      ['', /^refused: Redis has 0 characters/],
      ['ab'.repeat(32), /^refused: Redis has 64 characters/],
      ['x'.repeat(32), /^refused: Redis has something that is not hex/],
    ]
    for (const [value, sentence] of cases) {
      await redis.command('set', key, value)
      const said = await stage.lookup('broken')
      t.match(said, sentence)
      if (value !== '') t.notMatch(said, value)
    }
    await redis.command('del', key)
    await redis.command('rpush', key, 'hunter2')
    t.match(
      await stage.lookup('broken'),
      /^refused: Redis has something else there than coturn writes: delete that key/,
    )
    t.equal(stage.problem, null, 'the connection is as good as before')
  })

  t.test('has its TURN REST secrets read again and again', async () => {
    await until(() => stage.secrets.join() === 'logen', 'the secret of turnadmin')
    await redis.turnadmin(`-s bloody9 -r ${REALM}`)
    await until(() => stage.secrets.join() === 'bloody9,logen', 'two secrets')
    await redis.turnadmin(`-X logen -r ${REALM}`)
    await until(() => stage.secrets.join() === 'bloody9', 'the second one alone')
  })

  t.test('keeps the secrets that it has had while those in Redis cannot be any, and says why', async (t) => {
    const key = `turn/realm/${REALM}/secret`
    await redis.command('sadd', key, 'line\nend')
    await until(
      () => /^TURN REST secrets: Redis has those of this realm, of which 1 cannot be/.test(stage.problem ?? ''),
      'that',
    )
    await redis.command('srem', key, 'line\nend')
    await until(() => stage.problem === null, 'all is well again')
    await redis.command('sadd', key, ...Array.from({ length: AUTH_SECRET_COUNT_MAX }, (_, index) => `secret${index}`))
    await until(
      () => /^TURN REST secrets: Redis has \d+ of them for this realm: leave \d+ at most/.test(stage.problem ?? ''),
      'that',
    )
    await redis.command('del', key)
    await until(() => stage.problem === null && stage.secrets.length === 0, 'none is none')
    await redis.command('set', key, 'hunter2')
    await until(() => /^TURN REST secrets: Redis has something else there/.test(stage.problem ?? ''), 'that')
    t.equal(await stage.lookup('gorst'), keyOf('gorst', 'hero'))
    await redis.command('del', key)
    await until(() => stage.problem === null, 'all is well again')
  })
})

t.test('a server with passwords', { skip: peerOrSkip('redis-server') }, async (t) => {
  const redis = await TestRedis.start(t, { password: 'turn@/#?:' })
  await redis.turnadmin(`-a -u gorst -r ${REALM} -p hero`)
  await redis.command(...'acl setuser reader on >pw resetkeys ~turn/realm/*/user/* +get +select'.split(' '))
  const address = `127.0.0.1:${redis.port}`
  const file = join(t.testdir(), 'password')
  writeFileSync(file, 'turn@/#?:\n')
  const failureOf = async (options: TurnServerOptions) => {
    const stage = new Stage(t, options)
    const said = await stage.lookup('gorst')
    await until(() => stage.problem !== null || said === keyOf('gorst', 'hero'), 'what is wrong')
    return [said, stage.problem]
  }

  t.test('takes the one of the URL, as it is or escaped, or of the file', async (t) => {
    for (const password of ['turn@/#?:', encodeURIComponent('turn@/#?:')]) {
      t.same(await failureOf({ redis: `redis://:${password}@${address}` }), [keyOf('gorst', 'hero'), null])
    }
    t.same(await failureOf({ redis: `redis://default@${address}`, redisPasswordFile: file }), [
      keyOf('gorst', 'hero'),
      null,
    ])
  })

  t.test('says that there is none, or another one, to look-ups as well', async (t) => {
    const none = 'Redis asks for a password: give it by --redis-password-file'
    t.same(await failureOf({ redis: `redis://${address}` }), [none, none])
    const wrong = 'Redis does not know this user with this password: mend --redis-password-file, or the user in --redis'
    t.same(await failureOf({ redis: `redis://:hunter2@${address}` }), [wrong, wrong])
    t.same(await failureOf({ redis: `redis://nobody:turn@${address}` }), [wrong, wrong])
  })

  t.test('may give users alone: what else is not allowed is said once', async (t) => {
    const stage = new Stage(t, { redis: `redis://reader:pw@${address}` })
    t.equal(await stage.lookup('gorst'), keyOf('gorst', 'hero'))
    await until(() => stage.problem !== null, 'no secrets')
    t.equal(
      stage.problem,
      'TURN REST secrets: Redis does not let this user read it: let it GET and SMEMBERS turn/realm/* (ACL SETUSER)',
    )
  })

  t.test('has no more databases than it has', async (t) => {
    const sentence = 'Redis has no database of this number: mend the one in --redis'
    t.same(await failureOf({ redis: `redis://:turn@%2f#?:@${address}/99` }), [sentence, sentence])
  })
})

t.test('a server over TLS, and over its socket', { skip: peerOrSkip('redis-server', 'openssl') }, async (t) => {
  const { certPath, keyPath } = testCertificate()
  const tlsPort = await closedPort()
  const path = join(temporaryDirectory(), 'redis.sock')
  const tls = ['--tls-port', String(tlsPort), '--tls-cert-file', certPath, '--tls-key-file', keyPath]
  const redis = await TestRedis.start(t, {
    args: [...tls, ...'--tls-auth-clients no --bind 127.0.0.1 127.0.0.2 --unixsocket'.split(' '), path],
  })
  await redis.turnadmin(`-a -u gorst -r ${REALM} -p hero`)
  const saidBy = async (redis: string, redisCa?: string, patience = PATIENCE) => {
    const stage = new Stage(t, { redis, ...(redisCa === undefined ? {} : { redisCa }) }, REALM, patience)
    const said = await stage.lookup('gorst')
    await stage.store.close()
    return said === keyOf('gorst', 'hero') ? 'found' : said
  }

  t.equal(await saidBy(`rediss://localhost:${tlsPort}`, certPath), 'found')
  t.equal(await saidBy(`rediss://127.0.0.1:${tlsPort}`, certPath), 'found')
  t.match(
    await saidBy(`rediss://127.0.0.1:${tlsPort}`),
    /^Redis has a certificate that is not believed \(DEPTH_ZERO_SELF_SIGNED_CERT\): give that of its authority by --redis-ca/,
  )
  t.match(await saidBy(`rediss://127.0.0.2:${tlsPort}`, certPath), /^Redis has a certificate for another name: give/)
  t.match(
    await saidBy(`rediss://127.0.0.1:${redis.port}`, certPath, SHORT),
    /^Redis gives no answer over TLS: give redis:/,
  )
  t.match(
    await saidBy(`redis://127.0.0.1:${tlsPort}`),
    /^Redis has closed the connection without an answer: .*rediss:\/\//,
  )
  t.equal(await saidBy(`unix:${path}`), 'found')
  t.match(await saidBy(`unix:${path}.gone`), /^Redis has no such socket: start it, or mend the path in --redis$/)
})

t.test('turnd doctor', { skip: peerOrSkip('redis-server') }, async (t) => {
  const redis = await TestRedis.start(t, { password: 'pw' })
  const judge = async (options: TurnServerOptions, patienceMs = 20_000) => {
    const { settings } = settingsFromObject({ realm: REALM, redis: `redis://:pw@127.0.0.1:${redis.port}`, ...options })
    const scene = { settings, patienceMs, running: [], machine: {} } as unknown as InsideScene
    return [await redisCheck.run(scene, new AbortController().signal)].flat()
  }
  const name = `--redis redis://127.0.0.1:${redis.port}/0`

  t.test('counts the users and the secrets of the realm', async (t) => {
    for (const user of ['gorst', 'whirrun']) await redis.turnadmin(`-a -u ${user} -r ${REALM} -p hero`)
    await redis.turnadmin(`-a -u stranger -r crinna.org -p hero`)
    await redis.turnadmin(`-s logen -r ${REALM}`)
    t.match(await judge({}), [{ verdict: 'ok', text: `${name} has 2 users and 1 TURN REST secret of realm ${REALM}` }])
    t.match(await judge({ realm: 'crinna.org' }), [{ verdict: 'ok', text: / has 1 user of realm crinna\.org$/ }])
  })

  t.test('says where they are instead, and what of the realm is not read', async (t) => {
    t.match(await judge({ realm: 'north' }), [
      {
        verdict: 'warning',
        text: /has neither users nor .* of realm north, but of crinna\.org, north\.gov$/,
        remedy: /^Mend --realm/,
      },
    ])
    t.match(await judge({ redis: `redis://:pw@127.0.0.1:${redis.port}/1` }), [
      { verdict: 'warning', text: /of realm north\.gov$/, remedy: /^Mend the database in --redis/ },
    ])
    await redis.turnadmin(`-g -r ${REALM} --max-bps 500`)
    await redis.command('sadd', `turn/realm/${REALM}/denied-peer-ip`, '10.0.0.0-10.0.0.9')
    await redis.command('set', `turn/realm/${REALM}/user/old/password`, 'hunter2')
    t.match(await judge({}), [
      { verdict: 'ok' },
      { verdict: 'warning', text: /^1 user in Redis has a password in the clear/ },
      { verdict: 'warning', text: /not read: denied-peer-ip, max-bps$/, remedy: 'Give --deny-peer, --max-bps' },
    ])
    t.notMatch(JSON.stringify(await judge({})), 'hunter2')
  })

  t.test('finds no fault where this server may read what it needs, and count nothing', async (t) => {
    await redis.command('acl', 'setuser', 'turnd', 'on', '>word', '~turn/realm/*', '+get', '+smembers', '+select')
    const asked = { redis: `redis://turnd:word@127.0.0.1:${redis.port}` }
    t.match(await judge(asked), [
      { verdict: 'ok', text: /can be read, and has 1 .* secret of .*; users are not counted/ },
    ])
    await redis.command('acl', 'setuser', 'turnd', '-get')
    t.match(await judge(asked), [{ verdict: 'fault', remedy: /GET and SMEMBERS/ }])
  })

  t.test('says why it cannot be asked, and what to do', async (t) => {
    const asked = { redis: `redis://127.0.0.1:${redis.port}` }
    t.match(await judge(asked), [
      { verdict: 'fault', text: `${name}: Redis asks for a password`, remedy: 'Give it by --redis-password-file' },
    ])
    t.match(await judge({ ...asked, redisPasswordFile: '/nowhere/pw' }), [
      { verdict: 'fault', text: /^--redis-password-file \/nowhere\/pw/, remedy: /^Name a file that is there/ },
    ])
    const silent = await startRawUpstream(t, () => {})
    t.match(await judge({ redis: `redis://127.0.0.1:${silent.port}` }, 50), [
      { verdict: 'fault', text: / gives no answer$/, remedy: /^See whether it hangs/ },
    ])
    t.same(await judge({ redis: undefined }), [])
  })
})

t.test('a server that is down', { skip: peerOrSkip('redis-server') }, async (t) => {
  const redis = await TestRedis.start(t)
  await redis.stop()
  const stage = new Stage(t, { redis: redis.url })
  const refused = 'Redis refuses connections: start it, or mend the address in --redis'
  t.equal(await stage.lookup('gorst'), refused, 'is told at once')
  await until(() => stage.problem === refused, 'that')
  await redis.start()
  await redis.turnadmin(`-a -u gorst -r ${REALM} -p hero`)
  await redis.turnadmin(`-s logen -r ${REALM}`)
  await stage.untilFound('gorst')
  await until(() => stage.secrets.join() === 'logen' && stage.problem === null, 'connected by itself')

  await redis.stop()
  const said = await stage.lookup('gorst')
  t.match(said, /^Redis (?:has closed the connection: see whether it runs|refuses connections: .*)$/)
  await until(() => stage.problem === refused, 'that')
  const tries = await Promise.all(Array.from({ length: 200 }, () => stage.lookup('gorst')))
  t.same([...new Set(tries)], [refused])
  t.same(stage.secrets, ['logen'], 'the secrets that it had hold')

  await redis.start()
  await redis.turnadmin(`-X logen -r ${REALM}`)
  await stage.untilFound('gorst')
  await until(() => stage.problem === null && stage.secrets.length === 0, 'up again, with what is there now')
})

t.test('a server that hangs', { skip: peerOrSkip('redis-server') }, async (t) => {
  const redis = await TestRedis.start(t)
  await redis.turnadmin(`-a -u gorst -r ${REALM} -p hero`)
  const [stage, patient] = [SHORT, PATIENCE].map((patience) => new Stage(t, { redis: redis.url }, REALM, patience))
  for (const each of [stage, patient]) await each.untilFound('gorst')
  redis.hang()
  const silent = 'Redis gives no answer: see whether it hangs, or a firewall is between'
  t.equal(await patient.lookup('gorst', AbortSignal.timeout(50)), silent, 'the signal ends the waiting')
  t.equal(await stage.lookup('gorst', AbortSignal.abort()), silent)
  await until(() => stage.problem === silent, 'the connection is left')
  const never = new AbortController().signal
  t.equal(await stage.lookup('gorst', never), silent, 'and nobody waits for another one')
  redis.goOn()
  await stage.untilFound('gorst')
  await until(() => stage.problem === null, 'all is well again')
})

t.test('what is no Redis server', async (t) => {
  const saidBy = async (t: Test, port: number, patience = PATIENCE) => {
    const stage = new Stage(t, { redis: `redis://127.0.0.1:${port}` }, REALM, patience)
    const said = await stage.lookup('gorst')
    await stage.store.close()
    return said
  }
  const strange = 'Redis does not talk as Redis does: see that --redis names a Redis server'

  t.test('answers as something else does', async (t) => {
    const { port } = await startUpstream(t, (_, response) => response.end('hello'))
    t.equal(await saidBy(t, port), strange)
    const raw = await startRawUpstream(t, (socket) => socket.write('220 mail.example.org ESMTP\r\n'))
    t.equal(await saidBy(t, raw.port), strange)
  })

  t.test('says nothing, or closes the connection', async (t) => {
    const silent = await startRawUpstream(t, () => {})
    t.equal(
      await saidBy(t, silent.port, SHORT),
      'Redis gives no answer: see whether it hangs, or a firewall is between',
    )
    const closing = await startRawUpstream(t, (socket) => socket.destroy())
    t.match(await saidBy(t, closing.port), /^Redis has closed the connection without an answer/)
  })

  t.test('has an answer of its own for everything, which is told without what we sent', async (t) => {
    const cases: [answer: string, sentence: RegExp][] = [
      ['-LOADING Redis is loading the dataset in memory', /^Redis is still loading its data: give it time/],
      ['-MASTERDOWN Link with MASTER is down', /^Redis has lost the server that it copies: start that one/],
      ['-DENIED Redis is running in protected mode', /^Redis is in its protected mode: give it a password/],
      ['-MOVED 3999 127.0.0.1:6381', /^Redis is one of a cluster.*: name a server by --redis that has all/],
      ['-READONLY You can not', /^Redis is a copy/],
      [
        "-ERR unknown command 'GET', with args beginning with: 'hunter2'",
        /^Redis answers with an error, "ERR unknown command": /,
      ],
      [`-ERR ${'x'.repeat(5000)}`, /^.{1,250}$/],
      [':1', /^Redis does not talk as Redis does/],
      ['$600000000', /^Redis gives no answer/],
    ]
    for (const [answer, sentence] of cases) {
      const server = await startRawUpstream(t, (socket) => socket.on('data', () => socket.write(`${answer}\r\n`)))
      const said = await saidBy(t, server.port, answer.startsWith('$') ? SHORT : PATIENCE)
      t.match(said, sentence)
      t.notMatch(said, 'hunter2')
    }
  })

  t.test('answers more than it was asked for: no answer goes to another question', async (t) => {
    const server = await startRawUpstream(t, (socket) => {
      socket.on('data', (bytes) =>
        socket.write(`${bytes}`.includes('SMEMBERS') ? '*0\r\n' : `$32\r\n${'a'.repeat(32)}\r\n+x\r\n+y\r\n`),
      )
    })
    const stage = new Stage(t, { redis: `redis://127.0.0.1:${server.port}` }, REALM, {
      ...PATIENCE,
      betweenReads: 60_000,
    })
    t.equal(await stage.lookup('one'), 'a'.repeat(32))
    await until(() => stage.problem === strange, 'the connection is left')
  })
})

t.test('the end', async (t) => {
  t.test('comes at once while a connection begins, and leaves nothing open', async (t) => {
    let socketClosed: Promise<unknown> = Promise.resolve()
    const silent = await startRawUpstream(t, (socket) => {
      socketClosed = once(socket, 'close')
      socket.resume()
    })
    for (const scheme of ['redis', 'rediss']) {
      const stage = new Stage(t, { redis: `${scheme}://127.0.0.1:${silent.port}` }, REALM, {
        ...PATIENCE,
        open: 60_000,
      })
      const asked = stage.lookup('gorst')
      await until(() => process.getActiveResourcesInfo().includes('TCPSocketWrap'), 'a socket')
      const isAsked = new Promise((resolve) => setImmediate(resolve))
      await isAsked
      await before(stage.store.close(), 'the end')
      t.equal(await asked, 'Redis is not asked any more')
      await before(socketClosed, 'its end at the other side')
    }
  })

  t.test('is there once, and look-ups after it are told so', async (t) => {
    const stage = new Stage(t, { redis: `redis://127.0.0.1:${await closedPort()}` })
    await Promise.all([stage.store.close(), stage.store.close()])
    t.match(await stage.lookup('gorst'), /^Redis (?:is not asked any more|refuses connections)/)
  })
})
