// The control socket: who may ask, what a request may be, how many at once, and what becomes of sockets whose server was killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askServers, type ControlAnswer } from '../../src/admin/control-client.js'
import { controlSocketsIn } from '../../src/admin/control-directory.js'
import { type ControlCommand, ControlSocket } from '../../src/admin/control-socket.js'
import { CONTROL_CONNECTION_COUNT_MAX, CONTROL_REQUEST_BYTES_MAX } from '../../src/limits/reports.js'
import { until } from '../command/until.js'
import { temporaryDirectory } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'

const COMMANDS: Readonly<Record<string, ControlCommand>> = {
  echo: (request) => request,
  fail: () => {
    throw new Error('this cannot be')
  },
}

async function open(t: Test, directory = temporaryDirectory()): Promise<ControlSocket> {
  const socket = await ControlSocket.open(directory, COMMANDS)
  t.teardown(() => socket.close())
  return socket
}

async function connectTo(t: Test, { path }: ControlSocket): Promise<Socket> {
  const socket = connect(path)
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** All that comes until the server closes. */
async function receive(socket: Socket, milliseconds = 5_000): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  await withDeadline(closed, milliseconds, () => `the connection stays open after ${text}`)
  return text
}

async function answerTo(t: Test, control: ControlSocket, line: string | Buffer): Promise<unknown> {
  const socket = await connectTo(t, control)
  socket.write(line)
  return JSON.parse(await receive(socket))
}

t.test('the socket', async (t) => {
  t.test('is for its owner alone, and has the number of the process', async (t) => {
    const umask = process.umask(0)
    const { path } = await open(t)
    t.equal(process.umask(umask), 0, 'the mask of other files is what it was')
    t.match(path, new RegExp(`/control-${process.pid}\\.sock$`))
    t.equal(statSync(path).mode & 0o777, 0o600)
  })

  t.test('is gone when it is closed, with whom it served', async (t) => {
    const directory = temporaryDirectory()
    const control = await ControlSocket.open(directory, COMMANDS)
    const socket = await connectTo(t, control)
    await control.close()
    t.equal(await receive(socket), '')
    t.same(readdirSync(directory), [])
  })

  t.test('lies deeper than a socket may have its path', async (t) => {
    const directory = join(temporaryDirectory(), ...Array.from({ length: 10 }, () => 'very-long-name'))
    mkdirSync(directory, { recursive: true })
    const control = await open(t, directory)
    t.ok(control.path.length > 107 && existsSync(control.path))
    t.match(await askServers(directory, { command: 'echo', text: 'deep' }), [
      { kind: 'result', result: { text: 'deep' } },
    ])
    await control.close()
    t.same(readdirSync(directory), [])
  })

  t.test('has a name of its own when another container has a process of this number', async (t) => {
    const directory = temporaryDirectory()
    const [first, second] = [await open(t, directory), await open(t, directory)]
    t.not(first.path, second.path)
    const answers = await askServers(directory, { command: 'echo' })
    t.same(
      answers.map(({ kind, path }) => [kind, path]).sort(),
      [first, second].map(({ path }) => ['result', path]).sort(),
    )
  })

  t.test('cannot be where there is no directory, or none that takes files', async (t) => {
    const directory = temporaryDirectory()
    await t.rejects(ControlSocket.open(join(directory, 'nowhere'), COMMANDS), { code: /EACCES|ENOENT/ })
    writeFileSync(join(directory, 'file'), '')
    await t.rejects(ControlSocket.open(join(directory, 'file'), COMMANDS), { code: 'ENOTDIR' })
    await t.rejects(ControlSocket.open('/proc', COMMANDS), Error)
  })
})

t.test('what a killed server has left', async (t) => {
  const directory = temporaryDirectory()
  const left = join(directory, 'control-4000000.sock')
  const other = join(directory, 'other.sock')
  const listen = `require('node:net').createServer().listen(${JSON.stringify(left)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const foreign = createServer().listen(other)
  await once(foreign, 'listening')
  t.teardown(() => foreign.close())
  writeFileSync(join(directory, 'control-1.sock.txt'), '')

  t.test('is not taken away while that server lives', async (t) => {
    const control = await open(t, directory)
    t.same(controlSocketsIn(directory).sort(), [left, control.path].sort())
  })

  t.test('is no server for whoever asks, and goes when the next one starts', async (t) => {
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.same(await askServers(directory, { command: 'echo' }), [{ kind: 'dead', path: left }])
    const control = await open(t, directory)
    t.same(controlSocketsIn(directory), [control.path])
    t.ok(existsSync(other), 'what is not ours stays')
    t.ok(existsSync(join(directory, 'control-1.sock.txt')))
  })
})

t.test('a request', async (t) => {
  const control = await open(t)
  const ask = (line: string | Buffer) => answerTo(t, control, line)

  t.test('is one line of JSON, and so is its answer', async (t) => {
    t.same(await ask('{"version":1,"command":"echo","text":"é"}\n'), { version: 1, result: { text: 'é' } })
  })

  t.test('may come in pieces', async (t) => {
    const socket = await connectTo(t, control)
    socket.setNoDelay(true)
    for (const byte of Buffer.from('{"version":1,"command":"echo"}\n')) socket.write(Uint8Array.of(byte))
    t.same(JSON.parse(await receive(socket)), { version: 1, result: {} })
  })

  const wrong: readonly [what: string, line: string, error: RegExp][] = [
    ['is no JSON', 'why\n', /line of JSON/],
    ['is no object', '7\n', /JSON object/],
    ['is null', 'null\n', /JSON object/],
    ['has another version', '{"version":2,"command":"echo"}\n', /speaks version 1/],
    ['has an unknown command', '{"version":1,"command":"stop"}\n', /no such command, only echo, fail/],
    ['has a command of every object', '{"version":1,"command":"toString"}\n', /no such command/],
    ['fails', '{"version":1,"command":"fail"}\n', /^this cannot be$/],
    [
      `has more than ${CONTROL_REQUEST_BYTES_MAX} bytes`,
      `${' '.repeat(CONTROL_REQUEST_BYTES_MAX + 1)}\n`,
      /at most 4096 bytes/,
    ],
    ['has that many and no end', 'x'.repeat(CONTROL_REQUEST_BYTES_MAX + 1), /at most 4096 bytes/],
  ]
  for (const [what, line, error] of wrong) {
    t.test(`that ${what} gets a sentence`, async (t) => t.match(await ask(line), { version: 1, error }))
  }

  t.test(`of ${CONTROL_REQUEST_BYTES_MAX} bytes is taken`, async (t) => {
    const [start, end] = ['{"version":1,"command":"echo"', '}']
    const line = `${start}${' '.repeat(CONTROL_REQUEST_BYTES_MAX - start.length - end.length)}${end}\n`
    t.same(await ask(line), { version: 1, result: {} })
  })

  t.test('that does not end is not waited for', async (t) => {
    const impatient = await ControlSocket.open(temporaryDirectory(), COMMANDS, 100)
    t.teardown(() => impatient.close())
    const socket = await connectTo(t, impatient)
    socket.write('{"version":1,')
    t.equal(await receive(socket), '')
  })
})

t.test(`${CONTROL_CONNECTION_COUNT_MAX} are served at once; others are told to try again`, async (t) => {
  const directory = temporaryDirectory()
  const control = await open(t, directory)
  const sockets: Socket[] = []
  for (let count = 0; count < CONTROL_CONNECTION_COUNT_MAX; count++) sockets.push(await connectTo(t, control))
  t.match(await askServers(directory, { command: 'echo' }), [{ kind: 'failed', error: /busy.*try again/ }])
  sockets[0].destroy()
  await until(
    async () => (await askServers(directory, { command: 'echo' }))[0].kind === 'result',
    'there is room again',
  )
})

t.test('the asking side', async (t) => {
  const serve = async (t: Test, answer: string | null) => {
    const directory = temporaryDirectory()
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        if (answer !== null) socket.end(answer)
      })
    })
    server.listen(join(directory, 'control-1.sock'))
    await once(server, 'listening')
    t.teardown(() => server.close())
    return directory
  }

  t.test('does not believe an answer that is none', async (t) => {
    const directory = await serve(t, 'nonsense\n')
    t.match(await askServers(directory, {}), [{ kind: 'failed', error: 'the answer is no JSON' }])
  })

  t.test('finds nobody in a directory that is not there, and says what else is wrong with it', async (t) => {
    const directory = temporaryDirectory()
    t.same(await askServers(join(directory, 'nowhere'), {}), [])
    writeFileSync(join(directory, 'file'), '')
    await t.throws(() => askServers(join(directory, 'file'), {}), { code: 'ENOTDIR' })
  })
})

t.test('of two servers of which one hangs, the other is heard, and the hung one is named', async (t) => {
  const directory = temporaryDirectory()
  const hung = createServer()
  t.teardown(() => hung.close())
  hung.on('connection', (socket) => t.teardown(() => socket.destroy()))
  hung.listen(join(directory, 'control-7.sock'))
  await once(hung, 'listening')
  const { path } = await open(t, directory)
  const answers = await askServers(directory, { command: 'echo', text: 'here' }, 500)
  const isHung = (answer: ControlAnswer) => answer.path.endsWith('/control-7.sock')
  t.match(answers.filter(isHung), [{ kind: 'failed', error: 'no answer within 0.5 s: it hangs, or was stopped' }])
  t.match(
    answers.filter((answer) => !isHung(answer)),
    [{ kind: 'result', path, result: { text: 'here' } }],
  )
})
