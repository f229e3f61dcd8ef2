// A key, a certificate that is signed by itself, and a certificate request, for the same names. Loaded by `turnd cert` only when it makes one: the library
// takes 0.2 s to load, and needs the metadata of decorators in its place before.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { hostAddress } from '../stun/address.js'
import type { KeyType } from './cert-arguments.js'

/** PEM texts. */
export interface MadeCertificate {
  readonly key: string
  readonly certificate: string
  readonly request: string
  /** The last moment of the certificate. */
  readonly validTo: Date
}

const KEY_ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: Uint8Array.of(1, 0, 1),
    modulusLength: 2048,
  },
}

/** X.520's bound of a commonName. */
const COMMON_NAME_LENGTH_MAX = 64
const SERIAL_NUMBER_BYTES = 16
const DAY_MS = 86_400_000
/** So that a client whose clock is slow accepts a certificate that was just made. */
const BACKDATED_MS = 3_600_000

export async function makeCertificate(
  names: readonly string[],
  days: number,
  keyType: KeyType,
  nowMs: number,
): Promise<MadeCertificate> {
  const signingAlgorithm = KEY_ALGORITHMS[keyType]
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
  const name = [{ CN: [commonName(names)] }]
  const alternativeNames = new SubjectAlternativeNameExtension(
    names.map((value) => ({ type: hostAddress(value) === null ? 'dns' : 'ip', value })),
  )
  const notBefore = new Date(Math.floor((nowMs - BACKDATED_MS) / 1000) * 1000)
  // Both ends belong to the period (RFC 5280 §4.1.2.5), and some clients count its seconds.
  const notAfter = new Date(notBefore.getTime() + days * DAY_MS - 1000)
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    notBefore,
    notAfter,
    signingAlgorithm,
    keys,
    // No keyUsage: one without keyCertSign, which only an authority may have, keeps OpenSSL 1.1 from seeing that the certificate is its own issuer.
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      alternativeNames,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const request = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm,
    extensions: [alternativeNames],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    key: `${PemConverter.encode(pkcs8, 'PRIVATE KEY').trim()}\n`,
    certificate: `${certificate.toString('pem').trim()}\n`,
    request: `${request.toString('pem').trim()}\n`,
    validTo: notAfter,
  }
}

/** Clients look at the subjectAltName alone; people read this. */
function commonName(names: readonly string[]): string {
  return names.find((name) => name.length <= COMMON_NAME_LENGTH_MAX) ?? 'turnd'
}

/** Positive, and of the same length each time (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(SERIAL_NUMBER_BYTES)
  bytes[0] = (bytes[0] & 0x7f) | 0x40
  return bytes.toString('hex')
}
