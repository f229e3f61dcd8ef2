// What else there is to say of a refusal, in words: behind the meaning of its reason in the log, and in `turnd why`. Worked out where it is reported,
// so that no core has to.
import type { Refusal } from '../log/refusals.js'
import type { OutsideUsers } from './outside-users.js'
import { type RestSettings, restDetail } from './rest-ages.js'

/** '' where there is nothing more. @param outside the stores of this moment; null without any */
export function refusalDetail(
  refusal: Refusal,
  settings: RestSettings,
  outside: Pick<OutsideUsers, 'problems' | 'refusalDetail'> | null,
): string {
  const { reason, user } = refusal
  switch (reason) {
    case 'refused-by-store':
      return outside?.refusalDetail(user) ?? ''
    case 'store-unavailable':
      return downText(outside?.problems() ?? []) || (outside?.refusalDetail(user) ?? '')
    default:
      return restDetail(refusal, settings)
  }
}

/** A store that is not down may have failed for this user alone. */
function downText(problems: ReturnType<OutsideUsers['problems']>): string {
  return problems.map(({ name, problem }) => `${name}: ${problem}`).join('; ')
}
