// A logger that tells when a server has begun to drain: workers learn of it a moment after the call.
import pino from 'pino'
import { withDeadline } from '../support/deadline.js'

export function drainWatch() {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  const write = (line: string) => {
    if (JSON.parse(line).event === 'draining') resolve()
  }
  return {
    logger: pino({ level: 'info' }, { write }),
    begun: () => withDeadline(promise, 60_000, () => 'no line says that the server is draining'),
  }
}
