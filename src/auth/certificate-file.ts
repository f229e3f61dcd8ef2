// The certificate of TLS and DTLS clients with its private key, from the PEM files of --cert and --key: read, checked so that a handshake cannot fail for
// them, and described. What merely deserves attention, such as the end of its days, is in certificate-warnings.ts.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { TurndError } from '../config/errors.js'
import { FILE_BYTES_MAX } from '../limits/files.js'
import { subjectAltNames } from './certificate-names.js'
import { certificateBlocks, isCutOff, isEncryptedKey, privateKeyBlock, whatElse } from './certificate-pem.js'
import { errorText } from './private-file.js'

/** PEM texts: the chain, leaf first, and the leaf's private key. */
export interface CertificateMaterial {
  readonly cert: string
  readonly key: string
}

/** What the first certificate of the chain says. */
export interface CertificateFacts {
  /** The file of --cert. */
  readonly path: string
  /** `C=NO, CN=turn.example.org`; '' if it has none, as its names suffice. */
  readonly subject: string
  readonly issuer: string
  /** DNS names in lower case and IP addresses in canonical text, of the subjectAltName. */
  readonly names: readonly string[]
  /** Milliseconds since the epoch, the first and the last moment. */
  readonly validFrom: number
  readonly validTo: number
  /** SHA-256, `AB:CD:…`. */
  readonly fingerprint256: string
  readonly isSelfSigned: boolean
  /** Each certificate of the file is signed by the one after it. */
  readonly isChainInOrder: boolean
  /** Signed by an authority that publishes its own certificate (RFC 5280 §4.2.2.1), which is not in the file. */
  readonly isChainCut: boolean
}

export interface LoadedCertificate {
  readonly material: CertificateMaterial
  readonly facts: CertificateFacts
}

/** Reads and checks both files. Throws a TurndError: one sentence with the option, the file and what to do. */
export function loadCertificate(certPath: string, keyPath: string): LoadedCertificate {
  const certOption = `--cert ${certPath}`
  const keyOption = `--key ${keyPath}`
  const blocks = readBlocks(certOption, certPath)
  const chain = blocks.map((block, index) => parseCertificate(certOption, block, index))
  const keyText = readKeyText(keyOption, keyPath)
  checkPair(chain, parseKey(keyOption, keyText), certOption, keyOption)
  const material = { cert: `${blocks.join('\n')}\n`, key: `${keyText}\n` }
  checkUsable(material, certOption)
  return { material, facts: factsOf(certPath, chain) }
}

function readBlocks(option: string, path: string): string[] {
  const { bytes, text } = read(option, path)
  const blocks = certificateBlocks(text)
  if (blocks.length > 0 && !isCutOff(text)) return blocks
  throw certificateError(
    `${option} ${whatElse(bytes, text)}: give a file that has the certificate chain in PEM, beginning with -----BEGIN CERTIFICATE-----`,
  )
}

function readKeyText(option: string, path: string): string {
  const { bytes, text } = read(option, path)
  const block = privateKeyBlock(text)
  if (block === null) {
    throw certificateError(
      `${option} ${whatElse(bytes, text)}: give a file that has the private key in PEM, beginning with -----BEGIN PRIVATE KEY-----`,
    )
  }
  if (!isEncryptedKey(block)) return block
  throw certificateError(
    `${option} is encrypted, and turnd asks for no passphrase: write it to another file without one, with openssl pkey -in ${path} -out FILE`,
  )
}

function read(option: string, path: string): { bytes: Uint8Array; text: string } {
  try {
    const stats = statSync(path)
    // Opening a pipe would wait for its writer, and a device may have no end.
    if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is not a file')
    if (stats.size > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`)
    const bytes = readFileSync(path)
    return { bytes, text: bytes.toString('latin1') }
  } catch (error) {
    throw certificateError(`${option} cannot be read: ${errorText(error)}: ${remedyOf(errorText(error))}`, error)
  }
}

function remedyOf(reason: string): string {
  if (reason === 'permission denied') return 'let the account that runs turnd read it'
  return 'give the path of a PEM file, such as one that turnd cert --name NAME makes'
}

function parseCertificate(option: string, block: string, index: number): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (error) {
    throw certificateError(
      `${option}: certificate ${index + 1} of the file is damaged (${reasonOf(error)}): write the file again`,
      error,
    )
  }
}

function parseKey(option: string, text: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (error) {
    throw certificateError(`${option} is damaged (${reasonOf(error)}): write the file again`, error)
  }
}

function checkPair(chain: readonly X509Certificate[], key: KeyObject, certOption: string, keyOption: string): void {
  const position = chain.findIndex((certificate) => certificate.checkPrivateKey(key))
  if (position === 0) return
  if (position > 0) {
    throw certificateError(
      `${certOption} is out of order: its certificate ${position + 1} is the one of ${keyOption}, and must be the first of the file`,
    )
  }
  throw certificateError(
    `${keyOption} is not the key of ${certOption} (${lineOf(chain[0].subject) || 'without a subject'}): give the two files that were made together`,
  )
}

/** OpenSSL refuses weak keys and signatures only when it is to use them, which would be at the first handshake. */
function checkUsable(material: CertificateMaterial, option: string): void {
  try {
    createSecureContext(material)
  } catch (error) {
    throw certificateError(
      `${option} cannot be used for TLS (${reasonOf(error)}): make a new one, such as with turnd cert --name NAME`,
      error,
    )
  }
}

function factsOf(path: string, chain: readonly X509Certificate[]): CertificateFacts {
  const leaf = chain[0]
  const isSelfSigned = isSignedBy(leaf, leaf)
  return {
    path,
    subject: lineOf(leaf.subject),
    issuer: lineOf(leaf.issuer),
    names: subjectAltNames(leaf.subjectAltName),
    validFrom: Date.parse(leaf.validFrom),
    validTo: Date.parse(leaf.validTo),
    fingerprint256: leaf.fingerprint256,
    isSelfSigned,
    isChainInOrder: chain.slice(1).every((issuer, index) => isSignedBy(chain[index], issuer)),
    isChainCut: chain.length === 1 && !isSelfSigned && (leaf.infoAccess ?? '').includes('CA Issuers - URI'),
  }
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Node writes a distinguished name on several lines. */
function lineOf(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}

/** OpenSSL's own words, without its numbers. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'reason' in error) return String(error.reason)
  return errorText(error)
}

function certificateError(message: string, cause?: unknown): TurndError {
  return new TurndError('TURND_ERR_CERTIFICATE', message, { cause })
}
