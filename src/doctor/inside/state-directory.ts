// The state directory: what outlives a restart can be kept, and is read by nobody else.
import { join, resolve } from 'node:path'
import { GENERATED_USER_FILE, NONCE_SECRET_FILE } from '../../auth/state-dir.js'
import { TURN_SERVERS_FILE } from '../../auth/turn-servers-file.js'
import { type Check, type Judgement, warning, well } from '../check.js'
import type { InsideScene } from './scene.js'

export interface StateDirectoryFacts {
  readonly path: string
  readonly isWritable: boolean
  /** A server runs here, under an account of its own perhaps: what this one may do says nothing. */
  readonly isServed: boolean
  /** Files in it that others may read. */
  readonly openFiles: readonly string[]
}

export function judgeStateDirectory({ isServed, isWritable, openFiles, path }: StateDirectoryFacts): Judgement[] {
  const judged = openFiles.map((file) =>
    warning(`${file} is secret and can be read by others`, `Run chmod 600 ${file}`),
  )
  if (!isWritable && !isServed) {
    judged.push(
      warning(
        `the state directory ${path} cannot be written by this account: each restart asks clients for new nonces, and a generated password changes`,
        'Give --state-dir a directory of the account that runs turnd',
      ),
    )
  }
  return judged.length > 0 ? judged : [well(`the state directory ${path} can be used`)]
}

export const stateDirectory: Check<InsideScene> = {
  id: 'state-directory',
  needs: ['configuration'],
  async run({ machine, running, settings: { stateDir } }) {
    const files = [NONCE_SECRET_FILE, GENERATED_USER_FILE, TURN_SERVERS_FILE].map((name) => join(stateDir, name))
    const openFiles = files.filter((file) => ((machine.modeOf(file) ?? 0) & 0o077) !== 0)
    return judgeStateDirectory({
      path: stateDir,
      isWritable: machine.isWritable(stateDir),
      isServed: running.some((server) => server.settings.stateDir === resolve(stateDir)),
      openFiles,
    })
  },
}
