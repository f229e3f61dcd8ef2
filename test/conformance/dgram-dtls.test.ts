// The conformance suite over DTLS with the dgram engine: OpenSSL is reached through koffi all the same.
import t from 'tap'
import { DGRAM, withoutKoffi } from '../support/engines.js'
import { conformance } from './conformance.js'
import { dtlsTransport } from './stream-transports.js'

const skip = withoutKoffi()
if (skip === false) conformance(t, dtlsTransport(DGRAM, { first: 18_000, last: 18_999 }))
else t.test('conformance of the dgram engine over DTLS', { skip }, () => {})
