// What the soak's datagrams hold: each names its call (a flow and its generation) and its number, and every word of it is checked.
//
//   word 0  MARK      word 1  flow      word 2  generation      word 3  sequence      words 4 …  a pattern of all three

const MARK = 0x736f616b
export const HEADER_WORDS = 4
const FLOW_WORD = 1
const GENERATION_WORD = 2
const SEQUENCE_WORD = 3

export function writePayload(
  words: Int32Array,
  at: number,
  wordCount: number,
  flow: number,
  generation: number,
  sequence: number,
): void {
  words[at] = MARK
  words[at + FLOW_WORD] = flow
  words[at + GENERATION_WORD] = generation
  words[at + SEQUENCE_WORD] = sequence
  const seed = seedOf(flow, generation, sequence)
  for (let word = HEADER_WORDS; word < wordCount; word++) words[at + word] = Math.imul(seed ^ word, 0x85ebca6b)
}

/** The sequence number; -1 for a payload of another call, -2 for one that is damaged. */
export function checkPayload(
  words: Int32Array,
  at: number,
  wordCount: number,
  flow: number,
  generation: number,
): number {
  const sequence = words[at + SEQUENCE_WORD]
  if (wordCount < HEADER_WORDS || words[at] !== MARK) return -2
  const seed = seedOf(words[at + FLOW_WORD], words[at + GENERATION_WORD], sequence)
  for (let word = HEADER_WORDS; word < wordCount; word++) {
    if (words[at + word] !== Math.imul(seed ^ word, 0x85ebca6b)) return -2
  }
  return words[at + FLOW_WORD] === flow && words[at + GENERATION_WORD] === generation ? sequence : -1
}

export function flowOf(words: Int32Array, at: number): number {
  return words[at + FLOW_WORD]
}

function seedOf(flow: number, generation: number, sequence: number): number {
  return Math.imul(flow + 1, 0x9e3779b1) ^ Math.imul(generation + 1, 0xc2b2ae35) ^ Math.imul(sequence + 1, 0x27d4eb2f)
}
