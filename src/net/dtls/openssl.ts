// OpenSSL 3, which Node carries and whose functions its executable exports: what DTLS needs of it. Pointers are plain numbers.
// Its manual pages describe the functions; the constants are those of <openssl/ssl.h>, bio.h and dtls1.h, where some functions are macros.
import { type Koffi, loadKoffi } from '../native/koffi.js'
import { AlpnSelector } from './alpn.js'

export const SSL_OP_NO_QUERY_MTU = 2 ** 12
export const SSL_OP_NO_TICKET = 2 ** 14
export const SSL_OP_NO_COMPRESSION = 2 ** 17
export const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22
export const SSL_OP_NO_RENEGOTIATION = 2 ** 30
export const SSL_CTRL_SET_MTU = 17
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44
export const SSL_SESS_CACHE_OFF = 0
export const DTLS_CTRL_HANDLE_TIMEOUT = 74
export const SSL_CTRL_SET_MAX_CERT_LIST = 51
export const SSL_CTRL_CHAIN_CERT = 89
export const SSL_CTRL_SET_DH_AUTO = 118
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
export const DTLS1_2_VERSION = 0xfefd
/** What SSL_want answers when a call did all that it could with what has arrived. */
export const SSL_READING = 3
/** What SSL_state_string answers after a fatal error, which may have been met while reading. */
export const SSL_STATE_ERROR = 'SSLERR'
/** The same between the client's ChangeCipherSpec and its Finished. */
export const SSL_STATE_CIPHER_CHANGED = 'TRCCS'
export const BIO_CTRL_RESET = 1
export const ERR_LIB_PEM = 9
export const PEM_R_NO_START_LINE = 108

export interface OpensslFunctions {
  DTLS_server_method(): number
  SSL_CTX_new(method: number): number
  SSL_CTX_free(context: number): void
  SSL_CTX_ctrl(context: number, command: number, value: number, pointer: number): number
  SSL_CTX_set_options(context: number, options: number): number
  SSL_CTX_set_cipher_list(context: number, list: number): number
  SSL_CTX_use_certificate(context: number, certificate: number): number
  SSL_CTX_use_PrivateKey(context: number, key: number): number
  SSL_CTX_check_private_key(context: number): number
  SSL_CTX_set_cookie_verify_cb(context: number, callback: number): void
  SSL_CTX_set_alpn_select_cb(context: number, callback: number, argument: number): void
  SSL_new(context: number): number
  SSL_free(ssl: number): void
  SSL_ctrl(ssl: number, command: number, value: number, pointer: number): number
  SSL_set_bio(ssl: number, input: number, output: number): void
  SSL_alloc_buffers(ssl: number): number
  SSL_free_buffers(ssl: number): number
  SSL_do_handshake(ssl: number): number
  SSL_read(ssl: number, bytes: number, length: number): number
  SSL_write(ssl: number, bytes: number, length: number): number
  SSL_shutdown(ssl: number): number
  SSL_want(ssl: number): number
  SSL_state_string(ssl: number): string
  DTLSv1_listen(ssl: number, address: number): number
  BIO_s_mem(): number
  BIO_new(method: number): number
  BIO_new_mem_buf(bytes: number, length: number): number
  BIO_free(bio: number): number
  BIO_up_ref(bio: number): number
  BIO_ctrl(bio: number, command: number, value: number, pointer: number): number
  BIO_read(bio: number, bytes: number, length: number): number
  BIO_write(bio: number, bytes: number, length: number): number
  BIO_ADDR_new(): number
  BIO_ADDR_free(address: number): void
  PEM_read_bio_X509(bio: number, into: number, callback: number, argument: number): number
  PEM_read_bio_PrivateKey(bio: number, into: number, callback: number, argument: number): number
  X509_free(certificate: number): void
  EVP_PKEY_free(key: number): void
  ERR_clear_error(): void
  ERR_get_error(): number
  ERR_peek_last_error(): number
  ERR_error_string_n(error: number, text: number, length: number): void
  /** Of the C library. */
  memcpy(to: number, from: number, length: number): number
}

export interface Openssl extends OpensslFunctions {
  readonly koffi: Koffi
  /** The address of a C function that answers every cookie with yes. */
  readonly acceptAnyCookie: number
  readonly alpn: AlpnSelector
}

const INT = 'int'
const LONG = 'int64_t'
const VOID = 'void'
const POINTER = 'uint64_t'
const SIGNATURES: Readonly<Record<keyof OpensslFunctions, readonly [result: string, ...types: string[]]>> = {
  DTLS_server_method: [POINTER],
  SSL_CTX_new: [POINTER, POINTER],
  SSL_CTX_free: [VOID, POINTER],
  SSL_CTX_ctrl: [LONG, POINTER, INT, LONG, POINTER],
  SSL_CTX_set_options: [POINTER, POINTER, POINTER],
  SSL_CTX_set_cipher_list: [INT, POINTER, POINTER],
  SSL_CTX_use_certificate: [INT, POINTER, POINTER],
  SSL_CTX_use_PrivateKey: [INT, POINTER, POINTER],
  SSL_CTX_check_private_key: [INT, POINTER],
  SSL_CTX_set_cookie_verify_cb: [VOID, POINTER, POINTER],
  SSL_CTX_set_alpn_select_cb: [VOID, POINTER, POINTER, POINTER],
  SSL_new: [POINTER, POINTER],
  SSL_free: [VOID, POINTER],
  SSL_ctrl: [LONG, POINTER, INT, LONG, POINTER],
  SSL_set_bio: [VOID, POINTER, POINTER, POINTER],
  SSL_alloc_buffers: [INT, POINTER],
  SSL_free_buffers: [INT, POINTER],
  SSL_do_handshake: [INT, POINTER],
  SSL_read: [INT, POINTER, POINTER, INT],
  SSL_write: [INT, POINTER, POINTER, INT],
  SSL_shutdown: [INT, POINTER],
  SSL_want: [INT, POINTER],
  SSL_state_string: ['str', POINTER],
  DTLSv1_listen: [INT, POINTER, POINTER],
  BIO_s_mem: [POINTER],
  BIO_new: [POINTER, POINTER],
  BIO_new_mem_buf: [POINTER, POINTER, INT],
  BIO_free: [INT, POINTER],
  BIO_up_ref: [INT, POINTER],
  BIO_ctrl: [LONG, POINTER, INT, LONG, POINTER],
  BIO_read: [INT, POINTER, POINTER, INT],
  BIO_write: [INT, POINTER, POINTER, INT],
  BIO_ADDR_new: [POINTER],
  BIO_ADDR_free: [VOID, POINTER],
  PEM_read_bio_X509: [POINTER, POINTER, POINTER, POINTER, POINTER],
  PEM_read_bio_PrivateKey: [POINTER, POINTER, POINTER, POINTER, POINTER],
  X509_free: [VOID, POINTER],
  EVP_PKEY_free: [VOID, POINTER],
  ERR_clear_error: [VOID],
  ERR_get_error: [POINTER],
  ERR_peek_last_error: [POINTER],
  ERR_error_string_n: [VOID, POINTER, POINTER, POINTER],
  memcpy: [POINTER, POINTER, POINTER, POINTER],
}
/**
 * int SSL_is_dtls(const SSL *): 1 for all that is made here. A cookie reaches OpenSSL only after it was found right (cookies.ts), so
 * this may be what OpenSSL asks about it; the further arguments of that question are in registers that the function does not read.
 */
const ACCEPTS_ANY_COOKIE = 'SSL_is_dtls'

/** Throws, in one sentence for the operator, why this Node cannot do DTLS. */
export function openOpenssl(): Openssl {
  const koffi = koffiOrReason()
  const { openssl = 'none' } = process.versions
  if (!openssl.startsWith('3.')) throw new Error(`DTLS needs a Node with OpenSSL 3, and this one has ${openssl}`)
  const library = koffi.load(null)
  const functions: Record<string, unknown> = {}
  const missing: string[] = []
  const find = (name: string, [result, ...types]: readonly [string, ...string[]]): unknown => {
    try {
      return library.func(name, result, types)
    } catch {
      missing.push(name)
      return null
    }
  }
  for (const [name, signature] of Object.entries(SIGNATURES)) functions[name] = find(name, signature)
  const dlsym = find('dlsym', [POINTER, POINTER, 'str']) as ((scope: number, name: string) => number) | null
  const acceptAnyCookie = dlsym === null ? 0 : dlsym(0, ACCEPTS_ANY_COOKIE)
  if (dlsym !== null && acceptAnyCookie === 0) missing.push(ACCEPTS_ANY_COOKIE)
  if (missing.length > 0) throw new Error(`DTLS needs functions that this Node does not export: ${missing.join(', ')}`)
  const alpn = new AlpnSelector(koffi, functions.memcpy as OpensslFunctions['memcpy'])
  return { ...functions, koffi, acceptAnyCookie, alpn } as unknown as Openssl
}

function koffiOrReason(): Koffi {
  try {
    return loadKoffi()
  } catch (error) {
    const [reason] = (error as Error).message.split('\n', 1)
    throw new Error(`DTLS needs the package koffi (npm install koffi): ${reason}`)
  }
}

/** The texts of the errors that OpenSSL has noted on this thread, which forgets them; the first is where it began. */
export function takeErrors(openssl: Openssl): string {
  const texts: string[] = []
  const text = Buffer.alloc(ERROR_TEXT_LENGTH_MAX)
  const pointer = Number(openssl.koffi.address(text))
  for (let error = openssl.ERR_get_error(); error !== 0; error = openssl.ERR_get_error()) {
    openssl.ERR_error_string_n(error, pointer, text.length)
    texts.push(text.toString('latin1', 0, text.indexOf(0)))
  }
  return texts.join(', ')
}

const ERROR_TEXT_LENGTH_MAX = 256
