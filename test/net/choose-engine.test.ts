// Which engine is chosen, and what is said about it, with the real self-test failing in every way it can, and with other programs in
// its place. The modules are copied to a folder of their own where that needs another node_modules or another self-test.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import * as original from '../../src/net/choose-engine.js'
import { withoutKoffi } from '../support/engines.js'
import { findCommand } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'

const { chooseEngine, parseResult, unsupportedReason } = original
const COMPILED_SOURCES = join(dirname(fileURLToPath(import.meta.url)), '../../src')
/** A stray node_modules above the copy would be found. */
const TEMPORARY_ROOTS = [tmpdir(), '/var/tmp', '/dev/shm']
const NOBODY = '65534'

t.setTimeout(240_000)

/** The modules in a temporary folder that everybody may read, without any node_modules. */
function copyModules(t: Test): string {
  const root = TEMPORARY_ROOTS.find((path) => !existsSync(join(path, 'node_modules')))
  if (root === undefined) throw new Error(`each of ${TEMPORARY_ROOTS.join(', ')} has a node_modules`)
  const directory = mkdtempSync(join(root, 'turnd-engine-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  const forget = onProcessEnd(remove)
  t.teardown(() => {
    forget()
    remove()
  })
  chmodSync(directory, 0o755)
  for (const path of ['config/errors.js', 'config/program-files.js', 'limits', 'net/choose-engine.js', 'net/native']) {
    cpSync(join(COMPILED_SOURCES, path), join(directory, path), { recursive: true })
  }
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  // By which a program finds its files.
  writeFileSync(join(directory, 'turnd.js'), '')
  return directory
}

/** choose-engine.ts with this program for its self-test. */
async function withSelfTest(t: Test, program: string): Promise<typeof original> {
  const directory = copyModules(t)
  writeFileSync(join(directory, 'net/native/self-test.js'), program)
  return import(pathToFileURL(join(directory, 'net/choose-engine.js')).href)
}

t.test('unsupportedReason', async (t) => {
  t.test('has nothing against Linux on x86-64 and arm64', async (t) => {
    t.equal(unsupportedReason('linux', 'x64', 'LE'), null)
    t.equal(unsupportedReason('linux', 'arm64', 'LE'), null)
  })
  t.test('names what the machine is instead', async (t) => {
    t.equal(unsupportedReason('darwin', 'arm64', 'LE'), 'the native engine needs Linux, and this is darwin')
    for (const [architecture, order] of [
      ['ia32', 'LE'],
      ['s390x', 'BE'],
      ['riscv64', 'LE'],
      ['arm64', 'BE'],
    ] as const) {
      t.match(unsupportedReason('linux', architecture, order), `and this is ${architecture} (${order})`)
    }
  })
})

t.test('parseResult', async (t) => {
  t.test('takes one result', async (t) => {
    const result = { ok: true, gro: true, gso: false, problem: 'a sentence' }
    t.same(parseResult(`${JSON.stringify(result)}\n`), result)
  })
  t.test('takes nothing else', async (t) => {
    const result = '{"ok":true,"gro":true,"gso":true,"problem":""}'
    for (const output of [
      '',
      '\n',
      'null',
      '7',
      '[]',
      '{}',
      '{"ok":true}',
      `${result}${result}`,
      `x${result}`,
      result.slice(0, -1),
    ]) {
      t.match(parseResult(output), { ok: false, gro: false, gso: false, problem: /printed something else/ }, output)
    }
    for (const field of ['"ok":true,', '"gro":true,', '"gso":true,', ',"problem":""']) {
      t.match(parseResult(result.replace(field, '')), { ok: false }, `without ${field}`)
    }
    t.match(parseResult(result.replace('"ok":true', '"ok":1')), { ok: false })
  })
})

t.test('chooseEngine', async (t) => {
  t.test('takes dgram without a word when it is wanted', async (t) => {
    t.same(await chooseEngine('dgram', { TURND_SELF_TEST_FAIL: 'crash' }), { engine: 'dgram', reason: '' })
  })

  t.test('on this machine', { skip: withoutKoffi() }, async (t) => {
    const native = (gro: boolean, gso: boolean, reason: string | RegExp) => ({
      engine: 'native',
      offloads: { gro, gso },
      reason,
    })
    const choices: Readonly<Record<string, object>> = {
      nothing: native(true, true, ''),
      gro: native(false, true, /^UDP_GRO is not there \(errno 92\): bursts are received packet by packet$/),
      gso: native(true, false, /^UDP_SEGMENT does not work \(errno 22\): bursts are sent packet by packet$/),
      koffi: { engine: 'dgram', reason: /^koffi cannot be loaded: / },
      layout: {
        engine: 'dgram',
        reason: /^the native engine's self-test failed: memory beside the .* was written to$/,
      },
      crash: { engine: 'dgram', reason: "the native engine's self-test crashed with SIGABRT" },
      hang: { engine: 'dgram', reason: "the native engine's self-test did not end within 8 seconds" },
    }
    for (const [fail, choice] of Object.entries(choices)) {
      t.test(`where ${fail} fails`, async (t) => {
        const environment = { ...process.env, TURND_SELF_TEST_FAIL: fail }
        t.match(await chooseEngine('auto', environment), choice)
        if (fail === 'hang') return
        const demanded = chooseEngine('native', environment)
        if ('offloads' in choice) t.match(await demanded, choice)
        else
          await t.rejects(demanded, { code: 'TURND_ERR_ENGINE', message: /^--engine native is not possible .*; mend / })
      })
    }

    // Else the tests above have shown it.
    const skip = process.getuid?.() !== 0 ? 'already an ordinary user' : findCommand('setpriv') === null && 'no setpriv'
    t.test('needs no privileges', { skip }, async (t) => {
      const directory = copyModules(t)
      mkdirSync(join(directory, 'node_modules'))
      for (const name of ['koffi', '@koromix']) {
        cpSync(join(projectRoot, 'node_modules', name), join(directory, 'node_modules', name), { recursive: true })
      }
      const selfTest = join(directory, 'net/native/self-test.js')
      const user = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all']
      const args = [...user, '--no-new-privs', process.execPath, selfTest]
      const { stdout, stderr } = spawnSync(findCommand('setpriv')!, args, { cwd: '/', env: {}, encoding: 'utf8' })
      t.same(parseResult(stdout), { ok: true, gro: true, gso: true, problem: '' }, stderr)
    })
  })

  const isLinux = unsupportedReason(process.platform, process.arch, 'LE') === null
  t.test('with the self-test going wrong', { skip: !isLinux && 'no native engine here' }, async (t) => {
    t.test('because koffi is not installed', async (t) => {
      const copy: typeof original = await import(pathToFileURL(join(copyModules(t), 'net/choose-engine.js')).href)
      const reason = 'koffi is not installed (npm install koffi)'
      t.same(await copy.chooseEngine('auto', {}), { engine: 'dgram', reason })
      await t.rejects(copy.chooseEngine('native', {}), {
        code: 'TURND_ERR_ENGINE',
        message: `--engine native is not possible on this machine: ${reason}; mend that, or choose --engine auto or dgram`,
      })
    })

    const programs: readonly (readonly [what: string, program: string, reason: string])[] = [
      ['with a code', 'process.exit(3)', 'ended with code 3'],
      ['by an error', 'throw new Error()', 'ended with code 1'],
      ['by a signal', "process.kill(process.pid, 'SIGSEGV')", 'crashed with SIGSEGV'],
      ['silently', '', 'printed something else than its result'],
      ['with words', "console.log('ok')", 'printed something else than its result'],
      ['without end', "for (;;) process.stdout.write('x'.repeat(65536))", 'printed without end'],
    ]
    for (const [what, program, reason] of programs) {
      t.test(what, async (t) => {
        const copy = await withSelfTest(t, program)
        t.same(await copy.chooseEngine('auto', {}), {
          engine: 'dgram',
          reason: `the native engine's self-test ${reason}`,
        })
      })
    }

    t.test('is tried again by the next server; what has passed is not', async (t) => {
      const log = join(t.testdir({}), 'log')
      const copy = await withSelfTest(
        t,
        `import { appendFileSync, readFileSync } from 'node:fs'
        appendFileSync(${JSON.stringify(log)}, 'x')
        const problem = readFileSync(${JSON.stringify(log)}).length < 3 ? 'not yet' : ''
        console.log(JSON.stringify({ ok: problem === '', gro: true, gso: true, problem }))`,
      )
      const choose = async (environment: NodeJS.ProcessEnv = {}) => {
        const { engine } = await copy.chooseEngine('auto', environment)
        return `${engine} after ${readFileSync(log).length}`
      }
      t.equal(await choose(), 'dgram after 1')
      t.equal(await choose(), 'dgram after 2')
      // Servers that start together wait for the same.
      t.same(await Promise.all([choose(), choose()]), ['native after 3', 'native after 3'])
      t.equal(await choose(), 'native after 3')
      t.equal(await choose({ TURND_SELF_TEST_FAIL: 'gro' }), 'native after 4', 'another environment is another test')
    })

    t.test('gives it no more environment than it needs', async (t) => {
      // tap adds variables of its own to every process that a test starts.
      const copy = await withSelfTest(
        t,
        `const isOurs = ([name, value]) => !name.startsWith('_TAPJS') && (name !== 'NODE_OPTIONS' || value.includes('--inspect'))
        const names = Object.entries(process.env).filter(isOurs).map(([name]) => name)
        console.log(JSON.stringify({ ok: false, gro: false, gso: false, problem: names.sort().join() }))`,
      )
      const environment = {
        TURND_AUTH_SECRET: 'x',
        NODE_OPTIONS: '--inspect',
        PATH: '/bin',
        TURND_SELF_TEST_FAIL: 'gro',
      }
      const reason = 'TURND_SELF_TEST,TURND_SELF_TEST_FAIL'
      t.same(await copy.chooseEngine('auto', environment), { engine: 'dgram', reason })
    })

    t.test('is not started again by itself, where process.execPath is an application', async (t) => {
      t.match(await chooseEngine('auto', { TURND_SELF_TEST: '1' }), { engine: 'dgram', reason: /which is not Node$/ })
    })
  })
})
