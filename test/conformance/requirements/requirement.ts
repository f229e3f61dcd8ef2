// A requirement, and the tests that show it: the rows of docs/conformance.md. A file of this folder has those of one RFC, in the order of
// its sections; registry.ts lists the files.
//
// HOW A ROW IS WRITTEN
//
//     must('7.2', 'REQUESTED-TRANSPORT that is missing gets 400.', [
//       'conformance/allocate > Allocate > needs REQUESTED-TRANSPORT of four bytes',
//       'turn/allocate > Allocate > …',
//     ]),
//     should('11.5', 'ICMP errors become Data indications.', ['conformance/icmp > ICMP errors'], 'not with the dgram engine'),
//     open('MAY', '7.2', 'An Allocate may …', 'not done: nobody asks for it'),
//
// - The level is the RFC's word: must, should, may; `ours` is what turnd promises where no RFC says so. The section is that of the row's RFC,
//   without the sign: '7.2', 'B.1', '7.2 step 3'.
// - The requirement is one sentence in our words, about the server (or "Our client …"), without a `|`.
// - A test is its file and its titles, with ` > ` between them. The file is named as scripts/test-files.mjs does: `turn/allocate` is
//   test/turn/allocate.test.ts; `conformance/allocate` is a section of the suite, test/conformance/allocate.ts, and its titles are those below
//   "conformance of the … engine over …": the columns of engines and transports come from there. A title may be cut at the end of a word, mostly
//   before its "(RFC …)"; a group stands for all its tests, and a file without titles for the whole of it. Every test that is named has to pass.
// - The limit, last, is what holds with a reservation: it stands beside the result.
// - `open` is what is not done or not shown, with the reason. There is no third kind: a row without a test and without a reason does not compile.
//
// After a change: `npm run conformance -- --rows` writes the rows into docs/conformance.md, without running anything. `npm test` says which row
// names a test that does not exist (any more) and fails; `npm run conformance` runs the tests and prints the rows.

export type Level = 'MUST' | 'SHOULD' | 'MAY' | 'turnd'

export interface Requirement {
  readonly level: Level
  readonly section: string
  readonly requirement: string
  /** None where it is open. */
  readonly tests: readonly string[]
  /** Where it holds with a reservation, or why it is open. */
  readonly remark: string | null
  readonly isOpen: boolean
}

/** The requirements of one document. */
export interface RequirementList {
  /** For `npm run conformance -- --of NAME`: `rfc8656`. */
  readonly name: string
  /** `RFC 8656: TURN`: the heading on the page. */
  readonly title: string
  /** Of the text; sections are anchors on it where it is an RFC. */
  readonly url: string | null
  /** What the reader should know before the rows. */
  readonly note?: string
  readonly rows: readonly Requirement[]
}

type Tests = readonly [string, ...string[]]

export function must(section: string, requirement: string, tests: Tests, limit?: string): Requirement {
  return row('MUST', section, requirement, tests, limit)
}

export function should(section: string, requirement: string, tests: Tests, limit?: string): Requirement {
  return row('SHOULD', section, requirement, tests, limit)
}

export function may(section: string, requirement: string, tests: Tests, limit?: string): Requirement {
  return row('MAY', section, requirement, tests, limit)
}

export function ours(section: string, requirement: string, tests: Tests, limit?: string): Requirement {
  return row('turnd', section, requirement, tests, limit)
}

export function open(level: Level, section: string, requirement: string, reason: string): Requirement {
  return { level, section, requirement, tests: [], remark: reason, isOpen: true }
}

export function rfc(number: number, title: string, rows: readonly Requirement[], note?: string): RequirementList {
  return {
    name: `rfc${number}`,
    title: `RFC ${number}: ${title}`,
    url: `https://www.rfc-editor.org/rfc/rfc${number}`,
    rows,
    ...(note === undefined ? {} : { note }),
  }
}

function row(level: Level, section: string, requirement: string, tests: Tests, limit?: string): Requirement {
  return { level, section, requirement, tests, remark: limit ?? null, isOpen: false }
}
