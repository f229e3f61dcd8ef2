// What is in a PEM file (RFC 7468) of --cert or --key. Only the blocks that TLS needs go on from here: a file may hold a certificate and its key
// together, or parameters of a curve before a key.

const CERTIFICATE = /-----BEGIN ((?:X509 )?CERTIFICATE)-----\s[^-]+-----END \1-----/g
const PRIVATE_KEY = /-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----\s[\s\S]+?-----END \1-----/
const DER_SEQUENCE = 0x30

/** The certificates in order, each a PEM text. */
export function certificateBlocks(text: string): string[] {
  return text.match(CERTIFICATE) ?? []
}

/** A certificate begins and does not end: the file was written in part. */
export function isCutOff(text: string): boolean {
  return (text.match(/-----BEGIN (?:X509 )?CERTIFICATE-----/g) ?? []).length > certificateBlocks(text).length
}

/** The first private key, or null. */
export function privateKeyBlock(text: string): string | null {
  return PRIVATE_KEY.exec(text)?.[0] ?? null
}

/** Encrypted as PKCS #8 or in the older way of OpenSSL. */
export function isEncryptedKey(block: string): boolean {
  return block.startsWith('-----BEGIN ENCRYPTED ') || /^Proc-Type: 4,ENCRYPTED/m.test(block)
}

/** What a file that lacks the wanted block is instead: `is empty`, or what it holds. */
export function whatElse(bytes: Uint8Array, text: string): string {
  if (text.trim() === '') return 'is empty'
  if (bytes[0] === DER_SEQUENCE) return 'is binary (DER or PKCS #12), not PEM'
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
  if (label === undefined) return 'is not PEM'
  if (isCutOff(text) || !text.includes(`-----END ${label}-----`)) return 'is cut off'
  if (label.includes('CERTIFICATE REQUEST')) return 'holds a certificate request, which an authority has yet to sign'
  if (privateKeyBlock(text) !== null) return 'holds only a private key'
  return certificateBlocks(text).length > 0 ? 'holds only certificates' : `holds a block of another kind (${label})`
}
