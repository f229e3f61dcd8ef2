// What strace has written about system calls that it let fail: which, of which thread, and what they were to carry. Used by system-call-faults.ts.

export interface TracedCall {
  readonly thread: number
  readonly name: string
  /** From the name to the result, as strace prints it. */
  readonly text: string
  readonly isInjected: boolean
}

const LINE = /^(\d+) +(.*)$/
const UNFINISHED = / <unfinished \.\.\.>$/
const RESUMED = /^<\.\.\. \w+ resumed>/

/** In the order of their ends. @param trace what `strace -f -o FILE` has written */
export function tracedCalls(trace: string): TracedCall[] {
  const unfinished = new Map<number, string>()
  const calls: TracedCall[] = []
  for (const line of trace.split('\n')) {
    const [, threadText = '', text = ''] = LINE.exec(line) ?? []
    const thread = Number(threadText)
    if (UNFINISHED.test(text)) {
      unfinished.set(thread, text.replace(UNFINISHED, ''))
      continue
    }
    const whole = RESUMED.test(text) ? (unfinished.get(thread) ?? '') + text.replace(RESUMED, '') : text
    const name = /^(\w+)\(/.exec(whole)?.[1]
    if (name !== undefined) calls.push({ thread, name, text: whole, isInjected: whole.endsWith('(INJECTED)') })
  }
  return calls
}

/** Bytes of the datagrams that a sendmsg, sendmmsg or sendto was to send. */
export function carriedBytes({ name, text }: TracedCall): number {
  // sendto(21, ""..., 164, 0, ...
  if (name === 'sendto')
    return Number(/^sendto\(\d+, (?:"[^"]*"(?:\.\.\.)?|NULL|0x[0-9a-f]+), (\d+)/.exec(text)?.[1] ?? 0)
  return [...text.matchAll(/iov_len=(\d+)/g)].reduce((sum, [, length]) => sum + Number(length), 0)
}

/** Of a bind. Null for another family. */
export function boundPort({ text }: TracedCall): number | null {
  const port = /sin6?_port=htons\((\d+)\)/.exec(text)?.[1]
  return port === undefined ? null : Number(port)
}
