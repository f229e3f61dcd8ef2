// The call bridge: which spaces there are, and the calls of the guests in them. Asked by the web bridge.
import { randomUUID } from 'node:crypto'
import { formatTurnUri, type TurnUri } from '../../../src/client/turn-uri.js'
import { Call } from './call.js'
import type { CmsOptions } from './options.js'
import { Problem } from './problem.js'
import type { Report } from './report.js'
import { type CmsTurnServer, readTurnServers } from './turn-servers.js'

export class CallBridge {
  readonly #options: CmsOptions
  readonly #report: Report
  /** By an id that only the guest knows. */
  readonly #calls = new Map<string, Call>()
  #nextNumber: number

  constructor(options: CmsOptions, report: Report) {
    this.#options = options
    this.#report = report
    this.#nextNumber = options.callNumber
  }

  /** What the page needs to make its side of the call. */
  async join(callId: string, from: string): Promise<object> {
    const { icePolicy, connectSeconds, relaySeconds, spaces } = this.#options
    const space = callId.trim()
    if (!spaces.includes(space)) {
      this.#log(`webbridge: no space has the Call ID ${JSON.stringify(space.slice(0, 40))}`, { from })
      throw new Problem(404, 'There is no meeting with this Call ID.')
    }
    const turnServer = await this.#turnServer()
    const number = this.#nextNumber++
    const call = new Call({ number, space, turnServer, relaySeconds, report: this.#report })
    const id = randomUUID()
    this.#calls.set(id, call)
    this.#report('joined', { call: number, space, from })
    this.#log(`call ${number}: incoming guest call from ${from} to space ${space}`)
    return { id, number, space, icePolicy, connectSeconds, iceServers: this.#iceServers(turnServer) }
  }

  async offer(id: string, sdp: string): Promise<object> {
    return { sdp: await this.#find(id).answer(sdp) }
  }

  async candidate(id: string, body: Readonly<Record<string, unknown>>): Promise<object> {
    const { candidate, sdpMid, sdpMLineIndex } = body
    if (typeof candidate !== 'string') throw new Problem(400, 'The request has no candidate.')
    await this.#find(id).addCandidate({
      candidate,
      ...(typeof sdpMid === 'string' ? { sdpMid } : {}),
      ...(typeof sdpMLineIndex === 'number' ? { sdpMLineIndex } : {}),
    })
    return {}
  }

  async leave(id: string, reason: string): Promise<object> {
    await this.#find(id).end(reason.slice(0, 200))
    this.#calls.delete(id)
    return {}
  }

  describe(id: string): object {
    const { count, number, state } = this.#find(id)
    return { number, state, ...count }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#calls.values()].map((call) => call.end('the call bridge stops')))
  }

  #find(id: string): Call {
    const call = this.#calls.get(id)
    if (call === undefined) throw new Problem(404, 'There is no such call.')
    return call
  }

  /** The first one: a real call bridge would choose the nearest. */
  async #turnServer(): Promise<CmsTurnServer> {
    try {
      const servers = await readTurnServers(this.#options)
      const told = servers.map(({ password: _, ...server }) => server)
      this.#report('turn-servers', { servers: told })
      if (servers.length > 0) return servers[0]
      this.#log('callbridge: no TURN server is configured')
    } catch (error) {
      this.#log(`callbridge: the TURN servers cannot be read: ${(error as Error).message}`)
    }
    throw new Problem(503, 'The meeting cannot be joined: its server has no TURN server.')
  }

  /** All ways through the firewall, to the address that it has outside. */
  #iceServers({ client, password, tcpPort, username }: CmsTurnServer): object[] {
    const { turnsName, turnsPort } = this.#options
    const uris: TurnUri[] = [
      { ...client, scheme: 'turn', transport: 'udp' },
      { ...client, port: tcpPort, scheme: 'turn', transport: 'tcp' },
    ]
    if (turnsName !== null) uris.push({ host: turnsName, port: turnsPort, scheme: 'turns', transport: 'tcp' })
    return [{ urls: uris.map(formatTurnUri), username, credential: password }]
  }

  #log(text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#report('log', { text, ...fields })
  }
}
