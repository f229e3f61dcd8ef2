// The conformance suite over TCP with the dgram engine.
import t from 'tap'
import { DGRAM } from '../support/engines.js'
import { conformance } from './conformance.js'
import { tcpTransport } from './stream-transports.js'

conformance(t, tcpTransport(DGRAM, { first: 14_000, last: 14_999 }))
