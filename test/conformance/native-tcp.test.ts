// The conformance suite over TCP with the native engine, on two stream workers.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance, SECTIONS, STREAM_SECTIONS } from './conformance.js'
import { tcpTransport } from './stream-transports.js'

const sections = process.env.TURND_TEST_LONG === '1' ? SECTIONS : STREAM_SECTIONS

if (NATIVE.skip === false) conformance(t, tcpTransport(NATIVE, { first: 13_000, last: 13_999 }), sections)
else t.test('conformance of the native engine over TCP', { skip: NATIVE.skip }, () => {})
