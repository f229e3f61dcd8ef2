// What a row of the table of coturn's options can say of one of them.
import {
  CHANNEL_LIFETIME_SECONDS,
  LIFETIME_SECONDS_MAX,
  NONCE_LIFETIME_SECONDS,
  PERMISSION_LIFETIME_SECONDS,
} from '../../limits/turn.js'
import type { ImportVerdict } from '../import-report.js'

/**
 * - `option`: one of ours has its value
 * - `part`: together with others it becomes what `text` says: one of the files of this folder does it, mostly with this verdict
 * - `same`: we do so anyway
 * - `fixed`: it is a number, which is `number` here and nothing else
 * - `ignored`: it has no counterpart and need have none
 * - `needed`: it has none, and the operator has to do what `text` says
 */
export type Fate =
  | { readonly kind: 'option'; readonly option: string; readonly text: string; readonly convert: Convert }
  | { readonly kind: 'part'; readonly text: string; readonly verdict: ImportVerdict }
  | { readonly kind: 'same' | 'ignored' | 'needed'; readonly text: string }
  | { readonly kind: 'fixed'; readonly number: number; readonly text: string }

/** The value for our option, or null where coturn's value asks for what we do by default. */
type Convert = (value: string) => string | null

export interface CoturnOption {
  /** It is on or off, and on without a value. */
  readonly isSwitch: boolean
  readonly fate: Fate
}

const asItIs: Convert = (value) => value

function rows(isSwitch: boolean) {
  const plain = (kind: 'same' | 'ignored' | 'needed') => (text: string) => ({ isSwitch, fate: { kind, text } })
  return {
    to: (option: string, text = '', convert = asItIs) => ({
      isSwitch,
      fate: { kind: 'option' as const, option, text, convert },
    }),
    part: (text: string, verdict: ImportVerdict = 'applied') => ({
      isSwitch,
      fate: { kind: 'part' as const, text, verdict },
    }),
    same: plain('same'),
    ignored: plain('ignored'),
    needed: plain('needed'),
  }
}

/** Rows of what is on or off, and of what has a value. */
export const SWITCH = rows(true)
export const VALUE = rows(false)

export function fixed(number: number, text: string): CoturnOption {
  return { isSwitch: false, fate: { kind: 'fixed', number, text } }
}

export const LIFETIMES = {
  allocation: LIFETIME_SECONDS_MAX,
  channel: CHANNEL_LIFETIME_SECONDS,
  permission: PERMISSION_LIFETIME_SECONDS,
  nonce: NONCE_LIFETIME_SECONDS,
} as const
