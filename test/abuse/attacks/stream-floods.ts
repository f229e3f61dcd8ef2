// Requests without end over TCP and TLS, where no reply limit applies: what everybody has left, and what passwords that are wrong get.

import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { FAILURE_COUNT_MAX, FAILURE_PERIOD_SECONDS } from '../../../src/limits/turn.js'
import { METHOD_ALLOCATE } from '../../../src/stun/constants.js'
import { connectTcp, connectTls } from '../../support/stream-client.js'
import { describeAllocate, TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { allocateRequest } from '../datagrams.js'
import { type Ground, HOST, MALLORY } from '../ground.js'
import { closesWithin, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const READING_COUNT = 40
const STALLED_COUNT = 10
const REQUESTS_AT_ONCE = 500
/** It is cut as soon as the server has answered what the kernel and its queue take: sooner or later on a busy machine. */
const CLOSE_MILLISECONDS_MAX = { own: 20_000, usual: 1_000 } as const
/** With a realm of eight bytes. */
const CHALLENGE_LENGTH = 84

const GUESSER = '127.77.0.1'
const GUESSERS_COUNT = 8
const GUESSES_AT_ONCE = 20
/** Of all sources in a second, as the log is limited. */
const LOG_LINES_PER_SECOND_MAX = 50

/** Writes again whenever the kernel has taken all of it. */
function flood(tally: Tally, socket: Socket, block: Buffer): void {
  const go = () => {
    while (!socket.destroyed) {
      tally.sent += REQUESTS_AT_ONCE
      if (!tally.write(socket, block)) return
    }
  }
  socket.on('drain', go)
  go()
}

async function requestFlood(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('requests')
  const block = Buffer.concat(Array.from({ length: REQUESTS_AT_ONCE }, allocateRequest))
  const opening = Array.from({ length: READING_COUNT + STALLED_COUNT }, (_, index) =>
    tally.connect(ground, ground.port('tcp'), sourceAddress(77, 1_000 + index)),
  )
  const sockets = await Promise.all(opening)
  const stalled = sockets.slice(READING_COUNT)
  for (const socket of stalled) socket.pause()
  for (const socket of sockets) flood(tally, socket, block)
  await delay(ground.milliseconds)
  // What comes back to those who read is not more than they were sent for: nobody asks for himself here.
  const open = sockets.slice(0, READING_COUNT).filter((socket) => !socket.destroyed).length
  tally.notes.push(`${open} of ${READING_COUNT} that read are open`)
  tally.expect(open === READING_COUNT, `${READING_COUNT - open} that read were closed`)
  for (const socket of sockets.slice(0, READING_COUNT)) socket.destroy()
  // Who asks and does not read is cut when the kernel keeps no more for it: soon, where that is little.
  const { isOwnNetwork } = ground.data
  const milliseconds = CLOSE_MILLISECONDS_MAX[isOwnNetwork ? 'own' : 'usual']
  const cut = await Promise.all(stalled.map((socket) => closesWithin(socket, milliseconds)))
  const cutCount = cut.filter((isClosed) => isClosed).length
  if (isOwnNetwork)
    tally.expect(cutCount === STALLED_COUNT, `${STALLED_COUNT - cutCount} that do not read were not cut`)
  tally.notes.push(`${cutCount} of ${STALLED_COUNT} that do not read were cut`)
  for (const socket of stalled) socket.destroy()
  tally.replies = Math.round(tally.replyBytes / CHALLENGE_LENGTH)
  return tally.report()
}

async function passwordFlood(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('guesses')
  const clients: TurnClient[] = []
  for (let index = 0; index < GUESSERS_COUNT; index++) {
    const transport =
      index % 2 === 0
        ? await connectTcp(HOST, ground.port('tcp'), GUESSER)
        : await connectTls(HOST, ground.port('tls'), ground.data.certificate, { from: GUESSER })
    ground.teardown(() => transport.close())
    const client = new TurnClient(transport, MALLORY)
    await client.learnChallenge()
    clients.push(client)
  }
  while (tally.elapsed < ground.milliseconds) {
    for (const client of clients) {
      for (let count = 0; count < GUESSES_AT_ONCE; count++) {
        const guess = client.message(METHOD_ALLOCATE, describeAllocate, { password: `guess ${tally.sent++}` })
        tally.sentBytes += guess.length
        client.transport.send(guess)
      }
      for (const frame of client.inbox.takeAll()) {
        tally.replies++
        tally.replyBytes += frame.length
      }
    }
    await delay(10)
  }
  const repliesMax = FAILURE_COUNT_MAX + (FAILURE_COUNT_MAX / FAILURE_PERIOD_SECONDS) * (tally.elapsed / 1_000 + 1)
  // The right password on the same address, on the same connection.
  const { code } = await clients[0].allocate()
  tally.expect(code === 0, `the right password was answered with ${code}`)
  return { ...tally.report(), repliesMax }
}

export const STREAM_FLOODS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'request-flood-tcp',
    title: '50 connections ask for allocations without credentials and without end, 10 do not read',
    threat: 'unauthenticated floods',
    seconds: 8,
    shortSeconds: 1,
    onBothEngines: true,
    rules: memoryOf(READING_COUNT + STALLED_COUNT, 512),
    run: requestFlood,
  },
  {
    ...STREAM_SERVER,
    name: 'password-flood-tcp',
    title: 'one address guesses a password over TCP and TLS',
    threat: 'guessing',
    seconds: 6,
    shortSeconds: 1,
    drops: ['failure-budget'],
    rules: memoryOf(GUESSERS_COUNT, 256),
    watch: (server) => {
      const start = performance.now()
      const before = server.linesOf('refusal').length
      return async () => {
        const lines = server.linesOf('refusal').slice(before)
        const seconds = (performance.now() - start) / 1_000 + 2
        const reasons = lines.filter(({ reason }) => reason === 'bad-password').length
        return [
          ...(reasons > 0 ? [] : ['no line says that the password is wrong']),
          ...(lines.length <= LOG_LINES_PER_SECOND_MAX * seconds ? [] : [`${lines.length} lines were logged`]),
        ]
      }
    },
    run: passwordFlood,
  },
]
