// The users file of a running server: loaded at start, loaded again when it changes (within a second), on SIGHUP, or after an edit of its own.
// A broken file never takes users away: the ones that were loaded stay, and the caller is told what is wrong. One that need not be there is
// empty until it is.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { USERS_FILE_BYTES_MAX } from '../limits/files.js'
import { type CredentialChanges, CredentialTable, type PackedCredentials } from './credential-table.js'
import type { Credential, CredentialLookup, CredentialStore } from './credentials.js'
import { opaquePart } from './credentials.js'
import { errorText } from './private-file.js'
import {
  type AdminUserEntry,
  DEFAULT_USERS_FILE,
  parseUsersFile,
  type TurnUserEntry,
  type UsersFileEntry,
} from './users-file.js'

/** How often the file's time, size and inode are compared. */
export const POLL_INTERVAL_MS = 1000

/** Users of other realms named in one message; the rest is counted. */
const FOREIGN_USER_COUNT_SHOWN = 3

/** Where `turnd user add` keeps the users file, unless another is named. */
export function usersFileOfStateDir(stateDir: string): string {
  return join(stateDir, DEFAULT_USERS_FILE)
}

/** What a file holds now, before it counts. */
export interface ReadUsers {
  /** TURN users of the file. */
  readonly count: number
  readonly addedCount: number
  readonly rekeyedCount: number
  readonly removedCount: number
  take(): void
}

interface LoadedUsers {
  /** With the guest. */
  readonly table: CredentialTable
  readonly admins: ReadonlyMap<string, AdminUserEntry>
  readonly guest: Credential | null
}

export class UsersFileStore implements CredentialStore {
  readonly path: string
  readonly verifiesUserhash = true
  /** Called after the users were read again, with what is different now; resolves when everybody knows. */
  onReloaded: (changes: CredentialChanges) => Promise<void> = () => Promise.resolve()
  readonly #realm: string
  readonly #onProblem: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #users: CredentialTable
  #admins: ReadonlyMap<string, AdminUserEntry> = new Map()
  /** Serves beside the users of the file until the file has it, or has had it. */
  #guest: Credential | null = null
  #isGuestReported = false
  /** It has been there: from then on it must be. */
  #isFound: boolean
  /** The file as it was when last read or missed; '' before. */
  #signature = ''
  #told: Promise<unknown> = Promise.resolve()

  /**
   * Throws an Error that names the file, and the line if one is wrong. `onProblem` gets everything that is wrong later.
   * @param mayBeMissing it is watched for, and empty until somebody makes it
   */
  constructor(path: string, realm: string, onProblem: (text: string) => void, mayBeMissing = false) {
    this.path = path
    this.#realm = opaquePart('the realm', realm)
    this.#onProblem = onProblem
    this.#isFound = !mayBeMissing || existsSync(path)
    const { admins, table } = this.#load()
    this.#admins = admins
    this.#users = table
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS)
    this.#timer.unref()
  }

  /** TURN users, with the guest. */
  get userCount(): number {
    return this.#users.size
  }

  /** TURN users of the file: not the guest. */
  turnUsers(): Credential[] {
    return [...this.#users.credentials()].filter((credential) => credential !== this.#guest)
  }

  admins(): Iterable<AdminUserEntry> {
    return this.#admins.values()
  }

  /** @param name as OpaqueString */
  findAdmin(name: string): AdminUserEntry | null {
    return this.#admins.get(name) ?? null
  }

  /** Null from the moment on that the file has such a user. */
  get guest(): Credential | null {
    return this.#guest
  }

  /** From now on this user serves too, if the file has none of that name, and the guest before does not; null: nobody. */
  setGuest(credential: Credential | null): void {
    if (credential?.username === this.#guest?.username) return
    const ofFile = this.turnUsers()
    const guest = ofFile.some(({ username }) => username === credential?.username) ? null : credential
    const table = new CredentialTable(this.#realm, [...ofFile, ...(guest === null ? [] : [guest])])
    this.#take({ table, admins: this.#admins, guest })
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
      this.#take(this.#load())
    } catch (error) {
      this.#onProblem(`${error instanceof Error ? error.message : error}; the users loaded before stay`)
      return false
    }
    return true
  }

  /** Reads the file now, and leaves the users as they are until `take`. Throws an Error that names the file, and the line if one is wrong. */
  readAgain(): ReadUsers {
    const seen = this.#signature
    const earlier = this.#users
    let signature = seen
    let loaded: LoadedUsers
    try {
      loaded = this.#load()
      signature = this.#signature
    } finally {
      // As long as it is not taken, whoever looks by the clock has not seen it.
      this.#signature = seen
    }
    const { guest, table } = loaded
    const changes = table.changesSince(earlier)
    const addedCount = changes.added.usernames.filter((name) => earlier.find(name) === 'unknown-user').length
    return {
      count: table.size - (guest === null ? 0 : 1),
      addedCount,
      rekeyedCount: changes.added.usernames.length - addedCount,
      removedCount: changes.removedUsernames.length,
      take: () => {
        // Read again since, after an edit perhaps: what was read here may be older.
        if (this.#users !== earlier) {
          this.reload()
          return
        }
        this.#signature = signature
        this.#take(loaded)
      },
    }
  }

  /** Resolves when what is loaded now is known everywhere. */
  async whenTold(): Promise<void> {
    await this.#told
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

  #take({ admins, guest, table }: LoadedUsers): void {
    const earlier = this.#users
    this.#admins = admins
    this.#guest = guest
    this.#users = table
    this.#told = Promise.all([this.#told, this.onReloaded(table.changesSince(earlier))])
  }

  #load(): LoadedUsers {
    const bytes = this.#read()
    let entries: UsersFileEntry[]
    try {
      entries = parseUsersFile(bytes).flatMap((line) => line.entry ?? [])
    } catch (error) {
      throw new Error(`--users-file ${this.path}, ${error instanceof Error ? error.message : error}`)
    }
    const turnUsers = entries.filter((entry) => entry.role === 'turn')
    this.#reportForeign(turnUsers.filter((entry) => entry.realm !== this.#realm))
    const ours = turnUsers.filter((entry) => entry.realm === this.#realm)
    const admins = new Map(entries.filter((entry) => entry.role === 'admin').map((entry) => [entry.user, entry]))
    const isInFile = ours.some(({ user }) => user === this.#guest?.username)
    const guest = isInFile ? null : this.#guest
    if (guest !== null && ours.length > 0) this.#reportGuest(guest)
    const table = new CredentialTable(this.#realm, [...ours.map(credentialOf), ...(guest === null ? [] : [guest])])
    return { table, admins, guest }
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
        this.#isFound = true
        return readFileSync(fd)
      } finally {
        closeSync(fd)
      }
    } catch (error) {
      this.#signature = errorText(error)
      if (!this.#isFound && !existsSync(this.path)) return new Uint8Array(0)
      throw new Error(`--users-file ${this.path}: ${errorText(error)}`, { cause: error })
    }
  }

  /** Whoever uses it should not learn of this from a restart or a reload. */
  #reportGuest({ username }: Credential): void {
    if (this.#isGuestReported) return
    this.#isGuestReported = true
    this.#onProblem(
      `--users-file ${this.path} has users now, so ${username}, which was generated while there was none, serves until the next start ` +
        `or reload: turnd user add ${username} --realm ${this.#realm} keeps it`,
    )
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

function credentialOf({ disabled, md5Key, sha256Key, user }: TurnUserEntry): Credential {
  const credential = { username: user, md5Key, sha256Key }
  return disabled ? { ...credential, isDisabled: true } : credential
}

/** What changes with every other content of a file. */
export function signatureOf(stats: { mtimeNs: bigint; size: bigint; ino: bigint }): string {
  return `${stats.mtimeNs} ${stats.size} ${stats.ino}`
}
