// werift, WebRTC in TypeScript.
import { HAS, type MatrixClient } from '../contract.js'
import { callByNode } from '../program-call.js'
import { npmVersion } from '../version.js'

export const werift: MatrixClient = {
  id: 'werift',
  name: 'werift',
  how: 'a data channel between two peer connections in Node, `iceTransportPolicy: "relay"`; Node trusts the test’s authority (`NODE_EXTRA_CA_CERTS`)',
  needs: [],
  supports: {
    udp: {
      IPv4: HAS,
      IPv6: {
        kind: 'none',
        why: 'werift has no TURN over UDP to an IPv6 address: its socket is for IPv4, and after some seconds it takes TCP.',
      },
    },
    tcp: HAS,
    tls: HAS,
    dtls: { kind: 'none', why: 'werift has no TURN over DTLS: it takes `turns:…?transport=udp` for invalid.' },
  },
  remarks: [],
  version: async () => npmVersion('werift'),
  call: (target) => callByNode('werift', target),
}
