// The files of --auth-secret-file and --metrics-token-file: one secret a line; blank lines and lines that begin with # do not count.
import { TurndError } from '../config/errors.js'
import { readTextFile } from '../config/read-text-file.js'
import { hasControlCharacter } from '../config/value-type.js'
import { errorText } from './private-file.js'

/** The secrets, at least one. Throws TurndError naming the option, the file and the line, never its content. */
export function loadSecretFile(path: string, option = '--auth-secret-file'): string[] {
  let text: string
  try {
    text = readTextFile(path)
  } catch (error) {
    throw new TurndError('TURND_ERR_SECRET_FILE', `${option} ${path}: ${errorText(error)}`, { cause: error })
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const secrets = lines.filter((line) => line !== '' && !line.startsWith('#'))
  // As for --auth-secret: a file of another system's line ends would be one secret, which no service has.
  const broken = secrets.find(hasControlCharacter)
  if (broken !== undefined) {
    const lineNumber = lines.indexOf(broken) + 1
    throw new TurndError(
      'TURND_ERR_SECRET_FILE',
      `${option} ${path}, line ${lineNumber}: the secret has a control character: write one on a line, as text`,
    )
  }
  if (secrets.length === 0) {
    throw new TurndError('TURND_ERR_SECRET_FILE', `${option} ${path} holds no secret: write one on a line`)
  }
  return secrets
}
