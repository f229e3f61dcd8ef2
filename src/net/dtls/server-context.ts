// The server's side of DTLS 1.2 with one certificate: an SSL_CTX, from which each handshake takes what it needs. SSL objects hold it for as
// long as they live, so a newer one may replace it at any time.
import { DTLS_CLIENT_CERTIFICATES_LENGTH_MAX } from '../../limits/dtls.js'
import {
  DTLS1_2_VERSION,
  ERR_LIB_PEM,
  type Openssl,
  PEM_R_NO_START_LINE,
  SSL_CTRL_CHAIN_CERT,
  SSL_CTRL_SET_DH_AUTO,
  SSL_CTRL_SET_MAX_CERT_LIST,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_OP_CIPHER_SERVER_PREFERENCE,
  SSL_OP_NO_COMPRESSION,
  SSL_OP_NO_QUERY_MTU,
  SSL_OP_NO_RENEGOTIATION,
  SSL_OP_NO_TICKET,
  SSL_SESS_CACHE_OFF,
} from './openssl.js'
import { failure, withPem } from './pem.js'

/** PEM texts: the server's certificate, which those of its issuers follow, and its private key without a passphrase. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

/**
 * Forward secrecy and authenticated encryption only (RFC 9325 §4.2), those that RFC 8489 §6.2.3 demands among them. With one way of encryption all
 * records have the same least length (record.ts).
 */
const CIPHERS = 'ECDHE+AESGCM:DHE+AESGCM'
/** Sessions are never resumed, so nothing is kept of one that has ended. */
const OPTIONS =
  SSL_OP_NO_QUERY_MTU +
  SSL_OP_NO_TICKET +
  SSL_OP_NO_COMPRESSION +
  SSL_OP_CIPHER_SERVER_PREFERENCE +
  SSL_OP_NO_RENEGOTIATION
/** An SSL_CTX_ctrl of this kind takes a reference of its own. */
const ADD_REFERENCE = 1

/** Returns the SSL_CTX; SSL_CTX_free is the caller's. Throws an Error that says what is wrong with the pair. */
export function newServerContext(openssl: Openssl, pair: CertificatePair): number {
  openssl.ERR_clear_error()
  const context = openssl.SSL_CTX_new(openssl.DTLS_server_method())
  if (context === 0) throw failure(openssl, 'no context for DTLS')
  try {
    const ciphers = Buffer.from(`${CIPHERS}\0`)
    openssl.SSL_CTX_set_options(context, OPTIONS)
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, DTLS1_2_VERSION, 0)
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0)
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_DH_AUTO, 1, 0)
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, DTLS_CLIENT_CERTIFICATES_LENGTH_MAX, 0)
    if (openssl.SSL_CTX_set_cipher_list(context, Number(openssl.koffi.address(ciphers))) !== 1)
      throw failure(openssl, 'no cipher for DTLS')
    openssl.SSL_CTX_set_cookie_verify_cb(context, openssl.acceptAnyCookie)
    openssl.SSL_CTX_set_alpn_select_cb(context, openssl.alpn.callback, 0)
    useCertificates(openssl, context, pair.cert)
    useKey(openssl, context, pair.key)
    return context
  } catch (error) {
    openssl.SSL_CTX_free(context)
    throw error
  } finally {
    openssl.ERR_clear_error()
  }
}

function useCertificates(openssl: Openssl, context: number, pem: string): void {
  withPem(openssl, pem, (bio) => {
    for (let count = 0; ; count++) {
      const certificate = openssl.PEM_read_bio_X509(bio, 0, 0, 0)
      if (certificate === 0) {
        // The end of the text reads like this, too.
        if (count > 0 && isNoStartLine(openssl.ERR_peek_last_error())) return
        throw failure(openssl, 'the certificate cannot be read')
      }
      const isTaken =
        count === 0
          ? openssl.SSL_CTX_use_certificate(context, certificate)
          : openssl.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, ADD_REFERENCE, certificate)
      openssl.X509_free(certificate)
      if (isTaken !== 1) throw failure(openssl, 'the certificate cannot be used')
    }
  })
  openssl.ERR_clear_error()
}

function useKey(openssl: Openssl, context: number, pem: string): void {
  withPem(openssl, pem, (bio) => {
    // With a passphrase given, though an empty one, OpenSSL does not ask the terminal for it.
    const passphrase = Buffer.alloc(1)
    const key = openssl.PEM_read_bio_PrivateKey(bio, 0, 0, Number(openssl.koffi.address(passphrase)))
    if (key === 0) throw failure(openssl, 'the private key cannot be read')
    const isTaken = openssl.SSL_CTX_use_PrivateKey(context, key)
    openssl.EVP_PKEY_free(key)
    if (isTaken !== 1 || openssl.SSL_CTX_check_private_key(context) !== 1)
      throw failure(openssl, 'the private key is not that of the certificate')
  })
}

function isNoStartLine(error: number): boolean {
  return ((error >> 23) & 0xff) === ERR_LIB_PEM && (error & 0x7fffff) === PEM_R_NO_START_LINE
}
