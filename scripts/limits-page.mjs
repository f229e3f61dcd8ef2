// docs/limits.md from src/limits/: the comment above each bound is what the page says of it, its unit is in its name, its value is that of the
// built program. Used by docs.mjs and by test/limits/page.test.ts.

/** By the words of a name, the first that fits; a bound without any has no unit, which is an error. */
const UNITS = [
  [/_PER_SECOND(_|$)/, 'per second'],
  [/_PER_MINUTE(_|$)/, 'per minute'],
  [/_MILLISECONDS(_|$)/, 'ms'],
  [/_SECONDS(_|$)/, 's'],
  [/_TICKS(_|$)/, 'ticks of 10 ms'],
  [/_(BYTES|LENGTH)(_|$)/, 'bytes'],
  [/_PERCENT(_|$)/, '%'],
  [/_COST(_|$)/, ''],
  [/_COUNT(_|$)/, ''],
]

const TITLES = {
  messages: 'Messages and headers',
  turn: 'Allocations, users and strangers',
  streams: 'TCP and TLS clients, and TCP relays',
  http: 'HTTP beside TURN',
  dtls: 'DTLS clients',
  engines: 'Engines',
  reports: 'Logs, reports and workers',
  captures: 'Captures of packets',
  passwords: 'Passwords of admin users',
  files: 'Files',
  admin: 'The admin plane',
  cms: 'The CMS API',
  outside: 'Users kept elsewhere',
  webhook: 'Users from a web service',
  oauth: 'Third-party authorization',
  clients: 'Our own TURN client',
  redis: 'Users in Redis',
  doctor: 'The doctor',
}

const PLAN = {
  udpWorkerCount: 2,
  streamWorkerCount: 2,
  hasHttpUpstream: false,
  limitsBandwidth: false,
}

export const AREAS = Object.keys(TITLES)

export function unitOf(name) {
  const unit = UNITS.find(([pattern]) => pattern.test(name))
  if (unit === undefined) throw new Error(`${name} has no unit in its name`)
  return unit[1]
}

/** The sections of a file of bounds, each with its bounds in order: `{ title, bounds: [{ name, comment }] }`. Throws for a bound without a comment. */
export function sectionsOf(text) {
  const sections = [{ title: '', bounds: [] }]
  const pattern = /^\/\/ (.*)\n\n|(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export const (\w+)/gm
  // The head of the file is no section.
  const start = text.indexOf('\n\n')
  for (const [, title, comment, name] of text.slice(start).matchAll(pattern)) {
    if (name === undefined) sections.push({ title, bounds: [] })
    else if (comment === undefined) throw new Error(`${name} has no comment`)
    else sections.at(-1).bounds.push({ name, comment: plain(comment) })
  }
  return sections.filter(({ bounds }) => bounds.length > 0)
}

/** @param texts the source of each area; @param values by name; @param memory the module src/limits/memory */
export function limitsPage(texts, values, { totalOf, worstCase }) {
  const lines = [
    '# Limits',
    '',
    '<!-- Written by `npm run docs` from src/limits/: do not edit. -->',
    '',
    'The bounds of memory, number, time and rate that somebody outside can meet. Options change some of them ([options.md](options.md)); the others are constants of the program,',
    'and how they relate is asserted when it starts (`src/limits/relations.ts`). What a bound is of one worker thread and not of the whole server says so at the head of its table.',
  ]
  for (const area of AREAS) {
    lines.push('', `## ${TITLES[area]}`, '', headOf(texts[area]))
    for (const { title, bounds } of sectionsOf(texts[area])) {
      if (title !== '') lines.push('', `### ${title}`)
      lines.push('', '| bound | value | what it bounds, and why |', '|---|--:|---|')
      for (const { name, comment } of bounds)
        lines.push(`| \`${name}\` | ${valueText(name, values[name])} | ${cell(comment)} |`)
    }
  }
  lines.push(...memoryLines(values, totalOf, worstCase))
  return `${lines.join('\n')}\n`
}

function memoryLines(values, totalOf, worstCase) {
  const plan = {
    ...PLAN,
    allocationCount: values.ALLOCATION_COUNT_DEFAULT,
    permissionCount: values.PERMISSION_COUNT_DEFAULT,
    channelCount: values.CHANNEL_COUNT_DEFAULT,
  }
  const rows = worstCase(plan)
  const withUpstream = totalOf(worstCase({ ...plan, hasHttpUpstream: true }))
  const { udpWorkerCount, streamWorkerCount } = plan
  return [
    '',
    '## What it comes to',
    '',
    `The most that a process with the default options can be made to hold, on two cores (${udpWorkerCount} workers, ${streamWorkerCount} stream workers), if everybody does their worst at the same`,
    'moment. Most rows need many addresses or many users at once. Not in it: the users file (each worker has a copy), and what the kernel holds for the sockets, which',
    'it bounds itself (`net.ipv4.udp_mem`, `net.ipv4.tcp_mem`).',
    '',
    '| memory | who can fill it | at most |',
    '|---|---|--:|',
    ...rows.map(({ what, who, bytes }) => `| ${what} | ${who} | ${mebibytes(bytes)} |`),
    `| **all of it** | | **${mebibytes(totalOf(rows))}** |`,
    '',
    `With \`--http-upstream\` it is ${mebibytes(withUpstream)}.`,
  ]
}

function headOf(text) {
  return text
    .slice(0, text.indexOf('\n\n'))
    .replaceAll(/^\/\/ /gm, '')
    .replaceAll('\n', ' ')
}

function plain(comment) {
  const text = comment.trim().slice('/**'.length, -'*/'.length)
  return text
    .replaceAll(/^ \* ?/gm, '')
    .trim()
    .replaceAll(/\s+/g, ' ')
}

function valueText(name, value) {
  if (value === undefined) throw new Error(`${name} has no value`)
  const unit = unitOf(name)
  if (unit === 'bytes' && value % 1_048_576 === 0) return `${value / 1_048_576} MiB`
  if (unit === 'bytes' && value > 4096 && value % 1024 === 0) return `${value / 1024} KiB`
  return `${grouped(value)} ${unit}`.trim()
}

function mebibytes(bytes) {
  return `${grouped(Math.ceil(bytes / 1_048_576))} MiB`
}

function grouped(value) {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}
