// An installation of turnd beside the project, where the foreign function interface can be missing or broken. Used by engine-fallback.test.ts.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'

/** What else turnd is made of, from package.json. */
const DEPENDENCIES = ['httpxy', 'pino', 'pino-pretty']
/** A stray node_modules above the copy would be found. */
const TEMPORARY_ROOTS = [tmpdir(), '/var/tmp', '/dev/shm']

/**
 * Copies the built server to a directory outside of the project, so that no koffi is found by walking up from it. Removed when `t` ends.
 * @param koffi the text of the module that stands for koffi; null: there is none
 */
export function installWithKoffi(t: Test, koffi: string | null): string {
  const temporary = TEMPORARY_ROOTS.find((path) => !existsSync(join(path, 'node_modules')))
  if (temporary === undefined) throw new Error(`each of ${TEMPORARY_ROOTS.join(', ')} has a node_modules`)
  const root = mkdtempSync(join(temporary, 'turnd-installation-'))
  const remove = () => rmSync(root, { recursive: true, force: true })
  const forget = onProcessEnd(remove)
  t.teardown(() => {
    forget()
    remove()
  })
  copyTree(join(projectRoot, 'dist'), join(root, 'dist'))
  cpSync(join(projectRoot, 'package.json'), join(root, 'package.json'))
  const modules = join(root, 'node_modules')
  mkdirSync(modules)
  for (const name of DEPENDENCIES) symlinkSync(join(projectRoot, 'node_modules', name), join(modules, name))
  if (koffi !== null) {
    mkdirSync(join(modules, 'koffi'))
    writeFileSync(join(modules, 'koffi', 'package.json'), JSON.stringify({ name: 'koffi', main: 'index.js' }))
    writeFileSync(join(modules, 'koffi', 'index.js'), koffi)
  }
  return root
}

/** By links where one file system has both: some 1,500 files, for which cpSync takes a second of a processor, while all else here stands still. */
function copyTree(from: string, to: string): void {
  try {
    execFileSync('cp', ['-rlT', from, to], { stdio: 'ignore' })
  } catch {
    execFileSync('cp', ['-rT', '--remove-destination', from, to])
  }
}
