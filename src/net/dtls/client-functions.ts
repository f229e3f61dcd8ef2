// What DTLS needs of OpenSSL at the side of a client, beside openssl.ts: the same executable exports it. One for each thread, made when it is first needed.
import { type Openssl, openOpenssl } from './openssl.js'

export const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55
export const TLSEXT_NAMETYPE_HOST_NAME = 0
export const X509_V_OK = 0

export interface ClientFunctions {
  DTLS_client_method(): number
  SSL_set_connect_state(ssl: number): void
  SSL_set_alpn_protos(ssl: number, list: number, length: number): number
  SSL_get_verify_result(ssl: number): number
  SSL_get1_peer_certificate(ssl: number): number
  SSL_get_version(ssl: number): string
  SSL_get_current_cipher(ssl: number): number
  SSL_CIPHER_get_name(cipher: number): string
  SSL_get0_alpn_selected(ssl: number, into: number, lengthInto: number): void
  SSL_CTX_get_cert_store(context: number): number
  X509_STORE_add_cert(store: number, certificate: number): number
  X509_verify_cert_error_string(error: number): string
  i2d_X509(certificate: number, into: number): number
}

export interface ClientOpenssl extends Openssl {
  readonly client: ClientFunctions
}

const SIGNATURES: Readonly<Record<keyof ClientFunctions, readonly [result: string, ...types: string[]]>> = {
  DTLS_client_method: ['uint64_t'],
  SSL_set_connect_state: ['void', 'uint64_t'],
  SSL_set_alpn_protos: ['int', 'uint64_t', 'uint64_t', 'uint32_t'],
  SSL_get_verify_result: ['int64_t', 'uint64_t'],
  SSL_get1_peer_certificate: ['uint64_t', 'uint64_t'],
  SSL_get_version: ['str', 'uint64_t'],
  SSL_get_current_cipher: ['uint64_t', 'uint64_t'],
  SSL_CIPHER_get_name: ['str', 'uint64_t'],
  SSL_get0_alpn_selected: ['void', 'uint64_t', 'uint64_t', 'uint64_t'],
  SSL_CTX_get_cert_store: ['uint64_t', 'uint64_t'],
  X509_STORE_add_cert: ['int', 'uint64_t', 'uint64_t'],
  X509_verify_cert_error_string: ['str', 'int64_t'],
  i2d_X509: ['int', 'uint64_t', 'uint64_t'],
}

let opened: ClientOpenssl | null = null

/** Throws, in one sentence for people, why this Node cannot do DTLS. */
export function openClientOpenssl(): ClientOpenssl {
  if (opened !== null) return opened
  const openssl = openOpenssl()
  // Only servers choose a protocol.
  openssl.alpn.close()
  const library = openssl.koffi.load(null)
  const client: Record<string, unknown> = {}
  for (const [name, [result, ...types]] of Object.entries(SIGNATURES)) client[name] = library.func(name, result, types)
  opened = { ...openssl, client: client as unknown as ClientFunctions }
  return opened
}
