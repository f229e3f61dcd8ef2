// Attacks of clients over TCP, TLS, DTLS and HTTP, and on TCP relays.
import type { Attack } from '../attack.js'
import { DTLS_HELLOS } from './dtls-hellos.js'
import { DTLS_RECORDS } from './dtls-records.js'
import { HTTP_REQUESTS } from './http-requests.js'
import { HTTP_SLOW } from './http-slow.js'
import { STREAM_CERTIFICATES } from './stream-certificates.js'
import { STREAM_CHURN } from './stream-churn.js'
import { STREAM_FLOODS } from './stream-floods.js'
import { STREAM_FRAMES } from './stream-frames.js'
import { STREAM_PROXY } from './stream-proxy.js'
import { SLOW_STREAMS } from './stream-slow.js'
import { STALLED_STREAMS } from './stream-stalled.js'
import { STREAM_TLS } from './stream-tls.js'
import { TCP_RELAY_CONNECTIONS } from './tcp-relay-connections.js'
import { TCP_RELAY_DATA } from './tcp-relay-data.js'

export const STREAM_ATTACKS: readonly Attack[] = [
  ...SLOW_STREAMS,
  ...STREAM_CHURN,
  ...STREAM_TLS,
  ...STREAM_FRAMES,
  ...STALLED_STREAMS,
  ...STREAM_FLOODS,
  ...DTLS_HELLOS,
  ...DTLS_RECORDS,
  ...HTTP_REQUESTS,
  ...HTTP_SLOW,
  ...STREAM_PROXY,
  ...TCP_RELAY_CONNECTIONS,
  ...TCP_RELAY_DATA,
  ...STREAM_CERTIFICATES,
]
