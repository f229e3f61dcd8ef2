// The conformance suite over UDP with the native engine, on two workers: what the suite crosses, it crosses between threads too.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { conformance } from './conformance.js'
import { udpTransport } from './udp-transport.js'

t.test('the native engine', { skip: NATIVE.skip }, async (t) => {
  conformance(t, udpTransport(NATIVE, { first: 23_000, last: 23_999 }))
})
