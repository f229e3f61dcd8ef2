// The call of test/interop/pages/relay-call.html, and what must be true of it whatever transport led to the relays. Used by the interop tests.
import type { Test } from 'tap'

export interface CallOptions {
  readonly server: { readonly uri: string; readonly username: string; readonly password: string }
  readonly messageCount: number
  readonly mediaSeconds: number
}

interface MediaSample {
  readonly audioBytes: number
  readonly videoBytes: number
  readonly framesDecoded: number
}

export interface CallResult {
  readonly sent: string[]
  readonly received: string[]
  readonly echoes: string[]
  readonly media: MediaSample[]
  /** Packets of media. */
  readonly packetsLost: number
  readonly pairs: { local: string; remote: string; relayProtocol: string; state: string }[]
  readonly errors: unknown[]
}

/** Registers the tests of a call that succeeded. @param relayProtocol what getStats calls the way to the relay: udp, tcp or tls */
export function testCall(t: Test, call: CallResult, options: CallOptions, relayProtocol: string): void {
  const { mediaSeconds, messageCount } = options

  t.test(`${messageCount} data-channel messages and their echoes arrive whole and in order`, async (t) => {
    t.equal(call.sent.length, messageCount)
    t.same(call.received, call.sent)
    t.same(
      call.echoes,
      call.sent.map((message) => `echo ${message}`),
    )
  })

  t.test(`${mediaSeconds} s of audio and video keep arriving and are decoded`, async (t) => {
    t.equal(call.media.length, mediaSeconds + 1, 'media arrived and was watched every second')
    for (const [second, later] of call.media.slice(1).entries()) {
      const earlier = call.media[second]
      t.ok(later.audioBytes > earlier.audioBytes, `audio arrived in second ${second + 1}`)
      t.ok(later.videoBytes > earlier.videoBytes, `video arrived in second ${second + 1}`)
      t.ok(later.framesDecoded > earlier.framesDecoded, `video was decoded in second ${second + 1}`)
    }
  })

  t.test('the selected candidate pair is relay to relay on both sides', async (t) => {
    const relayed = { local: 'relay', remote: 'relay', relayProtocol, state: 'succeeded' }
    t.same(call.pairs, [relayed, relayed])
  })

  t.test('no candidate failed', async (t) => t.same(call.errors, []))
}
