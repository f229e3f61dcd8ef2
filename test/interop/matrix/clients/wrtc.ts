// @roamhq/wrtc: Google's libwebrtc as an addon of Node.
import { HAS, type MatrixClient } from '../contract.js'
import { callByNode } from '../program-call.js'
import { npmVersion } from '../version.js'

export const wrtc: MatrixClient = {
  id: 'wrtc',
  name: '@roamhq/wrtc',
  how: 'libwebrtc in Node: a data channel between two peer connections, `iceTransportPolicy: "relay"`',
  needs: [],
  supports: {
    udp: HAS,
    tcp: HAS,
    tls: {
      kind: 'fails',
      why: '@roamhq/wrtc has TURN over TLS, but trusts the public authorities that are compiled into it and no other, and the test’s certificate is from an authority of its own: the handshake is given up (`icecandidateerror` 701). Neither `SSL_CERT_FILE` nor `NODE_EXTRA_CA_CERTS` change that, and its `RTCIceServer` has no option for it. Chromium is the same library and passes.',
      shows: /no relay candidate: icecandidateerror 701/,
    },
    dtls: {
      kind: 'none',
      why: 'libwebrtc has no TURN over DTLS: it speaks TLS to `turns:…?transport=udp` too.',
    },
  },
  remarks: [],
  version: async () => npmVersion('@roamhq/wrtc'),
  call: (target) => callByNode('@roamhq/wrtc', target),
}
