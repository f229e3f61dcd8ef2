// A file that this account may not read: the server's own account may, and then nothing is wrong with it.
import { errorCode } from '../auth/private-file.js'
import { type Judgement, notChecked } from './check.js'

/**
 * null: that is not what the error, or its cause, says.
 * @param isServersAccount what it may not read the server may not read either
 */
export function notReadable(error: unknown, isServersAccount: boolean): Judgement | null {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (isServersAccount || !['EACCES', 'EPERM'].includes(errorCode(cause))) return null
  const { path = 'a file' } = cause as NodeJS.ErrnoException
  return notChecked(
    `this account may not read ${path}, which the account that runs turnd may: run turnd doctor as that one, or as root`,
  )
}
