// What else there is to say of a refusal, in words: behind the meaning of its reason in the log, and in `turnd why`. Worked out where it is reported,
// so that no core has to.
import type { Refusal } from '../log/refusals.js'
import type { OutsideUsers } from './outside-users.js'

export interface DetailSources {
  readonly outside: Pick<OutsideUsers, 'problems' | 'refusalDetail'> | null
}

/** '' where there is nothing more. */
export function refusalDetail({ reason, user }: Pick<Refusal, 'reason' | 'user'>, { outside }: DetailSources): string {
  switch (reason) {
    case 'refused-by-store':
      return outside?.refusalDetail(user) ?? ''
    case 'store-unavailable':
      return downText(outside?.problems() ?? []) || (outside?.refusalDetail(user) ?? '')
    default:
      return ''
  }
}

/** A store that is not down may have failed for this user alone. */
function downText(problems: ReturnType<OutsideUsers['problems']>): string {
  return problems.map(({ name, problem }) => `${name}: ${problem}`).join('; ')
}
