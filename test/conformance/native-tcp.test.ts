// The conformance suite over TCP with the native engine, on two stream workers.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance } from './conformance.js'
import { tcpTransport } from './stream-transports.js'

if (NATIVE.skip === false) conformance(t, tcpTransport(NATIVE, { first: 13_000, last: 13_999 }))
else t.test('conformance of the native engine over TCP', { skip: NATIVE.skip }, () => {})
