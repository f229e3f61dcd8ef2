// The conformance suite over TLS with the native engine, on two stream workers: what depends on the transport, and what strangers get; all
// of it in the long run, since the core is the one that TCP has.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance, SECTIONS, TRANSPORT_SECTIONS } from './conformance.js'
import { tlsTransport } from './stream-transports.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : TRANSPORT_SECTIONS
if (NATIVE.skip === false) conformance(t, tlsTransport(NATIVE, { first: 15_000, last: 15_999 }), sections)
else t.test('conformance of the native engine over TLS', { skip: NATIVE.skip }, () => {})
