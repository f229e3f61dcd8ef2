// One guest's leg at the call bridge: a WebRTC peer (werift) that may use relay candidates alone, of the TURN server's internal address, and sends
// back to the guest what he sends: a conference with nobody else in it.
//
//   guest ─► offer ─► answer, with the relay candidate or, after a failure, without any: the guest has joined, and waits for media that cannot come
//         ─► candidates, one by one
import './give-back.js'
import {
  type CandidatePair,
  MediaStreamTrack,
  RTCPeerConnection,
  type RTCRtpTransceiver,
  useOPUS,
  useVP8,
} from 'werift'
import { formatTurnUri } from '../../../src/client/turn-uri.js'
import { followNomination } from './follow-nomination.js'
import { type CallCount, countPacket, newCallCount } from './media-count.js'
import { findRelayTrouble, RELAY_TIMEOUT, type RelayTrouble } from './relay-trouble.js'
import type { Report, ReportFields } from './report.js'
import type { CmsTurnServer } from './turn-servers.js'

/** After so long without a relay candidate the TURN server is asked what is wrong. A candidate takes two round trips. */
const PATIENCE_MILLISECONDS = 500
const MEDIA_REPORT_MILLISECONDS = 1_000
/** How often a guest is asked for a whole picture until the first one has come: requests get lost like anything else. */
const KEYFRAME_MILLISECONDS = 1_000

export interface CallOptions {
  readonly number: number
  readonly space: string
  readonly turnServer: CmsTurnServer
  readonly relaySeconds: number
  readonly report: Report
}

export class Call {
  readonly number: number
  readonly space: string
  readonly count: CallCount = newCallCount()
  /** Of ICE, as werift has it, or what went wrong before. */
  state = 'new'
  readonly #options: CallOptions
  readonly #connection: RTCPeerConnection
  readonly #timer: NodeJS.Timeout
  #isEnded = false
  /** That was reported last. */
  #pair: CandidatePair | null = null
  /** Before ICE began: what ICE says then is no news. */
  #hasFailed = false

  constructor(options: CallOptions) {
    this.#options = options
    this.number = options.number
    this.space = options.space
    const { password, server, username } = options.turnServer
    this.#connection = new RTCPeerConnection({
      iceTransportPolicy: 'relay',
      // ?transport=udp does not keep werift from trying TCP after a timeout, which is long after ours.
      iceServers: [
        { urls: formatTurnUri({ ...server, scheme: 'turn', transport: 'udp' }), username, credential: password },
      ],
      codecs: { audio: [useOPUS()], video: [useVP8()] },
      iceFilterStunResponse: (check, source) => {
        followNomination(this.#connection, check, source)
        return true
      },
    })
    for (const kind of ['audio', 'video'] as const)
      this.#echo(this.#connection.addTransceiver(kind, { direction: 'sendrecv' }))
    this.#watch()
    this.#timer = setInterval(() => this.#reportMedia(), MEDIA_REPORT_MILLISECONDS)
  }

  /** Answers the guest's offer. @returns the answer's SDP */
  async answer(offer: string): Promise<string> {
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: offer })
    const answer = await this.#connection.createAnswer()
    const trouble = await this.#gather(this.#connection.setLocalDescription(answer))
    if (trouble === null) return this.#connection.localDescription?.sdp ?? answer.sdp
    this.#hasFailed = true
    this.state = 'failed'
    this.#log(trouble.text, { detail: trouble.detail })
    return answer.sdp
  }

  /** @param candidate as the browser has it in JSON */
  async addCandidate(candidate: {
    readonly candidate: string
    readonly sdpMid?: string
    readonly sdpMLineIndex?: number
  }) {
    this.#options.report('candidate', { call: this.number, side: 'guest', candidate: candidate.candidate })
    await this.#connection.addIceCandidate(candidate)
  }

  async end(reason: string): Promise<void> {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#timer)
    this.#reportMedia()
    this.#report('left', { reason })
    this.#log(`ended; ${reason}`)
    await this.#connection.close()
  }

  /** What kept the relay candidate from being made; null if it is there. */
  async #gather(gathered: Promise<unknown>): Promise<RelayTrouble | null> {
    const { relaySeconds, turnServer } = this.#options
    const deadline = performance.now() + relaySeconds * 1000
    await soonest(gathered, PATIENCE_MILLISECONDS)
    if (this.#hasRelay()) return null
    const trouble = await findRelayTrouble(turnServer, Math.max(1, Math.round(deadline - performance.now())))
    if (trouble !== null && trouble.text !== RELAY_TIMEOUT) return trouble
    await soonest(gathered, deadline - performance.now())
    if (this.#hasRelay()) return null
    return { text: RELAY_TIMEOUT, detail: trouble?.detail ?? `no relay candidate after ${relaySeconds} s` }
  }

  #hasRelay(): boolean {
    return this.#connection.iceTransports.some((transport) =>
      transport.getLocalCandidates().some(({ candidate }) => candidate.includes(' typ relay')),
    )
  }

  /** What comes from the guest goes back to him. His requests for a whole picture go on to him as well, who has it. */
  #echo(transceiver: RTCRtpTransceiver): void {
    const { kind, receiver, sender } = transceiver
    const { received, sent } = this.count[kind === 'audio' ? 'audio' : 'video']
    const back = new MediaStreamTrack({ kind })
    sender.registerTrack(back)
    transceiver.onTrack.subscribe((track) => {
      const askForPicture = () => {
        if (kind === 'video' && track.ssrc !== undefined) void receiver.sendRtcpPLI(track.ssrc)
      }
      sender.onPictureLossIndication.subscribe(askForPicture)
      let askedAt = 0
      track.onReceiveRtp.subscribe((packet) => {
        countPacket(received, packet, kind)
        const now = performance.now()
        if (sent.frames === 0 && now - askedAt > KEYFRAME_MILLISECONDS) {
          askedAt = now
          askForPicture()
        }
        if (this.#connection.connectionState !== 'connected') return
        // The sender writes its own numbers into the header that it is given.
        back.writeRtp(packet.clone())
        countPacket(sent, packet, kind)
      })
    })
  }

  #watch(): void {
    this.#connection.onIceCandidate.subscribe((candidate) => {
      if (candidate !== undefined) this.#report('candidate', { side: 'bridge', candidate: candidate.candidate })
    })
    this.#connection.iceConnectionStateChange.subscribe((state) => {
      // werift says `completed` when it has gathered, before it has tried any pair.
      if (this.#hasFailed || (this.state === 'new' && state === 'completed')) return
      this.state = state
      this.#report('ice', { state })
      if (state === 'failed') this.#log('ICE failure 3 (no candidate pair answers)')
      // A guest who closes the page says nothing.
      if (state === 'disconnected' || state === 'failed') void this.end('nothing comes from the guest any more')
    })
    this.#connection.connectionStateChange.subscribe((state) => {
      this.#report('connection', { state })
      if (state === 'connected') this.#log('media connected')
    })
  }

  /** The guest chooses, and may choose again. */
  #reportPair(): void {
    const pair = this.#connection.iceTransports[0]?.connection.nominated
    if (pair === undefined || pair === this.#pair) return
    this.#pair = pair
    const [local, remote] = [pair.localCandidate, pair.remoteCandidate].map(({ host, port, type }) => {
      return { type, address: host, port }
    })
    this.#report('pair', { local, remote })
  }

  #reportMedia(): void {
    this.#reportPair()
    if (this.count.audio.received.packets + this.count.video.received.packets > 0) {
      this.#report('media', { audio: this.count.audio, video: this.count.video })
    }
  }

  #report(event: string, fields: ReportFields): void {
    this.#options.report(event, { call: this.number, ...fields })
  }

  #log(text: string, fields: ReportFields = {}): void {
    this.#report('log', { text: `call ${this.number}: ${text}`, ...fields })
  }
}

/** Resolves when the promise is settled, or after so long. */
async function soonest(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise.catch(() => {}), late])
  clearTimeout(timer)
}
