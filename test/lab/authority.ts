// An authority of the lab's own, and browsers that trust it as a company's browsers trust the company's: Chromium verifies the names, dates and chain
// of what it has signed, for pages and for TURN over TLS alike.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority, temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'
import { FILES_DIRECTORY } from '../support/leftovers.js'
import type { NetworkNamespace } from '../support/namespace.js'
import { onProcessEnd } from '../support/process-end.js'
import type { EdgeCertificate } from './edge.js'

export interface SignedCertificate extends EdgeCertificate {
  /** PEM, of whoever has signed it. */
  readonly authority: string
}

/** A certificate with these names, signed by an authority of its own. Its files go with the process. */
export function makeSignedCertificate(names: readonly string[]): SignedCertificate {
  const directory = temporaryDirectory()
  makeAuthority(directory, 'sha256', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`)
  const [certPath, keyPath] = [join(directory, 'leaf.pem'), join(directory, 'leaf.key')]
  const authority = readFileSync(join(directory, 'ca.pem'), 'utf8')
  return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), authority }
}

/** Browsers started in the namespace from now on trust this authority (PEM), until `t` or the process ends. No other ones of the machine do. */
export function trustAuthority(t: Closing, { name }: NetworkNamespace, authority: string): void {
  // `ip netns exec` puts what is here in the place of /etc/chromium.
  const files = join(FILES_DIRECTORY, name, 'chromium')
  const remove = () => rmSync(files, { recursive: true, force: true })
  const forget = onProcessEnd(remove)
  t.teardown(() => {
    forget()
    remove()
  })
  const directory = join(files, 'policies', 'managed')
  mkdirSync(directory, { recursive: true })
  const certificate = authority.replace(/-----[^-]+-----|\s/g, '')
  writeFileSync(join(directory, 'authority.json'), JSON.stringify({ CACertificates: [certificate] }))
}
