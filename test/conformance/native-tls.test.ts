// The conformance suite over TLS with the native engine, on two stream workers.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance } from './conformance.js'
import { tlsTransport } from './stream-transports.js'

if (NATIVE.skip === false) conformance(t, tlsTransport(NATIVE, { first: 15_000, last: 15_999 }))
else t.test('conformance of the native engine over TLS', { skip: NATIVE.skip }, () => {})
