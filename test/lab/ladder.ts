// Draws a story as a ladder: a column for each party, time downwards. As text for terminals; ladder-svg.ts draws the same for pages.
import { type Arrow, PARTIES, type Party, type Step } from './story.js'
import { CLIENT, CMS, EDGE_INSIDE, EDGE_OUTSIDE, PUBLIC } from './topology.js'

/** What stands above the columns. */
export const HEADS: Readonly<Record<Party, readonly string[]>> = {
  browser: ['browser', CLIENT],
  firewall: ['firewall, DNS', PUBLIC],
  edge: ['edge (turnd)', `${EDGE_OUTSIDE}, ${EDGE_INSIDE}`],
  cms: ['call bridge', CMS],
}

/** Where the columns are; the time stands before the first. */
const COLUMNS: Readonly<Record<Party, number>> = { browser: 11, firewall: 45, edge: 77, cms: 124 }
const WIDTH = COLUMNS.cms + 1
const TIME_WIDTH = 7

/** Times are counted from the first step. */
export function drawLadder(steps: readonly Step[]): string {
  const startMs = steps[0]?.timeMs ?? 0
  const heads = [0, 1].map((line) => {
    const row = blank(WIDTH + 8)
    for (const party of PARTIES)
      write(row, HEADS[party][line], COLUMNS[party] - Math.floor(HEADS[party][line].length / 2))
    return row.join('').trimEnd()
  })
  const rows = steps.map(({ arrows, timeMs }) => {
    const row = columns()
    for (const arrow of arrows) drawArrow(row, arrow)
    write(row, `${((timeMs - startMs) / 1000).toFixed(3)} s`.padStart(TIME_WIDTH), 0)
    return row.join('').trimEnd()
  })
  return [...heads, columns().join('').trimEnd(), ...rows, columns().join('').trimEnd(), ''].join('\n')
}

function drawArrow(row: string[], { from, isLost = false, isTwoWay = false, text, to }: Arrow): void {
  if (from === to) {
    drawNote(row, from, text)
    return
  }
  const isRightward = COLUMNS[from] < COLUMNS[to]
  const [left, right] = isRightward ? [COLUMNS[from], COLUMNS[to]] : [COLUMNS[to], COLUMNS[from]]
  // What the firewall drops ends there.
  const end = isLost && from === 'browser' ? COLUMNS.firewall : right
  for (let column = left + 1; column < right; column++) {
    if (!isColumn(column)) row[column] = column < end ? '─' : ' '
    else if (column < end) row[column] = '┼'
  }
  if (isLost) row[end] = '✗'
  else {
    if (isRightward || isTwoWay) row[right - 1] = '►'
    if (!isRightward || isTwoWay) row[left + 1] = '◄'
  }
  drawText(row, ` ${text} `, left + 2, (isLost ? end : right) - 2, isLost)
}

/** In the middle; what is lost may be told beyond its end, where nothing else is. */
function drawText(row: string[], text: string, start: number, end: number, isLost: boolean): void {
  const room = end - start
  if (text.length <= room) write(row, text, start + Math.floor((room - text.length) / 2))
  else if (isLost) write(row, ` ${text.trim()}`, end + 3)
  else write(row, `${text.slice(0, room - 2)}… `, start)
}

/** Beside its column; that of the last one before it, where there is room. */
function drawNote(row: string[], party: Party, text: string): void {
  const column = COLUMNS[party]
  if (party === 'cms') write(row, `${text} `, Math.max(TIME_WIDTH + 1, column - text.length - 1))
  else write(row, ` ${text}`, column + 1)
}

function columns(): string[] {
  const row = blank(WIDTH)
  for (const party of PARTIES) row[COLUMNS[party]] = '│'
  return row
}

function isColumn(column: number): boolean {
  return Object.values(COLUMNS).includes(column)
}

function blank(width: number): string[] {
  return Array.from({ length: width }, () => ' ')
}

function write(row: string[], text: string, start: number): void {
  for (const [index, character] of [...text].entries()) row[start + index] = character
}
