// The file of --auth-secret-file: one TURN REST secret a line; blank lines and lines that begin with # do not count.
import { TurndError } from '../config/errors.js'
import { readTextFile } from '../config/read-text-file.js'
import { errorText } from './private-file.js'

/** The secrets, at least one. Throws TurndError naming the file, never its content. */
export function loadSecretFile(path: string): string[] {
  let text: string
  try {
    text = readTextFile(path)
  } catch (error) {
    throw new TurndError('TURND_ERR_SECRET_FILE', `--auth-secret-file ${path}: ${errorText(error)}`)
  }
  const secrets = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (secrets.length === 0) {
    throw new TurndError('TURND_ERR_SECRET_FILE', `--auth-secret-file ${path} holds no secret: write one on a line`)
  }
  return secrets
}
