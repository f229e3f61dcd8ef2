// The conformance suite over TCP with the dgram engine: what is about data and TCP relays; all of it in the long run, since the core is
// the one that the other transports have.
import t from 'tap'
import { DGRAM } from '../support/engines.js'
import { conformance, DATA_AND_TCP_RELAY_SECTIONS, SECTIONS } from './conformance.js'
import { tcpTransport } from './stream-transports.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : DATA_AND_TCP_RELAY_SECTIONS
conformance(t, tcpTransport(DGRAM, { first: 14_000, last: 14_999 }), sections)
