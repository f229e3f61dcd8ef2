// Clients that do everything right, after each batch: a newcomer over UDP and one over another transport with the whole dance and data both
// ways, and one on each transport that stays for the whole run. The fuzzer may cost them nothing.
import { request as httpRequest } from 'node:http'
import { ATTRIBUTE_LIFETIME, METHOD_REFRESH } from '../../../src/stun/constants.js'
import { testCertificate } from '../../support/certificate.js'
import { type ClientTransport, connectUdp } from '../../support/client-transport.js'
import { withDeadline } from '../../support/deadline.js'
import { connectDtls } from '../../support/dtls-transport.js'
import type { SeededRandom } from '../../support/random.js'
import { connectTcp, connectTls } from '../../support/stream-client.js'
import { TurnClient } from '../../support/turn-client.js'
import { SCHEMES, type Scheme } from './connections.js'
import { HOST, INNOCENT, type SocketsStage } from './stage.js'
import { UPSTREAM_TEXT } from './upstream.js'

const FROM = '127.55.0.1'
const CHANNEL = 0x4abc
const PAYLOAD_LENGTH_MAX = 900
/** A machine that is busy with everything else may lose a datagram. */
const TRY_COUNT = 3
const PAGE_MILLISECONDS_MAX = 10_000

export class Innocents {
  readonly #stage: SocketsStage
  readonly #kept = new Map<Scheme, TurnClient>()

  constructor(stage: SocketsStage) {
    this.#stage = stage
  }

  /** Serves them all, or reports whom it could not. */
  async check(random: SeededRandom): Promise<void> {
    const newcomers: Scheme[] = ['udp', random.pick(['tcp', 'tls', 'dtls'])]
    const payload = Buffer.from(random.nextBytes(1 + random.nextInt(PAYLOAD_LENGTH_MAX)))
    await Promise.all([
      ...newcomers.map((scheme) => this.#serve(`a newcomer over ${scheme}`, () => this.#newcomer(scheme, payload))),
      ...SCHEMES.map((scheme) =>
        this.#serve(`the client that stays over ${scheme}`, () => this.#stayer(scheme, payload)),
      ),
      this.#serve('a browser', () => getPage(this.#stage.server.port('', 'tls'))),
    ])
  }

  async close(): Promise<void> {
    for (const client of this.#kept.values()) await client.transport.close()
  }

  async #serve(who: string, serve: () => Promise<void>): Promise<void> {
    for (let attempt = 1; attempt <= TRY_COUNT; attempt++) {
      try {
        await serve()
        this.#stage.depth.add('innocents')
        if (attempt > 1) this.#stage.depth.add('innocentRetries')
        return
      } catch (error) {
        if (attempt === TRY_COUNT)
          this.#stage.report(`${who} was not served: ${error instanceof Error ? error.message : error}`, null)
      }
    }
  }

  async #newcomer(scheme: Scheme, payload: Buffer): Promise<void> {
    const client = new TurnClient(await connect(this.#stage, scheme), INNOCENT)
    try {
      expectCode('a Binding', (await client.binding()).code, 0)
      await takePlace(client, this.#stage)
      await exchange(client, this.#stage, payload)
      expectCode('a Refresh to the end', (await client.refresh({ lifetimeSeconds: 0 })).code, 0)
    } finally {
      await client.transport.close()
    }
  }

  async #stayer(scheme: Scheme, payload: Buffer): Promise<void> {
    const known = this.#kept.get(scheme)
    if (known !== undefined) {
      await renew(known)
      expectCode('its permission', (await known.bindChannel(CHANNEL, this.#stage.peers.udp)).code, 0)
      await exchange(known, this.#stage, payload)
      return
    }
    const client = new TurnClient(await connect(this.#stage, scheme), INNOCENT)
    this.#kept.set(scheme, client)
    await takePlace(client, this.#stage)
  }
}

/** With a new nonce, once the old one is stale. */
async function renew(client: TurnClient): Promise<void> {
  const answer = await client.request(METHOD_REFRESH, (writer) => writer.writeUint32(ATTRIBUTE_LIFETIME, 3_600))
  if (answer.code !== 438) return expectCode('a Refresh', answer.code, 0)
  client.takeChallenge(answer)
  expectCode('a Refresh with a new nonce', (await client.refresh({ lifetimeSeconds: 3_600 })).code, 0)
}

async function takePlace(client: TurnClient, { peers }: SocketsStage): Promise<void> {
  await client.learnChallenge()
  expectCode('an Allocate', (await client.allocate()).code, 0)
  expectCode('a CreatePermission', (await client.createPermission(peers.udp)).code, 0)
}

/** By a Send indication and a channel; the peer sends it back. */
async function exchange(client: TurnClient, { peers }: SocketsStage, payload: Buffer): Promise<void> {
  // What came late of an attempt before this one.
  client.inbox.takeAll()
  client.sendTo(peers.udp, payload)
  expectPayload((await client.nextData()).text, payload)
  expectCode('a ChannelBind', (await client.bindChannel(CHANNEL, peers.udp)).code, 0)
  client.sendChannelData(CHANNEL, payload)
  const { channelNumber, text } = await client.nextData()
  if (channelNumber !== CHANNEL) throw new Error(`data came on channel ${channelNumber}`)
  expectPayload(text, payload)
}

async function connect({ server }: SocketsStage, scheme: Scheme): Promise<ClientTransport> {
  const port = server.port('', scheme)
  if (scheme === 'udp') return connectUdp(HOST, port, FROM)
  if (scheme === 'tcp') return connectTcp(HOST, port, FROM)
  return scheme === 'tls'
    ? connectTls(HOST, port, testCertificate().cert, { from: FROM })
    : connectDtls(HOST, port, FROM)
}

function getPage(port: number): Promise<void> {
  const page = new Promise<void>((resolve, reject) => {
    const request = httpRequest({ host: HOST, port, localAddress: FROM, agent: false }, (response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () =>
        text === UPSTREAM_TEXT ? resolve() : reject(new Error(`${response.statusCode}: ${text}`)),
      )
    })
    request.on('error', reject)
    request.end()
  })
  return withDeadline(page, PAGE_MILLISECONDS_MAX, () => 'no page')
}

function expectCode(what: string, code: number, wanted: number): void {
  if (code !== wanted) throw new Error(`${what} was answered with ${code}`)
}

function expectPayload(text: string, payload: Buffer): void {
  if (text !== payload.toString('latin1')) throw new Error(`${payload.length} bytes came back changed`)
}
