// A file that this account may not read: the server's own account may, and then nothing is wrong with it.
import { errorCode } from '../auth/private-file.js'
import { type Judgement, notChecked } from './check.js'

/**
 * null: that is not what the error, or its cause, says.
 * @param isServersAccount what it may not read the server may not read either
 */
export function notReadable(error: unknown, isServersAccount: boolean): Judgement | null {
  const cause = systemErrorOf(error)
  if (isServersAccount || !['EACCES', 'EPERM'].includes(errorCode(cause))) return null
  const { path = 'a file' } = cause as NodeJS.ErrnoException
  return notChecked(
    `this account may not read ${path}, which the account that runs turnd may: run turnd doctor as that one, or as root`,
  )
}

/** What to do about a file that an option names. @param otherwise if the error, or its cause, is none of the system's */
export function fileRemedy(error: unknown, otherwise: string): string {
  switch (errorCode(systemErrorOf(error))) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'Name a file that is there, or make this one: a path without a slash at its start begins where turnd is started'
    case 'EISDIR':
      return 'Name a file in that directory'
    case 'EACCES':
    case 'EPERM':
      return 'Let the account that runs turnd read it: make it the owner of the file (chown), and see the directories above'
    default:
      return otherwise
  }
}

function systemErrorOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}
