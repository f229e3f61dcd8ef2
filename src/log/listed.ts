// A list of names in a sentence, however many there are.

/** Names shown in one sentence; the rest is counted. */
export const NAME_COUNT_SHOWN = 5

/** `a`, `a and b`, `a, b and 7 more`; '' for none. */
export function listed(names: readonly string[]): string {
  const rest = names.length - NAME_COUNT_SHOWN
  const shown = names.slice(0, NAME_COUNT_SHOWN)
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`
  return shown.length <= 1 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}
