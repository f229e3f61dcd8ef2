// An HTTP request from a namespace, with its resolver: what an operator there would do by curl, which is not on every machine. As a command it sends the
// request that its argument describes, and prints the answer.
import { execFile } from 'node:child_process'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { NetworkNamespace } from '../support/namespace.js'

const ASK_MILLISECONDS_MAX = 60_000

export interface Question {
  readonly url: string
  /** GET without a body. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** `name:password`. */
  readonly auth?: string
  /** A certificate (PEM) that is trusted. */
  readonly ca?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Rejects with what went wrong before there was an answer. */
export async function askFrom({ prefix }: NetworkNamespace, question: Question): Promise<Answer> {
  const [file, ...args] = [...prefix, process.execPath, fileURLToPath(import.meta.url), JSON.stringify(question)]
  // Without NODE_OPTIONS: tap instruments the processes that its tests start.
  const options = { timeout: ASK_MILLISECONDS_MAX, env: { PATH: process.env.PATH ?? '' } }
  const { stdout } = await promisify(execFile)(file, args, options)
  return JSON.parse(stdout) as Answer
}

function ask({ auth, body, ca, headers = {}, method, url }: Question): Promise<Answer> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      ...{ method: method ?? (body === undefined ? 'GET' : 'POST'), headers, agent: false },
      ...(auth === undefined ? {} : { auth }),
      ...(ca === undefined ? {} : { ca }),
    })
    outgoing.once('error', reject).once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      const answer = { status: response.statusCode ?? 0, headers: response.headers as Record<string, string> }
      response.once('error', reject).once('end', () => resolve({ ...answer, body: text }))
    })
    outgoing.end(body)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(JSON.stringify(await ask(JSON.parse(process.argv[2]) as Question)))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
