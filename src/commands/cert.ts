// `turnd cert`: makes a key, a certificate and a request for one. Called by turnd.ts with the arguments after `cert`.
import { chmodSync, existsSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createPrivateFile, errorText, replacePrivateFiles } from '../auth/private-file.js'
import { CERT_HELP, type CertArguments, parseCertArguments } from './cert-arguments.js'
import { CommandError } from './command-words.js'
import type { MadeCertificate } from './make-certificate.js'

const PUBLIC_FILE_MODE = 0o644

export interface CertCommandIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Paths {
  readonly key: string
  readonly certificate: string
  readonly request: string
}

const PARTS = ['key', 'certificate', 'request'] as const

/** Runs the command. Returns the exit code: 0, 1 (a file is there already), 2 (anything else, after one sentence). */
export async function runCertCommand(argv: readonly string[], io: CertCommandIo): Promise<number> {
  try {
    const options = parseCertArguments(argv)
    if (options !== null) return await make(options, io)
    io.stdout.write(CERT_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`turnd cert: ${error.message}\n`)
    return 2
  }
}

async function make(options: CertArguments, io: CertCommandIo): Promise<number> {
  const paths = pathsOf(options)
  checkDirectory(options.directory)
  const existing = Object.values(paths).find((path) => existsSync(path))
  if (existing !== undefined && !options.isReplacing) return refuseExisting(existing, io)
  const { makeCertificate } = await import('./make-certificate.js')
  const made = await makeCertificate(options.names, options.days, options.keyType, io.now())
  const refused = write(paths, made, options.isReplacing)
  if (refused !== null) return refuseExisting(refused, io)
  io.stdout.write(report(paths, options, made))
  return 0
}

function refuseExisting(path: string, io: CertCommandIo): number {
  io.stderr.write(`turnd cert: ${path} is there already; --force replaces it\n`)
  return 1
}

/** A star or a colon in the name of a file is trouble for shells and other systems. */
function pathsOf({ directory, names }: CertArguments): Paths {
  const base = join(directory, names[0].replace('*', '_wildcard').replaceAll(':', '-'))
  return { key: `${base}.key`, certificate: `${base}.pem`, request: `${base}.csr` }
}

function checkDirectory(directory: string): void {
  try {
    if (!statSync(directory).isDirectory()) throw new Error('it is not a directory')
  } catch (error) {
    throw new CommandError(`--out ${directory}: ${errorText(error)}`)
  }
}

/** Returns null, or the file that somebody else has made in the meantime: then none of the three is written. */
function write(paths: Paths, made: MadeCertificate, isReplacing: boolean): string | null {
  if (isReplacing) {
    replace(paths, made)
    return null
  }
  const written: string[] = []
  for (const part of PARTS) {
    const path = paths[part]
    try {
      if (createPrivateFile(path, made[part])) written.push(path)
      else {
        remove(written)
        return path
      }
      if (part !== 'key') chmodSync(path, PUBLIC_FILE_MODE)
    } catch (error) {
      remove(written)
      throw new CommandError(`${path} cannot be written: ${errorText(error)}`)
    }
  }
  return null
}

/** A key without its certificate would keep the server from starting. */
function replace(paths: Paths, made: MadeCertificate): void {
  try {
    replacePrivateFiles(PARTS.map((part) => [paths[part], made[part]]))
    for (const part of PARTS) if (part !== 'key') chmodSync(paths[part], PUBLIC_FILE_MODE)
  } catch (error) {
    // Of a rename the system names its destination; of a disk that is full no file is more to blame than another.
    const { dest = `${paths.key} and what belongs to it` } = error as { readonly dest?: string }
    throw new CommandError(`${dest} cannot be written: ${errorText(error)}`)
  }
}

function remove(paths: readonly string[]): void {
  for (const path of paths) unlinkSync(path)
}

function report(paths: Paths, { days, names }: CertArguments, { validTo }: MadeCertificate): string {
  const until = validTo.toISOString().slice(0, 10)
  return `wrote ${paths.key}: the private key, which nobody else may read
wrote ${paths.certificate}: a certificate for ${names.join(', ')}, valid for ${days === 1 ? '1 day' : `${days} days`} (until ${until})
wrote ${paths.request}: a request to send to a certificate authority

Start turnd with --cert ${paths.certificate} --key ${paths.key}
The certificate is signed by itself: clients refuse it until they are told to trust it. What an authority sends back for
the request, with its whole chain, goes into ${paths.certificate}: then nobody has to be told.
`
}
