// How two sets of settings differ, one row for each option, in words: for the log, the API and whoever asks what a reload would do. Secrets
// are counted, never shown.
import type { SettingChange } from '../admin/schema/operations.js'
import { crossCheck } from '../config/cross-checks.js'
import { OPTIONS, type Option } from '../config/options.js'
import type { ParsedSettings, SettingKey, Settings } from '../config/settings.js'
import { formatHost, TransportAddress } from '../stun/address.js'
import { effectOf, isLive } from './setting-effects.js'

/** The options whose value is another one, in the order in which they are documented. */
export function settingChanges(from: Settings, to: Settings): SettingChange[] {
  const wanted = withPresentPort(from, to)
  return OPTIONS.filter(({ key }) => isDifferent(from[key], wanted[key])).map((option) =>
    changeOf(option, from, wanted),
  )
}

/**
 * The present settings with what of others can be applied while the server runs. Throws TurndError: each may make sense, and not this mixture,
 * such as web pages that come from the present address of the status page, which is to be another one after a restart.
 */
export function withLive(present: ParsedSettings, wanted: ParsedSettings): ParsedSettings {
  const settings = Object.fromEntries(
    OPTIONS.map(({ key }) => [key, isLive(key) ? wanted.settings[key] : present.settings[key]]),
  ) as unknown as Settings
  const given = new Map(
    OPTIONS.flatMap(({ key }) => {
      const resolved = (isLive(key) ? wanted : present).given.get(key)
      return resolved === undefined ? [] : [[key, resolved]]
    }),
  )
  const { imported, naming, warnings } = wanted
  crossCheck(settings, given, naming)
  return { settings, given, naming, warnings, ...(imported === undefined ? {} : { imported }) }
}

/** Where any port is wanted the present one is as good as another. */
function withPresentPort(from: Settings, to: Settings): Settings {
  const isAny = to.adminListen?.port === 0 && to.adminListen.text === from.adminListen?.text
  return isAny ? { ...to, adminListen: from.adminListen } : to
}

function changeOf(option: Option, from: Settings, to: Settings): SettingChange {
  const { key, name, secret = false } = option
  const { effect, note } = effectOf(key)
  const shown = (settings: Settings) => (secret ? secretText(key, settings) : valueText(settings[key], option))
  const [before, after] = [shown(from), shown(to)]
  return { name: `--${name}`, from: before, to: before === after ? 'changed' : after, effect, note }
}

function isDifferent(one: unknown, other: unknown): boolean {
  return JSON.stringify(comparable(one)) !== JSON.stringify(comparable(other))
}

/** How something is written does not matter: `:3478` is `*:3478`. */
function comparable(value: unknown): unknown {
  if (value instanceof TransportAddress) return formatHost(value)
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => name !== 'text')
  return entries.map(([name, part]) => [name, comparable(part)])
}

function secretText(key: SettingKey, settings: Settings): string {
  // Of a URL the password alone is secret.
  if (key === 'redis') return settings.redis?.shown ?? 'none'
  const value = settings[key]
  const count = Array.isArray(value) ? value.length : value === null ? 0 : 1
  const noun = key === 'user' ? 'user' : 'secret'
  return count === 1 ? `1 ${noun}` : `${count === 0 ? 'no' : count} ${noun}s`
}

function valueText(value: unknown, { defaultText }: Option): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(itemText).join(', ')
  // Where null is a value there are words for what it means.
  return value === null ? defaultText || 'none' : itemText(value)
}

function itemText(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item)
  if ('text' in item) return String(item.text)
  const { address, prefixLength } = item as { address: TransportAddress; prefixLength: number }
  return `${formatHost(address)}/${prefixLength}`
}
