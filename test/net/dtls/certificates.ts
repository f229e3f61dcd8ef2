// Self-signed certificates of both kinds of keys, made by the openssl command.
import { execFileSync } from 'node:child_process'
import type { CertificatePair } from '../../../src/net/dtls/server-context.js'

const KEY_ARGS = {
  rsa: ['-newkey', 'rsa:2048'],
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
}

export function makeCertificate(kind: keyof typeof KEY_ARGS = 'ec', name = 'turn.example.org'): CertificatePair {
  const args = ['req', '-x509', ...KEY_ARGS[kind], '-nodes', '-days', '30', '-subj', `/CN=${name}`, '-keyout', '-']
  const text = execFileSync('openssl', args, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] })
  return { cert: pemOf(text, 'CERTIFICATE'), key: pemOf(text, 'PRIVATE KEY') }
}

function pemOf(text: string, label: string): string {
  const begin = text.indexOf(`-----BEGIN ${label}-----`)
  const endMark = `-----END ${label}-----\n`
  return text.slice(begin, text.indexOf(endMark) + endMark.length)
}

/** The same key behind a passphrase. */
export function encryptKey(key: string): string {
  const args = ['pkey', '-aes256', '-passout', 'pass:secret']
  return execFileSync('openssl', args, { input: key, encoding: 'latin1', stdio: ['pipe', 'pipe', 'ignore'] })
}
