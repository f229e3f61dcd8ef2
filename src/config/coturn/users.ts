// Who may log in: users with passwords or keys, or secrets, of which coturn takes the secrets alone where there are any; and the realm.
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { printable } from '../printable.js'
import { isSecretSeparator } from '../secret-separator.js'
import type { Conf } from './conf.js'
import { importRedis } from './redis-database.js'

/** Each of them gives this server somebody. */
const SOMEBODY = ['user', 'users-file', 'auth-secret', 'auth-secret-file', 'oauth-keys', 'redis']
const SECRETS = ['auth-secret', 'auth-secret-file', 'redis']
const DATABASES = ['userdb', 'db', 'psql-userdb', 'sql-userdb', 'mysql-userdb', 'mongo-userdb']

export function importUsers(conf: Conf, options: ImportedOptions): void {
  const secrets = conf.all('static-auth-secret').filter(({ value }) => value !== '')
  const isBySecret = conf.isOn('use-auth-secret') || conf.has('static-auth-secret')
  for (const line of secrets) {
    options.give('auth-secret', line.value, line)
    options.applied(line, 'auth-secret')
  }
  const hasRedis = importRedis(conf, options)
  judgeUseAuthSecret(conf, options, secrets.length > 0, hasRedis)
  const users = conf.all('user')
  if (isBySecret) {
    const reason = 'coturn has no users beside a secret: give --user to have both'
    for (const line of users) options.judge(line, 'ignored', reason)
  } else importStaticUsers(users, options)
  judgeOAuth(conf, options)
  importRealm(conf, options, !isBySecret, hasRedis)
  importSeparator(conf, options)
  if (hasRedis) remarkRedis(conf, options, isBySecret)
  else if (!options.has('user') && !options.has('auth-secret')) remarkNobody(conf, options, isBySecret)
}

function judgeOAuth(conf: Conf, options: ImportedOptions): void {
  for (const line of conf.all('oauth')) {
    if (!conf.isOn('oauth')) options.judge(line, 'same', 'there is none without --oauth-keys')
    else if (options.isAnswered('oauth-keys')) options.judge(line, 'same', 'the keys are given beside the file')
    else {
      options.judge(
        line,
        'needed',
        'its keys are in a database that is not read: export them with sqlite3 -separator " " FILE "select kid, as_rs_alg, ikm_key, ' +
          'timestamp, lifetime from oauth_key" > oauth.keys, and give --oauth-keys oauth.keys',
      )
    }
  }
}

function judgeUseAuthSecret(conf: Conf, options: ImportedOptions, hasSecret: boolean, hasRedis: boolean): void {
  for (const line of conf.all('use-auth-secret')) {
    if (hasSecret) options.applied(line, 'auth-secret')
    else if (hasRedis) options.judge(line, 'same', 'the secrets are those in Redis')
    else if (options.isAnswered(...SECRETS)) options.judge(line, 'same', 'the secrets are given beside the file')
    else {
      options.judge(
        line,
        'needed',
        'the file has no static-auth-secret, and those of the database (turn_secret) are not read: give --auth-secret-file',
      )
    }
  }
}

/** The last one of a name counts. */
function importStaticUsers(lines: readonly ImportLine[], options: ImportedOptions): void {
  const latest = new Map(lines.map((line) => [nameOf(line), line]))
  for (const line of lines) {
    if (latest.get(nameOf(line)) !== line) {
      options.judge(line, 'ignored', 'a later line has the same name')
      continue
    }
    options.give('user', userOf(line, options), line)
    options.applied(line, 'user')
  }
}

function nameOf({ value }: ImportLine): string {
  return value.slice(0, Math.max(value.indexOf(':'), 0))
}

/** Without a colon the whole may be a password. */
function userOf(line: ImportLine, options: ImportedOptions): string | { name: string; key: string } {
  const { value } = line
  const name = nameOf(line)
  if (name === '') return options.refuse(line, 'user: the value is not NAME:PASSWORD')
  const password = value.slice(name.length + 1).replace(/^[ \t]+/, '')
  if (!password.startsWith('0x')) return `${name}:${password}`
  const key = password.slice('0x'.length)
  if (!/^[0-9a-f]{32}$/i.test(key)) {
    options.refuse(
      line,
      `user: ${printable(name)} has a key that is not 0x and 32 hex digits: make it with turnadmin -k`,
    )
  }
  return { name, key: key.toLowerCase() }
}

/** @param hasUsers do the users of the file count? */
function importRealm(conf: Conf, options: ImportedOptions, hasUsers: boolean, hasRedis: boolean): void {
  const line = conf.last('realm')
  if (line !== null) options.give('realm', line.value, line)
  for (const one of conf.all('realm')) options.applied(one, 'realm')
  if (line !== null) return
  const hasKeys = hasUsers && conf.all('user').some(({ value }) => /:[ \t]*0x/.test(value))
  if (hasRedis) {
    options.missing(
      'realm',
      'the file has no realm, and what is in Redis is there for one: give --realm with that of turnadmin -r, or nobody can log in',
      ['realm'],
    )
  } else if (hasKeys) {
    options.missing(
      'realm',
      'the file has no realm, and the keys of its users hold for one: give --realm with that of turnadmin -k, or they cannot log in',
      ['realm'],
    )
  } else {
    options.remark(
      'the file has no realm, for which coturn takes the domain of the machine: here it is turnd, which no client need know',
      'realm',
    )
  }
}

/** coturn looks at the first character alone. */
function importSeparator(conf: Conf, options: ImportedOptions): void {
  for (const line of conf.all('rest-api-separator')) {
    const separator = line.value.slice(0, 1)
    if (isSecretSeparator(separator)) {
      options.give('auth-secret-separator', separator, line)
      options.applied(line, 'auth-secret-separator')
    } else {
      options.judge(
        line,
        'needed',
        'the separator is one printable character that is no digit: change the service that hands out credentials, and give --auth-secret-separator',
      )
    }
  }
}

function remarkRedis(conf: Conf, options: ImportedOptions, isBySecret: boolean): void {
  if (isBySecret)
    options.remark(
      'users in Redis can log in beside the secrets, whom coturn does not take then: delete those who must not',
    )
  else if (!conf.isOn('lt-cred-mech')) {
    options.remark('coturn relays for everybody with this file: here clients need a user or a secret of Redis')
  }
}

function remarkNobody(conf: Conf, options: ImportedOptions, isBySecret: boolean): void {
  const isOpen = !isBySecret && !conf.isOn('lt-cred-mech')
  if (isOpen) {
    options.missing(
      'user',
      'coturn relays for everybody with this file, and this server for nobody without credentials: give --user or --auth-secret, or clients need the user that it generates at the start',
      SOMEBODY,
    )
  } else if (!isBySecret && !DATABASES.some((name) => conf.has(name))) {
    options.missing(
      'user',
      'the file has no user, so coturn has them in its database: export them with sqlite3 -separator : /var/lib/turn/turndb "select name, realm, hmackey from turnusers_lt" > users, and give --users-file users',
      SOMEBODY,
    )
  }
}
