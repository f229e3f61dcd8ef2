// `npm run lab`: reads its arguments, installs what the lab needs where it is missing (npm's packages, Debian's), builds, compiles, and runs test/lab/run.ts with the same arguments.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readLabOptions } from './lab-options.mjs'

const root = resolve(import.meta.dirname, '..')
const PREPARATION = [
  ...(existsSync(join(root, 'node_modules')) ? [] : [['npm', 'ci']]),
  ['bash', 'scripts/install-peers.sh'],
  ['npm', 'run', '--silent', 'build'],
  ['npm', 'run', '--silent', 'compile'],
]

let running = null
// The terminal tells the children as well; this process waits until they have cleaned up.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal))

// Files are named as the run sees them, which is started there.
process.chdir(root)
readLabOptions(process.argv.slice(2))
if (process.getuid?.() !== 0) {
  console.error('npm run lab makes network namespaces, which only root can do: run it as root (sudo npm run lab)')
  process.exit(1)
}
process.exitCode = await prepareAndRun()

async function prepareAndRun() {
  for (const [command, ...args] of PREPARATION) {
    console.log(`── ${[command, ...args].join(' ')}`)
    const code = await run(command, args)
    if (code !== 0) return code
  }
  return run(process.execPath, ['--enable-source-maps', 'build/test/lab/run.js', ...process.argv.slice(2)])
}

/** Resolves with the exit code: 128 and more after an end by a signal, 127 when the command cannot be started. */
function run(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' })
    running = child
    child.on('error', (error) => {
      console.error(`cannot run ${command}: ${error.message}`)
      done(127)
    })
    child.on('close', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}
