// With no file descriptor left, relays and connections fail like for any other reason, and what is open goes on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { projectRoot } from '../../support/project-root.js'
import { BOTH } from './peer-sockets-under-test.js'
import { RelayStage } from './relay-stage.js'

const FILE_COUNT_MAX = 128
const PROCESS = join(projectRoot, 'build/test/net/tcp-relay/exhausted-process.js')

for (const maker of BOTH) {
  t.test(`TCP relays without file descriptors (${maker.name})`, { skip: maker.skip }, async (t) => {
    const stage = new RelayStage(t, maker)
    const peers = [await stage.listen(), await stage.listen(), await stage.listen()]
    const command = `ulimit -n ${FILE_COUNT_MAX} && exec "$@"`
    const ports = peers.map(({ address }) => String(address.port))
    const args = ['-c', command, 'sh', process.execPath, PROCESS, maker.name, ...ports]
    const child = spawn('sh', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    t.equal(code, 0)
    const notes = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    t.same(notes.slice(0, 3), [['opened', 1], 'EMFILE', ['failed', 2, false]])
    const answers = notes.slice(3, 5).map((note) => (note as [string, number])[0])
    // Without SO_REUSEPORT the listener closes for a moment: its file descriptor is the first connection's.
    t.same(answers.sort(), ['connect failed', maker.name === 'native' ? 'connect failed' : 'connected'])
    t.match(notes.slice(5), [
      ['connected', 13],
      ['connection', 1],
    ])
  })
}
