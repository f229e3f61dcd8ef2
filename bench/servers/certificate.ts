// A certificate for the servers under test, made by openssl(1): ECDSA on P-256, self-signed, for 127.0.0.1.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { undoAtExit } from '../leftovers.js'

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** Makes one for as long as the work lasts. */
export async function withCertificate<Result>(work: (files: CertificateFiles) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-bench-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  const forget = undoAtExit(remove)
  try {
    const files = { certificate: join(directory, 'certificate.pem'), key: join(directory, 'key.pem') }
    const args = [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', files.key, '-out', files.certificate],
    ]
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    return await work(files)
  } finally {
    remove()
    forget()
  }
}
