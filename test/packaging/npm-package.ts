// The tarball that `npm pack` makes of this project, and npm and npx as somebody starts them elsewhere. Used by npm-pack.test.ts.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { withDeadline } from '../support/deadline.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'

/** npm asks a registry, or its cache, for what turnd depends on. */
const INSTALL_MILLISECONDS_MAX = 240_000
const STOP_MILLISECONDS_MAX = 60_000
const CONTROL_SOCKET = /^control-(\d+)\.sock$/

/** A folder of its own, which goes with `t`. */
export function emptyFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnd-package-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const forget = onProcessEnd(remove)
  t.teardown(() => {
    forget()
    remove()
  })
  return folder
}

/** Packs what was built last: `npm pack` itself would build again. Returns the path of the tarball. */
export function packInto(folder: string): string {
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  execFileSync('npm', args, { cwd: projectRoot, env: npmEnvironment(), stdio: 'pipe' })
  const [name] = readdirSync(folder).filter((file) => file.endsWith('.tgz'))
  return join(folder, name)
}

/** Unpacks it, and returns the paths of its files, without the leading `package/`. */
export function unpack(tarball: string, folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort()
}

/**
 * What npm needs of this process's environment: where it gets packages. `npm test` adds the place of this project and the settings of its
 * scripts, with which npm would look for turnd here.
 */
export function npmEnvironment(): NodeJS.ProcessEnv {
  const wanted = /^(?:PATH|HOME|(?:https?|no)_proxy|npm_config_(?:registry|cache|userconfig|cafile|.*proxy))$/i
  const kept = Object.entries(process.env).filter(([name]) => wanted.test(name))
  return {
    ...Object.fromEntries(kept),
    // An engine that does not fit is an error here, not a warning; the cache is good enough.
    ...{ npm_config_engine_strict: 'true', npm_config_prefer_offline: 'true', npm_config_audit: 'false' },
  }
}

export interface RunningCommand {
  /** Of the server itself, not of npx. */
  readonly pid: number
  /** The folder that has `node_modules` with turnd in it. */
  readonly installation: string
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Waits for both to end; resolves with npx's exit code. */
  ended(): Promise<number | null>
}

/** Runs npx in `folder` until the server that it starts there is ready. */
export async function startByNpx(t: Test, folder: string, args: readonly string[]): Promise<RunningCommand> {
  const child = spawn('npx', args, { cwd: folder, env: npmEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: Record<string, unknown>[] = []
  let output = ''
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  const kill = () => {
    // npx hands no signal on, and what it has started would stay.
    const pid = serverPid(folder)
    if (pid !== null) process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
  }
  const forget = onProcessEnd(kill)
  exited.finally(forget)
  t.teardown(() => child.exitCode ?? kill())
  const ready = new Promise<void>((resolve, reject) => {
    exited.then(() => reject(new Error(`npx ended:\n${output}`)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const whole = (rest + text).split('\n')
      rest = whole.pop() ?? ''
      lines.push(...whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)))
      if (lines.some(({ event }) => event === 'ready')) resolve()
    })
  })
  await withDeadline(ready, INSTALL_MILLISECONDS_MAX, () => `npx ${args.join(' ')}:\n${output}`)
  const pid = serverPid(folder)
  if (pid === null) throw new Error(`no server in ${folder}:\n${output}`)
  const ended = () => withDeadline(exited, STOP_MILLISECONDS_MAX, () => `npx still runs:\n${output}`)
  return { pid, installation: installationOf(pid), lines, ended }
}

/** By the socket in its state directory. */
function serverPid(folder: string): number | null {
  const state = join(folder, 'turnd-state')
  const names = existsSync(state) ? readdirSync(state) : []
  const pids = names.flatMap((name) => CONTROL_SOCKET.exec(name)?.[1] ?? [])
  return pids.length === 0 ? null : Number(pids[0])
}

/** npx installs into a folder of its cache, named by what it was asked for. */
function installationOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const program = words.find((word) => word.includes('/node_modules/')) ?? ''
  return program.slice(0, program.indexOf('/node_modules/'))
}
