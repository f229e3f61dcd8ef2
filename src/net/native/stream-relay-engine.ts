// The native engine of a stream worker: relays, and the listeners of DTLS. What the core sends to peers does not lie in a slot of the arena,
// but in memory of a stream's or a DTLS session's that is used again at once: it is copied, once, and leaves with the round. On the hot path.
import type { TransportAddress } from '../../stun/address.js'
import { NativeEngine } from './native-engine.js'

export class StreamRelayEngine extends NativeEngine {
  override sendToPeer(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    const source = this.relaySource(relayId, dontFragment)
    if (source < 0) return
    const length = end - start
    this.queue.makeRoom(length)
    const staged = this.queue.stage(length)
    this.arena.bytes.set(bytes.subarray(start, end), staged)
    this.queue.add(source, peer, 0, 0, 0, staged, length, 0)
  }
}
