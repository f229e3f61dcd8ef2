// Keys and certificates for tests: made by turnd itself, or by the openssl command where turnd makes no such thing.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MadeCertificate, makeCertificate } from '../../src/commands/make-certificate.js'
import { onProcessEnd } from './process-end.js'

/** A pair for these names, valid now. */
export function makePair(...names: string[]): Promise<MadeCertificate> {
  return makeCertificate(names.length === 0 ? ['turn.example.org'] : names, 10, 'ec', Date.now())
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
export function makeAuthority(directory: string, digest = 'sha256', extensions = ''): void {
  const request = 'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  openssl(directory, `${request} -x509 -keyout ca.key -out ca.pem -subj /CN=authority -days 30`)
  openssl(directory, `${request} -keyout leaf.key -out leaf.csr -subj /CN=leaf`)
  writeFileSync(join(directory, 'extensions'), extensions)
  openssl(
    directory,
    `x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -${digest} -days 30 -extfile extensions -out leaf.pem`,
  )
}
