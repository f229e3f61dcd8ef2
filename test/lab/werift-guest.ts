// A guest without a browser, for stand-in.test.ts: werift, who may use relays alone and sends a packet of each kind every 20 ms. A thread of its own,
// since werift keeps a process alive for eight minutes after its last call: the timer of a Refresh that nobody needs any more.
//
//   thread ─► { offer }      test ─► { answer }      thread ─► { returned: true } when both kinds have come back
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useOPUS, useVP8 } from 'werift'
import type { Closing } from '../support/closing.js'
import { withDeadline } from '../support/deadline.js'

const PACKET_MILLISECONDS = 20
const CALL_MILLISECONDS_MAX = 60_000

export interface IceServer {
  readonly urls: string[]
  readonly username: string
  readonly credential: string
}

interface Message {
  readonly offer?: string
  readonly answer?: string
  readonly returned?: true
}

/** Resolves when audio and video have come back; the call goes on until `t` ends. @param signal an offer for an answer, both SDP */
export async function callByWerift(
  t: Closing,
  iceServers: readonly IceServer[],
  signal: (offer: string) => Promise<string>,
): Promise<void> {
  const thread = new Worker(new URL(import.meta.url), { workerData: { iceServers } })
  t.teardown(() => thread.terminate())
  const returned = new Promise<void>((resolve, reject) => {
    thread.once('error', reject).on('message', ({ offer, returned }: Message) => {
      if (returned === true) resolve()
      if (offer !== undefined) signal(offer).then((answer) => thread.postMessage({ answer } satisfies Message), reject)
    })
  })
  await withDeadline(returned, CALL_MILLISECONDS_MAX, () => 'audio and video that come back')
}

/** The SDP of a guest who has no candidates. */
export async function offerWithoutCandidates(): Promise<string> {
  const guest = newGuest([])
  for (const kind of ['audio', 'video'] as const) guest.addTransceiver(kind, { direction: 'sendrecv' })
  const { sdp } = await guest.createOffer()
  await guest.close()
  return sdp
}

function newGuest(iceServers: readonly IceServer[]): RTCPeerConnection {
  return new RTCPeerConnection({
    ...{ iceServers: [...iceServers], iceTransportPolicy: 'relay', bundlePolicy: 'max-bundle' },
    codecs: { audio: [useOPUS()], video: [useVP8()] },
  })
}

async function runGuest(post: (message: Message) => void, answered: Promise<string>): Promise<void> {
  const guest = newGuest((workerData as { iceServers: IceServer[] }).iceServers)
  const returned = (['audio', 'video'] as const).map((kind, index) => {
    const track = new MediaStreamTrack({ kind })
    const transceiver = guest.addTransceiver(track, { direction: 'sendrecv' })
    let sequenceNumber = 0
    setInterval(() => {
      const numbers = { sequenceNumber: sequenceNumber++, timestamp: sequenceNumber * 960, ssrc: 100 + index }
      track.writeRtp(new RtpPacket(new RtpHeader({ ...numbers, marker: true }), Buffer.from('media')))
    }, PACKET_MILLISECONDS)
    return new Promise<void>((resolve) => {
      transceiver.onTrack.subscribe((remote) => remote.onReceiveRtp.subscribe(() => resolve()))
    })
  })
  await guest.setLocalDescription(await guest.createOffer())
  post({ offer: guest.localDescription?.sdp ?? '' })
  await guest.setRemoteDescription({ type: 'answer', sdp: await answered })
  await Promise.all(returned)
  post({ returned: true })
}

if (parentPort !== null) {
  const port = parentPort
  const answered = new Promise<string>((resolve) => {
    port.once('message', ({ answer = '' }: Message) => resolve(answer))
  })
  await runGuest((message) => port.postMessage(message), answered)
}
