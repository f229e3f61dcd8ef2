// Certificates for tests, made by the openssl command: for turn.test, localhost and the loopback addresses.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onProcessEnd } from './process-end.js'

export interface TestCertificate {
  readonly certPath: string
  readonly keyPath: string
  /** PEM texts. */
  readonly cert: string
  readonly key: string
}

const NAMES = 'subjectAltName=DNS:turn.test,DNS:localhost,IP:127.0.0.1,IP:::1'
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

let made: TestCertificate | null = null

/** One for this process. */
export function testCertificate(): TestCertificate {
  made ??= makeCertificate('turn.test')
  return made
}

/** Another one, removed when the process ends. @param commonName by which tests tell it from others */
export function makeCertificate(commonName: string, days = 30): TestCertificate {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-certificate-'))
  onProcessEnd(() => rmSync(directory, { recursive: true, force: true }))
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const subject = ['-subj', `/CN=${commonName}`, '-addext', NAMES, '-days', String(days)]
  const files = ['-out', certPath, '-keyout', keyPath]
  execFileSync('openssl', ['req', '-x509', '-nodes', ...EC, ...subject, ...files], { stdio: 'ignore' })
  return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') }
}
