// The client's side of DTLS: an SSL_CTX with the authorities that are trusted. The chain of the server is verified and the verdict kept, but it
// ends no handshake: whoever has the session decides (SSL_VERIFY_NONE, which is OpenSSL's own default).
import { rootCertificates } from 'node:tls'
import { certificateBlocks } from '../../auth/certificate-pem.js'
import type { ClientOpenssl } from './client-functions.js'
import {
  DTLS1_2_VERSION,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_OP_NO_COMPRESSION,
  SSL_OP_NO_QUERY_MTU,
  SSL_OP_NO_RENEGOTIATION,
  SSL_OP_NO_TICKET,
  SSL_SESS_CACHE_OFF,
} from './openssl.js'
import { withPem } from './pem.js'

const OPTIONS = SSL_OP_NO_QUERY_MTU + SSL_OP_NO_TICKET + SSL_OP_NO_COMPRESSION + SSL_OP_NO_RENEGOTIATION

let kept: { readonly ca: string | null; readonly context: number } | null = null

/**
 * Returns the SSL_CTX that trusts these authorities, the one of the last call if they are the same: reading some hundred certificates takes 40 ms. SSL
 * objects have a reference of their own. @param ca PEM texts; null: those that Node trusts.
 */
export function clientContext(openssl: ClientOpenssl, ca: string | null): number {
  if (kept !== null && kept.ca === ca) return kept.context
  if (kept !== null) openssl.SSL_CTX_free(kept.context)
  kept = null
  kept = { ca, context: newClientContext(openssl, ca) }
  return kept.context
}

function newClientContext(openssl: ClientOpenssl, ca: string | null): number {
  openssl.ERR_clear_error()
  const context = openssl.SSL_CTX_new(openssl.client.DTLS_client_method())
  if (context === 0) throw new Error('DTLS: no context')
  openssl.SSL_CTX_set_options(context, OPTIONS)
  openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, DTLS1_2_VERSION, 0)
  openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0)
  const store = openssl.client.SSL_CTX_get_cert_store(context)
  for (const pem of ca === null ? rootCertificates : certificateBlocks(ca)) trust(openssl, store, pem)
  openssl.ERR_clear_error()
  return context
}

function trust(openssl: ClientOpenssl, store: number, pem: string): void {
  withPem(openssl, pem, (bio) => {
    const certificate = openssl.PEM_read_bio_X509(bio, 0, 0, 0)
    if (certificate === 0) return
    // Takes a reference of its own.
    openssl.client.X509_STORE_add_cert(store, certificate)
    openssl.X509_free(certificate)
  })
}
