// The conformance suite over UDP with the native engine, on two workers: what the suite crosses, it crosses between threads too.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance } from './conformance.js'
import { udpTransport } from './udp-transport.js'

if (NATIVE.skip === false) conformance(t, udpTransport(NATIVE, { first: 23_000, last: 23_999 }))
else t.test('conformance of the native engine over UDP', { skip: NATIVE.skip }, () => {})
