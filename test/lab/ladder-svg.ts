// Draws stories as an SVG file, light or dark as its reader's system is: the same ladders as in the terminal (ladder.ts), one below the other.
import { HEADS } from './ladder.js'
import { type Arrow, PARTIES, type Party, type Step } from './story.js'

export interface Picture {
  readonly title: string
  readonly steps: readonly Step[]
}

const COLUMNS: Readonly<Record<Party, number>> = { browser: 120, firewall: 370, edge: 640, cms: 1000 }
const [WIDTH, ROW_HEIGHT, HEAD_HEIGHT, GAP] = [1080, 24, 90, 40]
/** A little more than one letter of the font is wide. */
const LETTER_WIDTH = 6.7

const STYLE = `
  svg { background: #fff; color: #1c2024; font: 11px ui-monospace, monospace }
  text { fill: currentColor; text-anchor: middle }
  .title { font: 600 16px system-ui, sans-serif; text-anchor: start }
  .head { font: 600 13px system-ui, sans-serif }
  .time { text-anchor: start; opacity: .65 }
  .note { text-anchor: start; font-style: italic; opacity: .8 }
  .left { text-anchor: end }
  .back { fill: #fff }
  .column { stroke: currentColor; opacity: .25 }
  .arrow { stroke: #1660a8; stroke-width: 1.3 }
  .lost { stroke: #b42318; stroke-dasharray: 4 3 }
  .lost-mark { fill: #b42318; font-weight: 700 }
  .tip { fill: #1660a8 }
  @media (prefers-color-scheme: dark) {
    svg { background: #14171a; color: #e6e9ec }
    .back { fill: #14171a }
    .arrow { stroke: #76b7f2 }
    .lost { stroke: #ff8a80 }
    .lost-mark { fill: #ff8a80 }
    .tip { fill: #76b7f2 }
  }`

export function drawSvg(pictures: readonly Picture[]): string {
  let top = 20
  const parts = pictures.map((picture) => {
    const part = drawPicture(picture, top)
    top += HEAD_HEIGHT + (picture.steps.length + 1) * ROW_HEIGHT + GAP
    return part
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">
<title>${escapeText(pictures.map(({ title }) => title).join('; '))}</title>
<style>${STYLE}
</style>
${parts.join('\n')}
</svg>
`
}

function drawPicture({ steps, title }: Picture, top: number): string {
  const startMs = steps[0]?.timeMs ?? 0
  const first = top + HEAD_HEIGHT
  const bottom = first + steps.length * ROW_HEIGHT
  const heads = PARTIES.flatMap((party) => {
    const [name, addresses] = HEADS[party]
    return [
      `<text class="head" x="${COLUMNS[party]}" y="${top + 44}">${escapeText(name)}</text>`,
      `<text x="${COLUMNS[party]}" y="${top + 62}">${escapeText(addresses)}</text>`,
      `<line class="column" x1="${COLUMNS[party]}" x2="${COLUMNS[party]}" y1="${top + 70}" y2="${bottom}"/>`,
    ]
  })
  const rows = steps.flatMap(({ arrows, timeMs }, index) => {
    const y = first + index * ROW_HEIGHT
    const time = `<text class="time" x="12" y="${y + 4}">${((timeMs - startMs) / 1000).toFixed(3)} s</text>`
    return [time, ...arrows.flatMap((arrow) => drawArrow(arrow, y))]
  })
  return [`<text class="title" x="12" y="${top + 10}">${escapeText(title)}</text>`, ...heads, ...rows].join('\n')
}

function drawArrow({ from, isLost = false, isTwoWay = false, text, to }: Arrow, y: number): string[] {
  if (from === to) return drawNote(from, text, y)
  const [start, target] = [COLUMNS[from], COLUMNS[to]]
  const end = isLost && from === 'browser' ? COLUMNS.firewall : target
  const middle = (start + end) / 2
  const width = text.length * LETTER_WIDTH + 8
  return [
    `<line class="arrow${isLost ? ' lost' : ''}" x1="${start}" x2="${end}" y1="${y}" y2="${y}"/>`,
    ...(isLost ? [`<text class="lost-mark" x="${end}" y="${y + 4}">✗</text>`] : [tip(end, Math.sign(end - start), y)]),
    ...(isTwoWay ? [tip(start, Math.sign(start - end), y)] : []),
    `<rect class="back" x="${middle - width / 2}" y="${y - 8}" width="${width}" height="16"/>`,
    `<text x="${middle}" y="${y + 4}">${escapeText(text)}</text>`,
  ]
}

/** Beside its column; that of the last one before it, where there is room. */
function drawNote(party: Party, text: string, y: number): string[] {
  const isLast = party === 'cms'
  const x = COLUMNS[party] + (isLast ? -10 : 10)
  return [`<text class="note${isLast ? ' left' : ''}" x="${x}" y="${y + 4}">${escapeText(text)}</text>`]
}

function tip(x: number, direction: number, y: number): string {
  return `<path class="tip" d="M${x} ${y}l${-7 * direction} -4v8z"/>`
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
