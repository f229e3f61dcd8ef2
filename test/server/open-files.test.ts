// A limit of open files that is too small for the licence: said at the start, with the figure to set.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { openFileLimit } from '../../src/net/open-file-limit.js'
import { filesNeeded, type OpenFilesPlan, openFilesWarning } from '../../src/server/open-files.js'

const PLAN: OpenFilesPlan = {
  ...{ maxAllocations: 1800, relayHostCount: 1, portCount: 6000, familyCount: 1 },
  ...{ workerCount: 2, listenerCount: 1, hasStreams: false },
}

t.test('the limit of this process', async (t) => {
  t.test('is what the system says, which Node has raised', { skip: process.platform !== 'linux' }, async (t) => {
    const script = `import('${new URL('../../src/net/open-file-limit.js', import.meta.url)}').then((m) => console.log(m.openFileLimit()))`
    const output = execFileSync('sh', ['-c', 'ulimit -n 345; exec "$@"', 'sh', process.execPath, '-e', script])
    t.equal(String(output).trim(), '345')
  })

  t.test('is none where it is unlimited, or where nothing is said', async (t) => {
    t.equal(
      openFileLimit(() => 'Max open files            unlimited            unlimited            files\n'),
      Number.POSITIVE_INFINITY,
    )
    t.equal(
      openFileLimit(() => {
        throw new Error('ENOENT')
      }),
      Number.POSITIVE_INFINITY,
    )
  })
})

t.test('what the licence needs', async (t) => {
  t.test('is a socket for each relay, of each family, and one for each client over TCP', async (t) => {
    const base = filesNeeded({ ...PLAN, maxAllocations: 0 })
    t.equal(filesNeeded(PLAN), base + 1800)
    t.equal(filesNeeded({ ...PLAN, familyCount: 2 }), base + 3600)
    t.equal(filesNeeded({ ...PLAN, hasStreams: true }), base + 3600)
    t.ok(base >= 64 && base < 256, `${base} without any`)
  })

  t.test('is no more than there are ports for', async (t) => {
    t.equal(filesNeeded({ ...PLAN, maxAllocations: 1_000_000 }), filesNeeded({ ...PLAN, maxAllocations: 6000 }))
  })
})

t.test('the warning', async (t) => {
  t.test('comes below what is needed, and not at it', async (t) => {
    const needed = filesNeeded(PLAN)
    t.equal(openFilesWarning(PLAN, needed), null)
    t.equal(openFilesWarning(PLAN, Number.POSITIVE_INFINITY), null)
    t.equal(
      openFilesWarning(PLAN, needed - 1),
      `this process may open ${needed - 1} files, and --max-allocations 1800 needs up to ${needed}: ` +
        'set the limit to 2048 (LimitNOFILE=2048 in the systemd unit, ulimit -n 2048 in a shell), or lower --max-allocations',
    )
  })

  t.test('proposes a limit that is enough', async (t) => {
    for (const maxAllocations of [1, 100, 1800, 6000]) {
      for (const hasStreams of [false, true]) {
        const plan = { ...PLAN, maxAllocations, hasStreams }
        const proposed = Number(/LimitNOFILE=(\d+)/.exec(openFilesWarning(plan, 10) ?? '')?.[1])
        t.equal(openFilesWarning(plan, proposed), null)
      }
    }
  })
})
