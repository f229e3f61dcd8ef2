// The conformance suite over DTLS with the dgram engine: OpenSSL is reached through koffi all the same. What is about data; all of it in the long run.
import t from 'tap'
import { DGRAM, withoutKoffi } from '../support/engines.js'
import { conformance, SECTIONS, SECURE_SECTIONS } from './conformance.js'
import { dtlsTransport } from './stream-transports.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : SECURE_SECTIONS
const skip = withoutKoffi()
if (skip === false) conformance(t, dtlsTransport(DGRAM, { first: 18_000, last: 18_999 }), sections)
else t.test('conformance of the dgram engine over DTLS', { skip }, () => {})
