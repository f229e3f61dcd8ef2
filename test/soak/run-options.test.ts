// What `npm run churn`, `npm run crash` and `npm run sim` say about their arguments, before anything is started.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

interface Command {
  readonly name: string
  readonly file: string
  /** Each with the sentence for it. */
  readonly wrong: readonly (readonly [args: readonly string[], sentence: RegExp])[]
}

const NONSENSE = [['--nonsense'], /^Unknown option '--nonsense': --help lists the options\n$/] as const

const COMMANDS: readonly Command[] = [
  {
    name: 'churn',
    file: 'run-churn.js',
    wrong: [
      NONSENSE,
      [['more'], /^Unexpected argument 'more'.*: --help lists the options\n$/],
      [['--cycles', '0'], /^--cycles 0: give a whole number from 1 to 1000000000\n$/],
      [['--cycles', ''], /^--cycles : give a whole number/],
      [['--transport', 'dtls'], /^--transport dtls: give one of udp, tcp, tls\n$/],
    ],
  },
  {
    name: 'crash',
    file: 'run-crash.js',
    wrong: [NONSENSE, [['--allocations', '49'], /^--allocations 49: give a whole number from 50 to 8000\n$/]],
  },
  {
    name: 'sim',
    file: '../sim/run.js',
    wrong: [
      NONSENSE,
      [['--seeds', '0'], /^--seeds 0: give a whole number from 1 to /],
      [['--engine', 'steam'], /^--engine steam: give one of bare, /],
    ],
  },
]

function run(file: string, args: readonly string[]) {
  return spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], { encoding: 'utf8', timeout: 60_000 })
}

for (const { file, name, wrong } of COMMANDS) {
  t.test(`npm run ${name} -- --help prints how it is used`, async (t) => {
    const { status, stderr, stdout } = run(file, ['--help'])
    t.equal(status, 0)
    t.equal(stderr, '')
    t.match(stdout, new RegExp(`^Usage: npm run ${name} -- \\[options\\]\n`))
    t.match(stdout, /--engine NAME[\s\S]*Exit code: 0 .*; 2 bad arguments\.\n$/)
  })
  for (const [args, sentence] of wrong) {
    t.test(`npm run ${name} -- ${args.join(' ')} is told what is wrong`, async (t) => {
      const { status, stderr, stdout } = run(file, args)
      t.equal(status, 2)
      t.match(stderr, sentence)
      t.equal(stdout, '')
    })
  }
}
