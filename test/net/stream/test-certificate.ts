// Self-signed certificates for tests, by the openssl command.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { TlsCertificate } from '../../../src/net/stream/tls-acceptor.js'

const KEYS = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  rsa: ['-newkey', 'rsa:2048'],
} as const

export function writeTestCertificate(t: Test, name: string, kind: keyof typeof KEYS = 'ec'): TlsCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'turnd-certificate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [cert, key] = ['cert.pem', 'key.pem'].map((file) => join(folder, file))
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  const made = ['-nodes', ...KEYS[kind], ...subject, '-days', '2', '-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...made], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
