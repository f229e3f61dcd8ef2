// The conformance suite over TLS with the dgram engine: what is about data; all of it in the long run, since the core is the one that
// the other transports have.
import t from 'tap'
import { DGRAM } from '../support/engines.js'
import { conformance, SECTIONS, SECURE_SECTIONS } from './conformance.js'
import { tlsTransport } from './stream-transports.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : SECURE_SECTIONS
conformance(t, tlsTransport(DGRAM, { first: 16_000, last: 16_999 }), sections)
