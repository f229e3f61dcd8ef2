// What else there is to say of a refusal, in words: behind the meaning of its reason in the log, and in `turnd why`. Worked out where it is reported,
// so that no core has to.
import type { Refusal } from '../log/refusals.js'
import { spanText } from '../log/spans.js'
import type { OutsideUsers } from './outside-users.js'
import { clockText, type RestSettings, restDetail } from './rest-ages.js'

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
    case 'expired-token':
    case 'expired-oauth-key':
      return overdueText(refusal)
    default:
      return restDetail(refusal, settings)
  }
}

/** Of a token or key, by this machine's clock: the other one may be wrong. */
function overdueText({ overdueSeconds = 0, timeMs }: Refusal): string {
  const clock = `by this server's clock (${clockText(timeMs)})`
  if (overdueSeconds < 0) return `it begins to hold in ${spanText(-overdueSeconds)} ${clock}`
  return `expired ${spanText(overdueSeconds)} ago ${clock}`
}

/** A store that is not down may have failed for this user alone. */
function downText(problems: ReturnType<OutsideUsers['problems']>): string {
  return problems.map(({ name, problem }) => `${name}: ${problem}`).join('; ')
}
