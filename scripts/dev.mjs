// `npm run dev -- --realm turnuser …`: rebuilds dist/ when a source changes and restarts the server on the new build; the page is built beside it.
// Arguments go to the server. Ends, with both children, on SIGINT or SIGTERM.
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const server = join(root, 'dist', 'turnd.js')
const serverArguments = process.argv.slice(2)
// Clients that are connected must not delay a restart.
if (!serverArguments.includes('--drain-timeout')) serverArguments.push('--drain-timeout', '0')
const children = new Set()
let isEnding = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0))

// One build first, so that there is something to start. With type errors it is started all the same.
start(process.execPath, ['scripts/bundle.mjs', 'dist'], () => {
  buildPage(() => {
    start('tsc', ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'], end)
    start(process.execPath, ['scripts/bundle.mjs', 'dist', '--watch'], end)
    watchPage()
    start(
      process.execPath,
      ['--watch', '--watch-preserve-output', '--enable-source-maps', server, ...serverArguments],
      end,
    )
  })
})

function buildPage(onBuilt) {
  start(process.execPath, ['scripts/page.mjs', 'dist'], onBuilt)
}

/** The page is built whenever one of its files changes: reload the browser's tab. The server goes on. */
function watchPage() {
  let isBuilding = false
  let isChanged = false
  const build = () => {
    if (isBuilding || !isChanged || isEnding) return
    isBuilding = true
    isChanged = false
    buildPage(() => {
      isBuilding = false
      build()
    })
  }
  watch(join(root, 'src', 'page'), { recursive: true }, () => {
    isChanged = true
    build()
  })
}

function start(command, args, onExit) {
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path } })
  children.add(child)
  child.on('error', (error) => {
    console.error(`dev: cannot run ${command}: ${error.message}`)
    end(1)
  })
  child.on('exit', (code) => {
    children.delete(child)
    if (!isEnding) onExit(code ?? 1)
    else if (children.size === 0) process.exit()
  })
}

function end(code) {
  if (isEnding) return
  isEnding = true
  process.exitCode = code
  for (const child of children) child.kill('SIGTERM')
  if (children.size === 0) process.exit()
  setTimeout(() => {
    for (const child of children) child.kill('SIGKILL')
    process.exit()
  }, 5000).unref()
}
