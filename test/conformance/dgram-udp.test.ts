// The conformance suite over UDP with the dgram engine.
import t from 'tap'
import { DGRAM } from '../support/engines.js'
import { conformance } from './conformance.js'
import { udpTransport } from './udp-transport.js'

conformance(t, udpTransport(DGRAM, { first: 30_000, last: 30_999 }))
