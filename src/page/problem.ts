// What went wrong between page and server, as a sentence for whoever reads the page.
import type { ApiError } from '../admin/schema/operations.js'

export class ApiProblem extends Error {
  /** Of the HTTP answer; 0: there was none. */
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
  }

  get isLost(): boolean {
    return this.status === 0
  }
}

export const LOST = new ApiProblem(
  0,
  'LOST',
  'The server does not answer. It may have been stopped, or the network between it and this browser is down.',
)

/** Of an answer that is no success; whatever stands between may have written it. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const { status } = response
  try {
    const { code, message } = (await response.json()) as Partial<ApiError>
    if (typeof message === 'string' && message !== '') return new ApiProblem(status, String(code ?? ''), message)
  } catch {
    // Not of this server: a proxy's page, for example.
  }
  return new ApiProblem(status, '', wordsOf(status))
}

function wordsOf(status: number): string {
  if (status === 401) return 'You are not logged in, or your session has ended. Log in again.'
  if (status === 403) return 'The server does not allow this from here.'
  if (status === 404) return 'The server knows nothing of this: it may be gone, or the server is older than this page.'
  if (status === 429) return 'That was too often. Wait a minute, then try again.'
  if (status === 502 || status === 503 || status === 504)
    return 'What stands before the server cannot reach it. Try again shortly.'
  return `The server answered with an error that it did not explain (HTTP ${status}). Its log says more.`
}

/** Of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
