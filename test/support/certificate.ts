// Keys and certificates for tests: by the openssl command, for turn.test, localhost and the loopback addresses, or as turnd itself makes them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MadeCertificate, makeCertificate as makeByTurnd } from '../../src/commands/make-certificate.js'
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

/** Another one. @param commonName by which tests tell it from others */
export function makeCertificate(commonName: string, days = 30): TestCertificate {
  const directory = temporaryDirectory()
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const subject = ['-subj', `/CN=${commonName}`, '-addext', NAMES, '-days', String(days)]
  const files = ['-out', certPath, '-keyout', keyPath]
  execFileSync('openssl', ['req', '-x509', '-nodes', ...EC, ...subject, ...files], { stdio: 'ignore' })
  return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') }
}

/** A pair for these names, valid now. */
export function makePair(...names: string[]): Promise<MadeCertificate> {
  return makeByTurnd(names.length === 0 ? ['turn.example.org'] : names, 10, 'ec', Date.now())
}

/** A directory that goes when the process ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-certificates-'))
  onProcessEnd(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Runs openssl with the words of `line` in `directory`; its output, or an Error with what it says. */
export function openssl(directory: string, line: string): string {
  return execFileSync('openssl', line.split(' '), { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
}

/** Writes an authority ca.pem and ca.key, and leaf.pem and leaf.key, which it has signed with `digest`. */
export function makeAuthority(directory: string, digest = 'sha256', extensions = '', commonName = 'leaf'): void {
  const request = 'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  openssl(directory, `${request} -x509 -keyout ca.key -out ca.pem -subj /CN=authority -days 30`)
  openssl(directory, `${request} -keyout leaf.key -out leaf.csr -subj /CN=${commonName}`)
  writeFileSync(join(directory, 'extensions'), extensions)
  openssl(
    directory,
    `x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -${digest} -days 30 -extfile extensions -out leaf.pem`,
  )
}
