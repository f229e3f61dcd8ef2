// ALPN (RFC 7301, RFC 7443 §2): of what a client offers, `stun.turn` or `stun.nat-discovery`, whichever it names first. OpenSSL asks through
// a C function that koffi makes of ours; it is asked during SSL_do_handshake, on the thread that called that.
import { DTLS_ALPN_LENGTH_MAX } from '../../limits/dtls.js'
import { type Arena, allocateArena } from '../native/arena.js'
import type { Koffi } from '../native/koffi.js'

/** RFC 7443 §6. */
export const ALPN_PROTOCOLS: readonly string[] = ['stun.turn', 'stun.nat-discovery']

const SSL_TLSEXT_ERR_OK = 0
/** No protocol in common: RFC 7301 §3.2 wants the alert no_application_protocol. */
const SSL_TLSEXT_ERR_ALERT_FATAL = 2
const ANSWER_LENGTH = 64
/** int (*)(SSL *, const unsigned char **out, unsigned char *outlen, const unsigned char *in, unsigned int inlen, void *arg) */
const CALLBACK_TYPES = ['uint64_t', 'uint64_t', 'uint64_t', 'uint64_t', 'uint32_t', 'uint64_t']

/** One for each thread. */
export class AlpnSelector {
  /** Of the C function, for SSL_CTX_set_alpn_select_cb. */
  readonly callback: number
  readonly #address: bigint
  readonly #koffi: Koffi
  readonly #memcpy: (to: number, from: number, length: number) => number
  readonly #arena: Arena
  readonly #offer: number
  readonly #answer: number

  constructor(koffi: Koffi, memcpy: (to: number, from: number, length: number) => number) {
    this.#koffi = koffi
    this.#memcpy = memcpy
    this.#arena = allocateArena(koffi, DTLS_ALPN_LENGTH_MAX + ANSWER_LENGTH)
    this.#offer = this.#arena.reserve(DTLS_ALPN_LENGTH_MAX)
    this.#answer = this.#arena.reserve(ANSWER_LENGTH)
    const type = koffi.pointer(koffi.proto('int', CALLBACK_TYPES))
    this.#address = koffi.register((_ssl, out, outLength, offer, length) => {
      return this.#select(out, outLength, offer, length)
    }, type)
    this.callback = Number(this.#address)
  }

  /** After every SSL_CTX that knows the callback is free. */
  close(): void {
    this.#koffi.unregister(this.#address)
  }

  /** Stores the address of the chosen name at `out` and its length at `outLength`; OpenSSL copies it at once. */
  #select(out: number, outLength: number, offer: number, length: number): number {
    if (length > DTLS_ALPN_LENGTH_MAX) return SSL_TLSEXT_ERR_ALERT_FATAL
    this.#memcpy(this.#arena.pointerAt(this.#offer), offer, length)
    const name = chosenName(this.#arena.bytes, this.#offer, this.#offer + length)
    if (name < 0) return SSL_TLSEXT_ERR_ALERT_FATAL
    this.#arena.storePointer(this.#answer, name)
    this.#memcpy(out, this.#arena.pointerAt(this.#answer), 8)
    this.#memcpy(outLength, this.#arena.pointerAt(name - 1), 1)
    return SSL_TLSEXT_ERR_OK
  }
}

/** Where the first known name of a ProtocolNameList (without its length) begins, behind its length byte; -1 if there is none. */
export function chosenName(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1 + bytes[at]) {
    const nameEnd = at + 1 + bytes[at]
    if (nameEnd > end) return -1
    if (ALPN_PROTOCOLS.includes(String.fromCharCode(...bytes.subarray(at + 1, nameEnd)))) return at + 1
  }
  return -1
}
