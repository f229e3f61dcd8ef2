// The users file of a running server: loaded at start, loaded again when it changes (within a second) or on SIGHUP.
// A broken file never takes users away: the ones that were loaded stay, and the caller is told what is wrong.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { USERS_FILE_BYTES_MAX } from '../limits/files.js'
import { type CredentialChanges, CredentialTable, type PackedCredentials } from './credential-table.js'
import type { Credential, CredentialLookup, CredentialStore } from './credentials.js'
import { opaquePart } from './credentials.js'
import { errorText } from './private-file.js'
import { DEFAULT_USERS_FILE, parseUsersFile, type UsersFileEntry } from './users-file.js'

/** How often the file's time, size and inode are compared. */
export const POLL_INTERVAL_MS = 1000

/** Users of other realms named in one message; the rest is counted. */
const FOREIGN_USER_COUNT_SHOWN = 3

/** The users file that `turnd user add` keeps in the state directory, or null if there is none. */
export function usersFileOfStateDir(stateDir: string): string | null {
  const path = join(stateDir, DEFAULT_USERS_FILE)
  return existsSync(path) ? path : null
}

/** What a file holds now, before it counts. */
export interface ReadUsers {
  readonly count: number
  readonly addedCount: number
  readonly rekeyedCount: number
  readonly removedCount: number
  take(): void
}

export class UsersFileStore implements CredentialStore {
  readonly path: string
  readonly verifiesUserhash = true
  /** Called after the users were read again, with what is different now. */
  onReloaded: (changes: CredentialChanges) => void = () => {}
  readonly #realm: string
  readonly #onProblem: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #users: CredentialTable
  /** The file as it was when last read or missed; '' before. */
  #signature = ''

  /** Throws an Error that names the file, and the line if one is wrong. `onProblem` gets everything that is wrong later. */
  constructor(path: string, realm: string, onProblem: (text: string) => void) {
    this.path = path
    this.#realm = opaquePart('the realm', realm)
    this.#onProblem = onProblem
    this.#users = this.#load()
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS)
    this.#timer.unref()
  }

  get userCount(): number {
    return this.#users.size
  }

  get verifiesSha256(): boolean {
    return this.#users.verifiesSha256
  }

  find(username: string): CredentialLookup {
    return this.#users.find(username)
  }

  findByUserhash(userhashHex: string): Credential | null {
    return this.#users.findByUserhash(userhashHex)
  }

  /** Today's users, for another thread. */
  pack(): PackedCredentials {
    return this.#users.pack()
  }

  /** Reads the file now. False, and the users as they were, if it cannot be read or has a bad line. */
  reload(): boolean {
    try {
      this.readAgain().take()
    } catch (error) {
      this.#onProblem(`${error instanceof Error ? error.message : error}; the users loaded before stay`)
      return false
    }
    return true
  }

  /** Reads the file now, and leaves the users as they are until `take`. Throws an Error that names the file, and the line if one is wrong. */
  readAgain(): ReadUsers {
    const earlier = this.#users
    const users = this.#load()
    const changes = users.changesSince(earlier)
    const addedCount = changes.added.usernames.filter((name) => earlier.find(name) === 'unknown-user').length
    return {
      count: users.size,
      addedCount,
      rekeyedCount: changes.added.usernames.length - addedCount,
      removedCount: changes.removedUsernames.length,
      take: () => {
        // The file may have been read meanwhile, by the clock.
        const replaced = this.#users
        this.#users = users
        this.onReloaded(users.changesSince(replaced))
      },
    }
  }

  /** Stops looking for changes. */
  close(): void {
    clearInterval(this.#timer)
  }

  #poll(): void {
    let signature: string
    try {
      signature = signatureOf(statSync(this.path, { bigint: true }))
    } catch (error) {
      signature = errorText(error)
    }
    // A file that stays broken, or away, is reported once.
    if (signature !== this.#signature) this.reload()
  }

  #load(): CredentialTable {
    const bytes = this.#read()
    let entries: UsersFileEntry[]
    try {
      entries = parseUsersFile(bytes).flatMap((line) => line.entry ?? [])
    } catch (error) {
      throw new Error(`--users-file ${this.path}, ${error instanceof Error ? error.message : error}`)
    }
    this.#reportForeign(entries.filter((entry) => entry.realm !== this.#realm))
    const ours = entries.filter((entry) => entry.realm === this.#realm)
    return new CredentialTable(
      this.#realm,
      ours.map(({ user, md5Key, sha256Key }) => ({ username: user, md5Key, sha256Key })),
    )
  }

  #read(): Uint8Array {
    try {
      const fd = openSync(this.path, 'r')
      try {
        const stats = fstatSync(fd)
        // A device may have no end; a directory says so by itself.
        if (!stats.isFile() && !stats.isDirectory()) throw new Error('is not a file')
        if (stats.size > USERS_FILE_BYTES_MAX) throw new Error(`it is larger than ${USERS_FILE_BYTES_MAX} bytes`)
        // Before the read: a change during it has a later time, and is seen by the next poll.
        this.#signature = signatureOf(fstatSync(fd, { bigint: true }))
        return readFileSync(fd)
      } finally {
        closeSync(fd)
      }
    } catch (error) {
      this.#signature = errorText(error)
      throw new Error(`--users-file ${this.path}: ${errorText(error)}`)
    }
  }

  #reportForeign(entries: readonly UsersFileEntry[]): void {
    if (entries.length === 0) return
    const names = entries.slice(0, FOREIGN_USER_COUNT_SHOWN).map((entry) => `${entry.user} of realm ${entry.realm}`)
    const rest = entries.length - names.length
    this.#onProblem(
      `--users-file ${this.path}: keys hold for one realm, so these users cannot log in to realm ${this.#realm}: ` +
        `${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`,
    )
  }
}

function signatureOf(stats: { mtimeNs: bigint; size: bigint; ino: bigint }): string {
  return `${stats.mtimeNs} ${stats.size} ${stats.ino}`
}
