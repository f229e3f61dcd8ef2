// PEM texts as OpenSSL reads them, and its errors as one of ours. Used for both sides' contexts.
import { type Openssl, takeErrors } from './openssl.js'

/** Calls `use` with a BIO that reads this text. */
export function withPem(openssl: Openssl, text: string, use: (bio: number) => void): void {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length === 0) throw new Error('DTLS: a certificate or a key is empty')
  const bio = openssl.BIO_new_mem_buf(Number(openssl.koffi.address(bytes)), bytes.length)
  if (bio === 0) throw failure(openssl, 'out of memory')
  try {
    use(bio)
  } finally {
    openssl.BIO_free(bio)
    // C read it until here.
    bytes.fill(0)
  }
}

export function failure(openssl: Openssl, what: string): Error {
  const errors = takeErrors(openssl)
  return new Error(`DTLS: ${what}${errors === '' ? '' : ` (${errors})`}`)
}
