import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../support/project-root.js'
import { allCorpus, bytesOfCorpusText, CORPUS_FOLDER, CORPUS_KINDS, corpusText } from './corpus.js'
import { writeFailureFiles } from './failure-files.js'
import { FUZZ_HELP, readFuzzArguments } from './run-arguments.js'
import { FuzzFailure } from './target.js'

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const PROGRAM = join(projectRoot, 'build', 'test', 'fuzz', 'run.js')
const read = (...argv: string[]) => readFuzzArguments(argv, ['codec', 'core'], ['dgram', 'native'])

function run(...args: string[]): Promise<Run> {
  const env = { PATH: process.env.PATH ?? '' }
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

t.test('npm run fuzz', async (t) => {
  t.test('says what is wrong with its arguments, and ends with 2', async (t) => {
    const rows: [string[], string][] = [
      [['--target', 'x'], '--target x: give one of codec, core'],
      [['--engine', 'x'], '--engine x: give one of dgram, native'],
      [['--seconds', 'x'], '--seconds x: give a number of 0 or more'],
      [['--seconds', '0'], '--seconds 0 runs nothing: give more'],
      [['--seed', '1.5'], '--seed 1.5: give a whole number from 0 to 4294967295'],
      [['--seed', '4294967296'], '--seed 4294967296: give a whole number from 0 to 4294967295'],
      [['--seconds', '1', '--iterations', '1'], '--seconds and --iterations exclude each other: give one of them'],
      [['--nonsense'], "Unknown option '--nonsense': --help lists the options"],
    ]
    for (const [argv, message] of rows) t.throws(() => read(...argv), { message }, argv.join(' '))
    const { code, stderr } = await run('--target', 'nothing')
    t.equal(code, 2)
    t.equal(stderr, 'fuzz: --target nothing: give one of codec, core, parsers, sockets\n')
  })

  t.test('runs what it is asked to, prints its seed and how far it got, and ends with 0', async (t) => {
    t.match(read('--target', 'core', '--target', 'core', '--seed', '1'), {
      targets: ['core'],
      engines: ['dgram', 'native'],
      seed: 1,
    })
    const { code, stdout } = await run('--target', 'codec', '--iterations', '500', '--seed', '9')
    t.equal(code, 0)
    t.match(
      stdout,
      /^fuzzing codec: 500 iterations each, --seed 9\ncodec: 500 inputs in [0-9.]+ s .*% decoded.*; no failure\n$/,
    )
    t.match((await run('--list')).stdout, /^codec +\S.*\ncore +\S.*\nparsers +\S.*\nsockets +\S.*\n$/)
    t.equal(read('--help'), 'help')
    t.match(FUZZ_HELP, /--target NAME/)
  })

  t.test('writes inputs of a failure as files of the corpus', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'turnd-fuzz-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)
    const failure = new FuzzFailure(
      5,
      6,
      [{ kind: 'stun', about: 'a line\nand # another', bytes }],
      new Error('broken'),
    )
    const [path] = writeFailureFiles(failure, 'codec', join(folder, 'new'))
    t.equal(path, join(folder, 'new', 'stun-codec-5-1.hex'))
    t.ok(existsSync(path))
    t.same(bytesOfCorpusText(readFileSync(path, 'utf8')), bytes)
  })
})

t.test('the corpus', async (t) => {
  t.test('has files of every kind, each of which begins with a comment', async (t) => {
    const entries = allCorpus()
    for (const kind of CORPUS_KINDS) t.ok(entries.filter((entry) => entry.kind === kind).length >= 2, kind)
    for (const { name } of entries) {
      const text = readFileSync(join(CORPUS_FOLDER, name), 'utf8')
      if (!/^# \S/.test(text) || text.length > 8_000) t.fail(`${name} is small, and says what it is`)
    }
  })

  t.test('is read as it was written', async (t) => {
    t.same(bytesOfCorpusText('# about\n00 01 # more 99\n\n02'), Uint8Array.of(0, 1, 2))
    t.same(bytesOfCorpusText(corpusText(new Uint8Array(0), 'nothing')), new Uint8Array(0))
    t.throws(() => bytesOfCorpusText('0x'), RangeError)
  })
})
