// libnice, the ICE of GStreamer's webrtcbin, Janus and others.
import { HAS, type MatrixClient } from '../contract.js'
import { callByPython } from '../program-call.js'
import { debianVersion } from '../version.js'

export const libnice: MatrixClient = {
  id: 'libnice',
  name: 'libnice',
  how: 'two agents with `force-relay` in Debian’s Python (GObject introspection), datagrams through ICE, one each way at a time; the library does not tell its version, Debian’s package does',
  needs: ['libnice'],
  supports: {
    udp: HAS,
    tcp: HAS,
    tls: {
      kind: 'none',
      why: 'libnice has no TURN over TLS: with RFC 5245’s compatibility `NICE_RELAY_TYPE_TURN_TLS` is TURN over TCP, in the clear (a `tls:` listener of turnd serves it as that, and its log says `"transport":"tcp"`); with that of Google and Microsoft it is a handshake that only looks like TLS.',
    },
    dtls: { kind: 'none', why: 'libnice has no TURN over DTLS.' },
  },
  remarks: [],
  version: async () => debianVersion('libnice10'),
  call: (target) => callByPython('libnice_call.py', target),
}
