// What DtlsSessions is given.
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { Openssl } from './openssl.js'

/** One UDP datagram to the address of this client, from the listener that it uses. */
export type SendDatagram = (client: FiveTuple, bytes: Uint8Array, start: number, end: number) => void

export interface DtlsSessionsOptions {
  readonly openssl: Openssl
  readonly counters: Float64Array
  readonly send: SendDatagram
  /** Sessions without an allocation; DTLS_UNALLOCATED_COUNT_MAX if absent. */
  readonly unallocatedCountMax?: number | undefined
}
