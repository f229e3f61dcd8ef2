// The many users of a server under test: user n is `user-n`, with a password of its own. Given to turnd as a users file, and to coturn as lines of
// its configuration or as its SQLite database.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { makeUsersFileLine } from '../src/auth/users-file.js'
import type { ClientUser } from './turn-dialogue.js'

export function userAt(index: number): ClientUser {
  return { username: `user-${index}`, password: `password-${index}` }
}

/** As `turnd user add` would write it. @param newPasswords what some users have instead of their own, by index */
export function writeUsersFile(
  path: string,
  realm: string,
  count: number,
  newPasswords: ReadonlyMap<number, string> = new Map(),
): void {
  const lines = users(count).map(({ password, username }, index) => {
    return `${makeUsersFileLine(username, realm, newPasswords.get(index) ?? password).text}\n`
  })
  writeFileSync(path, lines.join(''), { mode: 0o600 })
}

/** A configuration file of coturn: its `user` lines, with passwords. */
export function writeCoturnUsers(path: string, count: number): void {
  const lines = users(count).map(({ password, username }) => `user=${username}:${password}\n`)
  writeFileSync(path, lines.join(''), { mode: 0o600 })
}

/** coturn's SQLite database. turnadmin makes it, with its tables; sqlite3 fills it, since turnadmin takes one user at a time. */
export function writeTurndb(path: string, realm: string, count: number): void {
  run('turnadmin', ['-a', '-b', path, '-u', 'first', '-r', realm, '-p', 'first'])
  const rows = users(count).map(({ password, username }) => {
    const { md5Key } = makeUsersFileLine(username, realm, password).entry
    return `insert into turnusers_lt (realm, name, hmackey) values ('${realm}', '${username}', '${hex(md5Key)}');\n`
  })
  run('sqlite3', [path], `begin;\n${rows.join('')}commit;\n`)
}

function users(count: number): ClientUser[] {
  return Array.from({ length: count }, (_, index) => userAt(index))
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

function run(program: string, args: readonly string[], input = ''): void {
  const { error, status, stderr } = spawnSync(program, args, { input, encoding: 'utf8' })
  if (error !== undefined) throw new Error(`${program}: ${error.message}`)
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.trim()}`)
}
