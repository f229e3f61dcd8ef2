// The conformance suite over UDP with the native engine, on two workers: what the suite crosses, it crosses between threads too. What is one core alone has
// the dgram engine; all of it in the long run.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance, SECTIONS, WORKER_SECTIONS } from './conformance.js'
import { udpTransport } from './udp-transport.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : WORKER_SECTIONS
if (NATIVE.skip === false) conformance(t, udpTransport(NATIVE, { first: 23_000, last: 23_999 }), sections)
else t.test('conformance of the native engine over UDP', { skip: NATIVE.skip }, () => {})
