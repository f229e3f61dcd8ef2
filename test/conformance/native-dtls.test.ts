// The conformance suite over DTLS with the native engine, on two stream workers: data both ways; all of it in the long run, since the core is
// the one that TCP has.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance, SECTIONS, SECURE_SECTIONS } from './conformance.js'
import { dtlsTransport } from './stream-transports.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : SECURE_SECTIONS
if (NATIVE.skip === false) conformance(t, dtlsTransport(NATIVE, { first: 17_000, last: 17_999 }), sections)
else t.test('conformance of the native engine over DTLS', { skip: NATIVE.skip }, () => {})
