// The chart of docs/performance: a bar for each ratio, its spread as a whisker, the promised value as a mark, coturn as the line at 1 where
// bars begin. Plain SVG with colours for light and dark pages.
import { formatRatio, type Ratio } from './report.js'

const WIDTH = 960
const LABEL_WIDTH = 424
const VALUE_WIDTH = 70
const ROW_HEIGHT = 26
const BAR_HEIGHT = 14
const TOP = 104
const BOTTOM = 34

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .one { stroke: #59636e; stroke-width: 1.5 }
  .met { fill: #2f81c7 } .missed { fill: #c9762b } .free { fill: #8b98a5 }
  .spread { stroke: #1f2328; stroke-width: 1.5 }
  .target { stroke: #b3262b; stroke-width: 3 }
  .page { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .one { stroke: #9198a1 }
    .met { fill: #4493f8 } .missed { fill: #e09b55 } .free { fill: #6e7b88 }
    .spread { stroke: #e6edf3 }
    .target { stroke: #ff7b72 }
    .page { fill: #0d1117 }
  }`

/** @param subtitle what the bars are, and where and when it was measured */
export function ratioChart(title: string, subtitle: readonly string[], ratios: readonly Ratio[]): string {
  const height = TOP + ratios.length * ROW_HEIGHT + BOTTOM
  const values = ratios.flatMap((ratio) => [ratio.low, ratio.high, ratio.target ?? 1])
  // Logarithmic, in powers of two: twice as fast and half as fast are as far from the middle.
  const first = Math.min(-1, Math.floor(Math.log2(Math.min(...values))))
  const last = Math.max(1, Math.ceil(Math.log2(Math.max(...values))))
  const x = (value: number) => {
    return LABEL_WIDTH + ((Math.log2(value) - first) / (last - first)) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)
  }
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 2 ** (first + index))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    text(16, 26, 'title', title),
    ...subtitle.map((content, index) => text(16, 46 + index * 17, 'quiet', content)),
    ...ticks.flatMap((tick) => gridLine(x(tick), tick, height)),
    line('one', x(1), TOP - 6, x(1), height - BOTTOM),
    ...ratios.flatMap((ratio, index) => bar(ratio, TOP + index * ROW_HEIGHT, x)),
    ...legend(height - 10),
    '</svg>',
    '',
  ].join('\n')
}

/** From coturn's line to the median. */
function bar(ratio: Ratio, top: number, x: (value: number) => number): string[] {
  const middle = top + ROW_HEIGHT / 2
  const barTop = middle - BAR_HEIGHT / 2
  const kind = ratio.target === null ? 'free' : ratio.median >= ratio.target ? 'met' : 'missed'
  const left = x(Math.min(1, ratio.median)).toFixed(1)
  const width = Math.abs(x(ratio.median) - x(1)).toFixed(1)
  const { target } = ratio
  return [
    '<g>',
    `<title>${escapeXml(`${ratio.name}: ${formatRatio(ratio)}`)}</title>`,
    text(LABEL_WIDTH - 12, middle + 4, 'end', ratio.name),
    `<rect class="${kind}" x="${left}" y="${barTop}" width="${width}" height="${BAR_HEIGHT}"/>`,
    ...(target === null ? [] : [line('target', x(target), barTop - 4, x(target), barTop + BAR_HEIGHT + 4)]),
    line('spread', x(ratio.low), middle, x(ratio.high), middle),
    ...[ratio.low, ratio.high].map((value) => line('spread', x(value), middle - 4, x(value), middle + 4)),
    text(WIDTH - 12, middle + 4, 'end', `${ratio.median.toFixed(2)} ×`),
    '</g>',
  ]
}

function gridLine(at: number, value: number, height: number): string[] {
  return [line('grid', at, TOP - 6, at, height - BOTTOM), text(at, TOP - 12, 'quiet middle', `${value} ×`)]
}

function legend(baseline: number): string[] {
  const mark = baseline - 10
  return [
    line('one', 24, mark, 24, mark + 12),
    text(32, baseline, 'quiet', 'coturn'),
    line('target', 92, mark, 92, mark + 12),
    text(100, baseline, 'quiet', 'target'),
    line('spread', 156, mark + 6, 176, mark + 6),
    text(184, baseline, 'quiet', 'smallest to largest of the rounds; the bar ends at their median'),
  ]
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`
}

function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escapeXml(content)}</text>`
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
