// Loaded into a server by `node --import`, before it starts: tells of its threads what nobody outside can see (insight.ts asks). It asks them through the
// inspector, which reaches worker threads too; the server itself is as it always is.
//
// A native worker's event loop turns once a second, and that is when it answers: so the threads are asked at once, with as few questions as possible.
import { type InspectorNotification, type NodeWorker, Session } from 'node:inspector'
import { createServer } from 'node:net'
import { type ThreadInsight, TIME_TRAVEL, WHAT_THREADS_TELL } from './insight-questions.js'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** Asks one thread. */
type Ask = (method: string, parameters?: object) => Promise<unknown>

const session = new Session()
session.connect()
const threads = new Map<string, { readonly ask: Ask; isKnown: boolean }>()
const askMain: Ask = (method, parameters) =>
  new Promise((resolve, reject) => {
    const answered = (error: Error | null, result?: unknown) => (error ? reject(error) : resolve(result))
    session.post(method, parameters, answered)
  })
threads.set('main', { ask: askMain, isKnown: false })

session.on(
  'NodeWorker.attachedToWorker',
  ({ params }: InspectorNotification<NodeWorker.AttachedToWorkerEventDataType>) => {
    const { sessionId, workerInfo } = params
    const waiting = new Map<number, Waiting>()
    let number = 0
    const ask: Ask = (method, parameters = {}) =>
      new Promise((resolve, reject) => {
        const id = ++number
        waiting.set(id, { resolve, reject })
        const message = JSON.stringify({ id, method, params: parameters })
        session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
          if (error !== null) reject(error)
        })
      })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params: received }) => {
      if (received.sessionId !== sessionId) return
      const { error, id, result } = JSON.parse(received.message)
      if (error) waiting.get(id)?.reject(new Error(JSON.stringify(error)))
      else waiting.get(id)?.resolve(result)
      waiting.delete(id)
    })
    threads.set(workerInfo.title.replace(/^\[worker \d+\] turnd /, ''), { ask, isKnown: false })
  },
)

createServer((connection) => {
  connection.once('data', async (bytes) => {
    try {
      connection.end(JSON.stringify(await answerTo(String(bytes))))
    } catch (error) {
      connection.end(JSON.stringify({ error: String(error) }))
    }
  })
})
  .listen(process.env.TURND_TEST_INSIGHT)
  .unref()

async function answerTo(question: string): Promise<unknown> {
  if (threads.size === 1) await askMain('NodeWorker.enable', { waitForDebuggerOnStart: false })
  const all = [...threads]
  if (question.startsWith('travel ')) {
    const expression = `(${TIME_TRAVEL})(${Number(question.slice('travel '.length))})`
    return Promise.all(all.map(([, { ask }]) => ask('Runtime.evaluate', { expression })))
  }
  return Object.fromEntries(
    await Promise.all(all.map(async ([name, thread]) => [name, await lookAt(thread, question)])),
  )
}

async function lookAt(thread: { readonly ask: Ask; isKnown: boolean }, question: string): Promise<ThreadInsight> {
  const { ask } = thread
  if (!thread.isKnown) await findCore(ask)
  thread.isKnown = true
  const expression = `(${WHAT_THREADS_TELL})(${question === 'collect'})`
  return resultOf(await ask('Runtime.evaluate', { expression, returnByValue: true })) as ThreadInsight
}

/** Keeps the thread's TurnCore, if it has one, where WHAT_THREADS_TELL finds it. */
async function findCore(ask: Ask): Promise<void> {
  const { result } = (await ask('Runtime.evaluate', { expression: 'Object.prototype' })) as {
    result: { objectId: string }
  }
  const { objects } = (await ask('Runtime.queryObjects', { prototypeObjectId: result.objectId })) as {
    objects: { objectId: string }
  }
  const functionDeclaration = `function () {
    for (const object of this) {
      if (Object.hasOwn(object, 'relayPorts') && object.constructor.name === 'TurnCore') globalThis.turndTestCore = object
    }
  }`
  await ask('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration })
  await ask('Runtime.releaseObject', { objectId: objects.objectId })
}

function resultOf(answer: unknown): unknown {
  const { exceptionDetails, result } = answer as { exceptionDetails?: object; result: { value: unknown } }
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
  return result.value
}
