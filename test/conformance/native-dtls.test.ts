// The conformance suite over DTLS with the native engine, on two stream workers.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance } from './conformance.js'
import { dtlsTransport } from './stream-transports.js'

if (NATIVE.skip === false) conformance(t, dtlsTransport(NATIVE, { first: 17_000, last: 17_999 }))
else t.test('conformance of the native engine over DTLS', { skip: NATIVE.skip }, () => {})
