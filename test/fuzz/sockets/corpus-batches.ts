// The files of corpus/ through every door where they belong, as they are: what a run begins with, so that an input that was a mistake once is tried
// for ever. Messages also go with their attributes signed, in a client’s own session, whole and a byte at a time.
import type { SeededRandom } from '../../support/random.js'
import { attributesOf, requestMethod } from '../attributes.js'
import { corpusOf } from '../corpus.js'
import { damagedRequests } from '../damaged-requests.js'
import { loadCorpus } from '../samples.js'
import type { Scheme } from './connections.js'
import { sendDtlsRecords } from './handshakes.js'
import { takePlace } from './hostile-sessions.js'
import { CREDENTIALS, Session } from './session.js'
import type { SocketsStage } from './stage.js'
import { sendDatagrams, sendHttp, sendProxied, sendStream } from './strangers.js'

export type Conversation = (stage: SocketsStage, random: SeededRandom) => Promise<void>

const MESSAGES_PER_SESSION = 30

/** @param damagedCount of the damaged requests of damaged-requests.ts, spread evenly, on UDP and over TCP */
export function corpusConversations(damagedCount: number): Conversation[] {
  const messages = loadCorpus().filter((bytes) => bytes.length > 0)
  const damaged = everyNth(damagedRequests(), damagedCount)
  return [
    ...inGroups(messages).map(
      (group): Conversation =>
        (stage, random) =>
          sendDatagrams(stage, random, 'udp', group),
    ),
    ...inGroups(messages).map(
      (group): Conversation =>
        (stage, random) =>
          sendDatagrams(stage, random, 'dtls', group),
    ),
    ...messages
      .filter((bytes) => bytes.length > 1)
      .map(
        (bytes): Conversation =>
          (stage, random) =>
            sendStream(stage, random, bytes, 'a file of the corpus', 'stun'),
      ),
    ...(['udp', 'tcp'] as const).flatMap((scheme) =>
      inGroups([...messages, ...damaged]).map((group) => inSession(scheme, group)),
    ),
    ...corpusOf('stream', 'tls').map(
      ({ bytes, kind, name }): Conversation =>
        (stage, random) =>
          sendStream(stage, random, bytes, name, kind),
    ),
    ...corpusOf('http').map(
      ({ bytes }): Conversation =>
        (stage, random) =>
          sendHttp(stage, random, bytes),
    ),
    ...corpusOf('proxy').map(
      ({ bytes }): Conversation =>
        (stage, random) =>
          sendProxied(stage, random, bytes),
    ),
    (stage, random) =>
      sendDtlsRecords(
        stage,
        random,
        corpusOf('dtls').map(({ bytes }) => bytes),
      ),
  ]
}

/** Requests with their attributes signed, everything else as it is where that does not end a stream. */
function inSession(scheme: Scheme, messages: readonly Uint8Array[]): Conversation {
  return async (stage, random) => {
    const session = await Session.open(stage, scheme, random, 'files of the corpus, signed')
    try {
      await takePlace(session)
      for (const message of messages) {
        const method = requestMethod(message)
        if (method >= 0) session.sendSigned(method, attributesOf(message), random.pick(CREDENTIALS))
        else if (scheme === 'udp') session.sendFrame(message)
      }
      await session.settle()
    } finally {
      await session.close()
    }
  }
}

function inGroups(messages: readonly Uint8Array[]): Uint8Array[][] {
  const count = Math.ceil(messages.length / MESSAGES_PER_SESSION)
  return Array.from({ length: count }, (_, index) =>
    messages.slice(index * MESSAGES_PER_SESSION, (index + 1) * MESSAGES_PER_SESSION),
  )
}

function everyNth(list: readonly Uint8Array[], count: number): Uint8Array[] {
  const step = Math.max(1, list.length / Math.max(count, 1))
  return Array.from({ length: Math.min(count, list.length) }, (_, index) => list[Math.floor(index * step)])
}
