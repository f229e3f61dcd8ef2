// Files that an option of a subcommand names: what is wrong with one is a sentence that begins with the option.
import { X509Certificate } from 'node:crypto'
import { certificateBlocks, isCutOff, whatElse } from '../auth/certificate-pem.js'
import { errorText } from '../auth/private-file.js'
import { readTextFile } from '../config/read-text-file.js'
import { CommandError } from './command-words.js'

/** Throws a CommandError. @param option as in `--ca` */
export function readOptionFile(option: string, path: string): string {
  try {
    return readTextFile(path)
  } catch (error) {
    throw new CommandError(`${option} ${path}: ${errorText(error)}`)
  }
}

/** The PEM text of the authorities to trust: at least one. Without this, a file of something else would be trust in nobody, without a word. */
export function readCaFile(path: string): string {
  const text = readOptionFile('--ca', path)
  const blocks = certificateBlocks(text)
  if (blocks.length === 0 || isCutOff(text)) {
    const what = whatElse(Buffer.from(text), text)
    throw new CommandError(`--ca ${path} ${what}: give the certificates of the authorities that clients trust, as PEM`)
  }
  try {
    for (const block of blocks) new X509Certificate(block)
    return text
  } catch {
    throw new CommandError(
      `--ca ${path} holds a certificate that cannot be read: get the file again from the authority`,
    )
  }
}
