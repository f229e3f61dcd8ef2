// What the rules of nftables do to a stranger's packet: certain where they are, unclear where a condition may hold or not. The JSON is that of nft 1.0.
import t from 'tap'
import { type Fate, FirewallRules } from '../../src/doctor/firewall-rules.js'
import { judgedRanges, judgeFirewall, type PortRange } from '../../src/doctor/inside/local-firewall.js'

const [ACCEPT, DROP] = [{ accept: null }, { drop: null }]
const match = (protocol: string, field: string, right: unknown, op = '==') => ({
  match: { op, left: { payload: { protocol, field } }, right },
})
const port = (protocol: string, right: unknown, op = '==') => match(protocol, 'dport', right, op)
const meta = (key: string, right: unknown) => ({ match: { op: '==', left: { meta: { key } }, right } })
const state = (right: unknown) => ({ match: { op: 'in', left: { ct: { key: 'state' } }, right } })
const source = (right: unknown, op = '==') => match('ip', 'saddr', right, op)

const chainOf = (name: string, policy: string, family: string) => ({
  chain: {
    family,
    table: 'filter',
    name,
    ...(name === 'input' ? { type: 'filter', hook: 'input', prio: 0, policy } : {}),
  },
})
const rulesOf = (chain: string, rules: readonly unknown[][], family: string) =>
  rules.map((expr) => ({ rule: { family, table: 'filter', chain, expr } }))

function rulesetOf(
  input: readonly unknown[][],
  others: Readonly<Record<string, readonly unknown[][]>> = {},
  policy = 'drop',
  family = 'inet',
) {
  const names = { input, ...others }
  const chains = Object.keys(names).map((name) => chainOf(name, policy, family))
  const rules = Object.entries(names).flatMap(([name, list]) => rulesOf(name, list, family))
  return new FirewallRules(JSON.stringify({ nftables: [{ metainfo: {} }, ...chains, ...rules] }))
}

const fates = (rules: FirewallRules, ...ports: number[]): Fate[] => ports.map((number) => rules.fateOf('udp', number))

t.test('a policy, and what is let through before it', async (t) => {
  t.same(fates(rulesetOf([]), 3478), ['dropped'])
  t.same(fates(rulesetOf([], {}, 'accept'), 3478), ['taken'])
  const rules = rulesetOf([[port('udp', { set: [3478, { range: [24_000, 24_999] }] }), { counter: {} }, ACCEPT]])
  t.same(fates(rules, 3477, 3478, 23_999, 24_000, 24_999, 25_000), [
    'dropped',
    'taken',
    'dropped',
    'taken',
    'taken',
    'dropped',
  ])
  t.equal(rules.fateOf('tcp', 3478), 'dropped', 'UDP alone')
  t.same(fates(rulesetOf([[meta('l4proto', { set: ['tcp', 'udp'] }), port('th', 3478), ACCEPT]]), 3478, 1), [
    'taken',
    'dropped',
  ])
  t.same(fates(rulesetOf([[port('udp', 3478, '!='), ACCEPT]]), 3478, 1), ['dropped', 'taken'])
})

t.test('conditions that no stranger fulfils open nothing, and close nothing', async (t) => {
  for (const condition of [
    meta('iifname', 'lo'),
    state(['established', 'related']),
    port('tcp', 3478),
    { match: { op: '==', left: { payload: { protocol: 'ip', field: 'protocol' } }, right: 'icmp' } },
  ]) {
    t.same(fates(rulesetOf([[condition, ACCEPT]]), 3478), ['dropped'], JSON.stringify(condition))
    t.same(fates(rulesetOf([[condition, DROP]], {}, 'accept'), 3478), ['taken'])
  }
  t.same(fates(rulesetOf([[source('@blocked', '!='), ACCEPT]]), 3478), ['taken'])
})

t.test('what rules open to addresses that they name is not open to strangers, and not closed either', async (t) => {
  for (const condition of [source('192.0.2.7'), source('@trusted'), source({ prefix: { addr: '10.0.0.0', len: 8 } })]) {
    t.same(fates(rulesetOf([[condition, ACCEPT]]), 3478), ['limited'], JSON.stringify(condition))
    t.same(fates(rulesetOf([[condition, port('udp', 3479), ACCEPT]]), 3478, 3479), ['dropped', 'limited'])
    t.same(fates(rulesetOf([[condition, DROP]], {}, 'accept'), 3478), ['taken'], 'those that are kept out are few')
  }
  const lan = { prefix: { addr: '10.0.0.0', len: 8 } }
  t.same(fates(rulesetOf([[source(lan, '!='), DROP]], {}, 'accept'), 3478), ['limited'])
})

t.test('a header that the packet has not makes no condition of it hold, != neither', async (t) => {
  for (const condition of [
    port('tcp', { set: [22, 443] }, '!='),
    match('icmp', 'type', 'echo-request', '!='),
    match('ip6', 'saddr', { prefix: { addr: 'fe80::', len: 10 } }, '!='),
    { match: { op: '!=', left: { '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, 7] }, right: 2 } },
  ]) {
    t.same(fates(rulesetOf([[condition, DROP]], {}, 'accept'), 3478), ['taken'], JSON.stringify(condition))
    t.same(fates(rulesetOf([[condition, ACCEPT]]), 3478), ['dropped'])
  }
  t.same(fates(rulesetOf([[port('th', 22, '!='), DROP]], {}, 'accept'), 3478), ['dropped'], 'UDP has such a port')
  t.same(fates(rulesetOf([[match('ip', 'protocol', 'tcp', '!='), DROP]], {}, 'accept'), 3478), ['dropped'])
})

t.test('conditions that may hold are followed both ways', async (t) => {
  for (const condition of [
    meta('iifname', 'eth0'),
    meta('iifname', { set: ['lo', 'eth0'] }),
    { limit: { rate: 5, per: 'second' } },
    { xt: { type: 'match', name: 'recent' } },
    port('udp', '@open'),
    source({ prefix: { addr: '0.0.0.0', len: 0 } }),
    { match: { op: '==', left: { payload: { protocol: 'ip', field: 'daddr' } }, right: '192.0.2.1' } },
  ]) {
    t.same(fates(rulesetOf([[condition, ACCEPT]]), 3478), ['unclear'], JSON.stringify(condition))
    t.same(fates(rulesetOf([[condition, ACCEPT]], {}, 'accept'), 3478), ['taken'], 'where both ways lead to the same')
    t.same(
      fates(rulesetOf([[condition, port('udp', 1), ACCEPT]]), 3478),
      ['dropped'],
      'where another condition does not hold',
    )
  }
  t.same(fates(rulesetOf([[{ queue: null }], [ACCEPT]]), 3478), ['unclear'])
})

t.test('maps, jumps and returns', async (t) => {
  const map = {
    vmap: {
      key: { ct: { key: 'state' } },
      data: {
        set: [
          ['established', ACCEPT],
          ['invalid', DROP],
        ],
      },
    },
  }
  t.same(fates(rulesetOf([[map], [port('udp', 3478), ACCEPT]]), 3478, 1), ['taken', 'dropped'])
  const openNew = { vmap: { key: { ct: { key: 'state' } }, data: { set: [['new', ACCEPT]] } } }
  t.same(fates(rulesetOf([[openNew]]), 3478), ['taken'])
  const media = [
    [port('udp', 24_001), DROP],
    [port('udp', 24_002), { return: null }],
    [port('udp', { range: [24_000, 24_002] }), ACCEPT],
  ]
  const jumping = rulesetOf([[{ jump: { target: 'media' } }], [port('udp', 24_003), ACCEPT]], { media })
  t.same(fates(jumping, 24_000, 24_001, 24_002, 24_003), ['taken', 'dropped', 'dropped', 'taken'])
  const going = rulesetOf([[{ goto: { target: 'media' } }], [port('udp', 24_003), ACCEPT]], { media })
  t.same(fates(going, 24_000, 24_003), ['taken', 'dropped'], 'from a chain that was gone to nobody comes back')
  t.same(fates(rulesetOf([[{ jump: { target: 'nowhere' } }]]), 1), ['unclear'])
  t.same(fates(rulesetOf([[{ jump: { target: 'round' } }]], { round: [[{ jump: { target: 'round' } }]] }), 1), [
    'unclear',
  ])
})

t.test('only what comes in over IPv4 counts', async (t) => {
  t.equal(rulesetOf([], {}, 'drop', 'ip6').filtersInput, false)
  t.equal(rulesetOf([], {}, 'drop', 'ip').filtersInput, true)
  t.throws(() => new FirewallRules('table inet filter {'), SyntaxError)
})

const RANGES: readonly PortRange[] = [
  { protocol: 'udp', first: 3478, last: 3478 },
  { protocol: 'udp', first: 24_000, last: 24_005 },
]
const judged = async (rules: FirewallRules) =>
  judgeFirewall(await judgedRanges(RANGES, rules, new AbortController().signal))

t.test('is judged by the ports that a server needs', async (t) => {
  t.match(await judged(rulesetOf([], {}, 'accept')), { verdict: 'ok', text: /UDP 3478, UDP 24000-24005/ })
  const closed = [[port('udp', { set: [24_001, 24_002] }), DROP]]
  t.match(await judged(rulesetOf(closed, {}, 'accept')), {
    verdict: 'fault',
    cause: "this machine's own firewall drops UDP 24001-24002",
    remedy: /udp dport 24001-24002 accept$/,
  })
  const unclear = [[meta('iifname', 'eth0'), port('udp', 3478), DROP]]
  t.match(await judged(rulesetOf(unclear, {}, 'accept')), {
    verdict: 'not-checked',
    text: /UDP 3478: look from outside/,
  })
  const lan = [[source({ prefix: { addr: '10.0.0.0', len: 8 } }), ACCEPT]]
  t.match(await judged(rulesetOf(lan)), { verdict: 'warning', text: /open UDP 3478, UDP 24000-24005 to none but/ })
})

t.test('ports among which no rule tells apart are followed once, and a deadline holds', async (t) => {
  const others = Array.from({ length: 1000 }, (_, index) => [port('tcp', 10_000 + index), ACCEPT])
  const map = {
    vmap: {
      key: { payload: { protocol: 'udp', field: 'dport' } },
      data: { set: [[{ range: [25_000, 25_999] }, DROP]] },
    },
  }
  const rules = rulesetOf([...others, [map]], {}, 'accept')
  const followed: number[] = []
  const spied = Object.assign(Object.create(rules), {
    portBoundaries: () => rules.portBoundaries(),
    fateOf(protocol: 'udp', port: number) {
      followed.push(port)
      return rules.fateOf(protocol, port)
    },
  })
  const range = { protocol: 'udp', first: 24_000, last: 29_999 } as const
  t.same(await judgedRanges([range], spied, new AbortController().signal), [
    { ...range, last: 24_999, fate: 'taken' },
    { ...range, first: 25_000, last: 25_999, fate: 'dropped' },
    { ...range, first: 26_000, fate: 'taken' },
  ])
  t.same(followed, [24_000, 25_000, 26_000])
  await t.rejects(judgedRanges([range], rules, AbortSignal.abort()), { name: 'AbortError' })
})
