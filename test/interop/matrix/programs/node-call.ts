// A data channel between two peer connections of a library of npm that has WebRTC's interface: LIBRARY URI USER PASSWORD COUNT. Prints what
// they saw as JSON. A process of its own, since such libraries leave sockets and threads behind.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { withDeadline } from '../../../support/deadline.js'
import { projectRoot } from '../../../support/project-root.js'

/** What is used here of the interface. */
interface Channel {
  onopen: (() => void) | null
  onmessage: ((event: { data: string | Buffer }) => void) | null
  send(data: string): void
}

type Stats = Readonly<Record<string, unknown>>

interface Connection {
  onicecandidate: ((event: { candidate: { readonly candidate: string } | null | undefined }) => void) | null
  onicecandidateerror: ((event: { errorCode: number }) => void) | null
  onicegatheringstatechange: (() => void) | null
  ondatachannel: ((event: { channel: Channel }) => void) | null
  readonly iceGatheringState: string
  readonly connectionState: string
  readonly localDescription: unknown
  createDataChannel(label: string): Channel
  createOffer(): Promise<unknown>
  createAnswer(): Promise<unknown>
  setLocalDescription(description: unknown): Promise<unknown>
  setRemoteDescription(description: unknown): Promise<unknown>
  addIceCandidate(candidate: unknown): Promise<unknown>
  getStats(): Promise<ReadonlyMap<string, Stats>>
  close(): unknown
}

const MILLISECONDS_MAX = 30_000

const [library = '', uri = '', username = '', credential = '', count = ''] = process.argv.slice(2)
const { RTCPeerConnection } = createRequire(join(projectRoot, 'package.json'))(library) as {
  RTCPeerConnection: new (configuration: object) => Connection
}
const errors: number[] = []
let hasRelay = false
/** Candidates for a connection that knows nothing of the other side yet: it may drop what comes so early. */
const early = new Map<Connection, unknown[]>()

const newConnection = () =>
  new RTCPeerConnection({ iceServers: [{ urls: uri, username, credential }], iceTransportPolicy: 'relay' })

async function call() {
  const [caller, callee] = [newConnection(), newConnection()]
  introduce(caller, callee)
  introduce(callee, caller)
  const channel = caller.createDataChannel('messages')
  const answering = new Promise<Channel>((resolve) => {
    callee.ondatachannel = (event) => resolve(event.channel)
  })
  const open = new Promise<void>((resolve) => {
    channel.onopen = resolve
  })
  const hopeless = withoutCandidates(caller)
  // It may be over before anybody waits for it.
  hopeless.catch(() => {})
  await caller.setLocalDescription(await caller.createOffer())
  await describe(callee, caller.localDescription)
  await callee.setLocalDescription(await callee.createAnswer())
  await describe(caller, callee.localDescription)
  const waiting = Promise.race([open, hopeless])
  await withDeadline(waiting, MILLISECONDS_MAX, () => `an open channel (${caller.connectionState}, errors ${errors})`)
  const totals = await exchange(channel, await answering)
  const report = { ...totals, ...(await pairOf(caller)) }
  await Promise.all([caller.close(), callee.close()])
  return report
}

function introduce(one: Connection, other: Connection): void {
  early.set(other, [])
  one.onicecandidate = ({ candidate }) => {
    if (!candidate) return
    hasRelay ||= / typ relay/.test(candidate.candidate)
    const waiting = early.get(other)
    if (waiting === undefined) other.addIceCandidate(candidate)
    else waiting.push(candidate)
  }
  one.onicecandidateerror = ({ errorCode }) => void errors.push(errorCode)
}

async function describe(connection: Connection, description: unknown): Promise<void> {
  await connection.setRemoteDescription(description)
  const waiting = early.get(connection) ?? []
  early.delete(connection)
  for (const candidate of waiting) connection.addIceCandidate(candidate)
}

/** Rejects when all candidates are known and there are none. */
function withoutCandidates(connection: Connection): Promise<never> {
  return new Promise((_, reject) => {
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState !== 'complete' || hasRelay) return
      reject(new Error(`no relay candidate: icecandidateerror ${[...new Set(errors)].join(', ') || 'none'}`))
    }
  })
}

/** Numbered messages of growing length, each of which the other side sends back. */
async function exchange(channel: Channel, answering: Channel) {
  const messages = Array.from({ length: Number(count) }, (_, number) => `${number}:${'x'.repeat(number * 5)}`)
  const arrived: string[] = []
  const returned: string[] = []
  answering.onmessage = ({ data }) => {
    arrived.push(String(data))
    answering.send(String(data))
  }
  const all = new Promise<void>((resolve) => {
    channel.onmessage = ({ data }) => {
      if (returned.push(String(data)) === messages.length) resolve()
    }
  })
  for (const message of messages) channel.send(message)
  await withDeadline(all, MILLISECONDS_MAX, () => `${arrived.length} messages arrived, ${returned.length} came back`)
  const right = (list: string[]) => messages.filter((message, index) => list[index] === message).length
  return { sent: 2 * messages.length, received: right(arrived) + right(returned) }
}

async function pairOf(connection: Connection) {
  const stats = [...(await connection.getStats()).values()]
  const byId = (id: unknown) => stats.find((report) => report.id === id)
  const pair =
    byId(stats.find(({ type }) => type === 'transport')?.selectedCandidatePairId) ??
    stats.find(({ type, nominated }) => type === 'candidate-pair' && nominated)
  const typeOf = (id: unknown) => byId(id)?.candidateType ?? 'unknown'
  return { local: typeOf(pair?.localCandidateId), remote: typeOf(pair?.remoteCandidateId) }
}

let exitCode = 0
try {
  process.stdout.write(`${JSON.stringify(await call())}\n`)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  exitCode = 1
}
// Threads of an addon may hold the process, and the server is to see the end of the allocations that were closed.
setTimeout(() => process.exit(exitCode), 200)
