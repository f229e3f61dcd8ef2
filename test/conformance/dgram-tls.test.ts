// The conformance suite over TLS with the dgram engine.
import t from 'tap'
import { DGRAM } from '../support/engines.js'
import { conformance } from './conformance.js'
import { tlsTransport } from './stream-transports.js'

conformance(t, tlsTransport(DGRAM, { first: 16_000, last: 16_999 }))
