// aioice, which is what aiortc stands on.
import { execFileSync } from 'node:child_process'
import { DEBIAN_PYTHON } from '../../../support/peers.js'
import { HAS, type MatrixClient } from '../contract.js'
import { callByPython } from '../program-call.js'
import { versionIn } from '../version.js'

const TELL_VERSION = 'import aioice; print(aioice.__version__)'

export const aioice: MatrixClient = {
  id: 'aioice',
  name: 'aioice',
  how: 'two connections with `TransportPolicy.RELAY` in Debian’s Python, datagrams through ICE, one each way at a time; OpenSSL trusts the test’s authority alone',
  needs: ['aioice'],
  supports: {
    udp: HAS,
    tcp: HAS,
    tls: HAS,
    dtls: { kind: 'none', why: 'aioice has no TURN over DTLS: `turn_ssl` is for TCP.' },
  },
  remarks: [],
  version: async () => versionIn(execFileSync(DEBIAN_PYTHON, ['-c', TELL_VERSION], { encoding: 'utf8' })),
  call: (target) => callByPython('aioice_call.py', target),
}
