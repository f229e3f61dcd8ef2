// What the main thread does with the sockets of a worker that has died.
import t from 'tap'
import { parseListenSpec } from '../../../src/config/listen-spec.js'
import { UDP_SCHEMES, wildcardListenTargets } from '../../../src/net/listen-targets.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { openLibc } from '../../../src/net/native/libc.js'
import { ListenerOpener } from '../../../src/net/native/listener-sockets.js'
import { NativeCalls } from '../../../src/server/worker/native-calls.js'
import { NATIVE } from '../../support/engines.js'
import { UdpPeer } from '../../support/udp-peer.js'

t.test('NativeCalls', { skip: NATIVE.skip }, async (t) => {
  t.test(
    'throws away what waits in listeners, empty datagrams and long ones too, and nothing that comes later',
    async (t) => {
      const koffi = loadKoffi()
      const libc = openLibc(koffi)
      const specs = ['udp:127.0.0.1:0', 'udp:[::1]:0'].map(parseListenSpec)
      const opener = new ListenerOpener(koffi, libc, { gro: true, gso: true }, false)
      t.teardown(() => opener.close())
      const opened = opener.open(wildcardListenTargets(specs, UDP_SCHEMES), 1, () => false)
      const listeners = opened.flatMap(({ adopted }) => adopted)
      const calls = new NativeCalls(koffi, libc)
      const buffer = Buffer.alloc(2000)
      const address = Number(koffi.address(buffer))
      for (const { address: listener } of listeners) {
        const peer = await UdpPeer.open(t, listener.host)
        for (const length of [0, 1, 1500, 20, 0]) peer.send(listener, Buffer.alloc(length))
      }
      calls.discardWaiting(listeners)
      for (const { fd } of listeners) t.equal(libc.read(fd, address, buffer.length), -1)
      for (const { address: listener, fd } of listeners) {
        const peer = await UdpPeer.open(t, listener.host)
        peer.send(listener, Buffer.alloc(7))
        t.equal(libc.read(fd, address, buffer.length), 7)
      }
    },
  )
})
