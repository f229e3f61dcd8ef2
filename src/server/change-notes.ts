// What a change means for those who are connected, where that depends on what there is: sentences behind the rows of setting-changes.ts.
import type { SettingChange } from '../admin/schema/operations.js'
import type { ListenSpec } from '../config/listen-spec.js'
import type { Settings } from '../config/settings.js'
import type { StaticUser } from '../config/static-user.js'

export interface Outlook {
  /** Allocations that end with their listeners. */
  readonly endingCount: number
  readonly allocationCount: number
}

export function noted(
  changes: readonly SettingChange[],
  from: Settings,
  to: Settings,
  outlook: Outlook,
): SettingChange[] {
  return changes.map((change) => {
    const note = noteOf(change, from, to, outlook)
    return note === null ? change : { ...change, note }
  })
}

/** null: what the row says already. */
function noteOf({ name, note }: SettingChange, from: Settings, to: Settings, outlook: Outlook): string | null {
  switch (name) {
    case '--listen':
      return listenNote(from.listen, to.listen, outlook.endingCount)
    case '--user':
      return `${usersNote(from, to)}; ${note}`
    case '--max-allocations':
      return licenceNote(to.maxAllocations, outlook.allocationCount)
    default:
      return null
  }
}

function listenNote(from: readonly ListenSpec[], to: readonly ListenSpec[], endingCount: number): string {
  const isIn = (specs: readonly ListenSpec[], { host, port, scheme }: ListenSpec) =>
    specs.some((spec) => spec.host === host && spec.port === port && spec.scheme === scheme)
  const added = to.filter((spec) => !isIn(from, spec)).map(({ text }) => text)
  const removed = from.filter((spec) => !isIn(to, spec)).map(({ text }) => text)
  const clients = endingCount === 1 ? '1 client that came' : `${endingCount} clients that came`
  const them = removed.length === 1 ? 'it' : 'them'
  const notes = [
    added.length === 0 ? '' : `${added.join(', ')} added`,
    removed.length === 0
      ? ''
      : `${removed.join(', ')} removed: ${clients} over ${them} ${isOrAre(endingCount)} disconnected`,
  ]
  return notes.filter((text) => text !== '').join('; ')
}

function isOrAre(count: number): string {
  return count === 1 ? 'is' : 'are'
}

function usersNote({ user: from }: Settings, { user: to }: Settings): string {
  const secretOf = (user: StaticUser) => ('key' in user ? `0x${user.key}` : user.password)
  const before = new Map(from.map((user) => [user.name, secretOf(user)]))
  const after = new Set(to.map(({ name }) => name))
  const addedCount = to.filter(({ name }) => !before.has(name)).length
  const rekeyedCount = to.filter((user) => before.has(user.name) && before.get(user.name) !== secretOf(user)).length
  const removedCount = from.filter(({ name }) => !after.has(name)).length
  return `${addedCount} added, ${removedCount} removed, ${rekeyedCount} with new passwords`
}

function licenceNote(maxAllocations: number, allocationCount: number): string {
  if (allocationCount <= maxAllocations) return ''
  return `${allocationCount} exist and stay: new ones are refused until there are fewer than ${maxAllocations}`
}
