// What a check of `turnd doctor` is: it looks at one thing and judges it. Each is a small file in inside/ or outside/, whose judgement is a
// function of what it saw alone.

export type Verdict = 'ok' | 'warning' | 'fault' | 'not-checked'

export interface Judgement {
  readonly verdict: Verdict
  /** One sentence: what was found, or why nothing was. */
  readonly text: string
  /** What to change, a sentence that begins with a verb; '' where nothing is to be changed. */
  readonly remedy: string
  /** Of a fault: the cause in a few words, which begin a sentence; '' otherwise. */
  readonly cause: string
  /** How much was looked at, where that is not all of it: `4 ports tried`. */
  readonly extent?: string
}

/** What came of a check. One check may find several things. */
export interface Finding extends Judgement {
  /** Of the check: stable, for scripts. */
  readonly id: string
  /** Whom it is about: `this machine`, or the URI of a server. */
  readonly subject: string
}

export interface Check<Scene> {
  readonly id: string
  /** Checks that must not have found a fault: what this one would see then is a symptom of theirs. */
  readonly needs: readonly string[]
  /** Rejects only for mistakes of its own. The signal ends whatever it waits for. */
  run(scene: Scene, signal: AbortSignal): Promise<Judgement | readonly Judgement[]>
}

export function well(text: string): Judgement {
  return { verdict: 'ok', text, remedy: '', cause: '' }
}

export function warning(text: string, remedy: string): Judgement {
  return { verdict: 'warning', text, remedy, cause: '' }
}

export function fault(cause: string, text: string, remedy: string): Judgement {
  return { verdict: 'fault', text, remedy, cause }
}

export function notChecked(why: string): Judgement {
  return { verdict: 'not-checked', text: why, remedy: '', cause: '' }
}
