// When somebody last looked at why calls fail, in this browser: what came after that is marked.

const KEY = 'turnd-looked-ms'

/** 0: never. */
export function lookedTime(): number {
  try {
    return Number(localStorage.getItem(KEY) ?? 0) || 0
  } catch {
    return 0
  }
}

export function rememberLook(timeMs: number): void {
  try {
    localStorage.setItem(KEY, String(timeMs))
  } catch {
    // A browser that keeps nothing: then nothing is marked.
  }
}
