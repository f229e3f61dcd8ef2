// `xConfiguration Login User n Name|Password`: the local authentication database, of which TURN clients are. A dump has its passwords encrypted.
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { printable } from '../printable.js'
import type { XLines } from './expressway-config.js'

const ENCRYPTED = /^\{cipher\}/i

export function importLocalUsers(lines: XLines, options: ImportedOptions): void {
  let isSomebody = false
  for (const [name, line] of lines) {
    const number = /^login user (\d+) name$/.exec(name)?.[1]
    if (number === undefined || line.value === '') continue
    isSomebody = true
    importUser(line, lines.get(`login user ${number} password`) ?? null, options)
  }
  if (!isSomebody) {
    options.missing(
      'Login User',
      'the users are not in the file: add those of the local authentication database with --user NAME:PASSWORD or turnd user add',
      ['user', 'users-file', 'auth-secret', 'auth-secret-file', 'oauth-keys'],
    )
  }
}

function importUser(name: ImportLine, password: ImportLine | null, options: ImportedOptions): void {
  if (password !== null && password.value !== '' && !ENCRYPTED.test(password.value)) {
    options.give('user', { name: name.value, password: password.value }, name)
    options.applied(name, 'user')
    options.applied(password, 'user')
    return
  }
  const what = `the password of ${printable(name.value)} cannot be read from the file: give --user NAME:PASSWORD, or turnd user add`
  options.judge(name, 'needed', what)
  if (password !== null) options.judge(password, 'ignored', 'it is encrypted')
}
