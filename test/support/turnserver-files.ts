// Files that coturn has been started with: its own example as Debian ships it, and those of guides to other software. Used by the tests of the import.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './project-root.js'

const EXAMPLE = '/usr/share/doc/coturn/examples/etc/turnserver.conf'
/** For the option `skip` of a test that wants the example. */
export const NO_EXAMPLE = existsSync(EXAMPLE) ? false : 'the example of coturn is not installed'

export const GUIDES = ['jitsi', 'matrix', 'nextcloud'] as const

export function guideText(name: (typeof GUIDES)[number]): string {
  return readFileSync(join(projectRoot, 'test/interop/turnserver', `${name}.conf`), 'utf8')
}

export function exampleText(): string {
  return readFileSync(EXAMPLE, 'utf8')
}

/** Every sample in force, but what asks for files that are not here. */
export function exampleInForce(): string {
  const lines = exampleText().split('\n')
  return lines.map((line) => line.replace(/^# ?(?=[A-Za-z][\w-]*(?:=|$))/, '')).join('\n')
}
