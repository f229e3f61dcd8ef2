// The clock of this machine: TURN REST credentials and certificates are judged by it. Whether it is synchronised the system knows; how far it is
// off, a time server that the operator names.
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import { durationText } from '../durations.js'
import type { Machine } from '../machine.js'

/** TURN REST credentials are handed out for hours. */
const CLOCK_FAULT_SECONDS = 300
const CLOCK_WARNING_SECONDS = 5
const REMEDY = 'Run a time service: timedatectl set-ntp true, or install chrony'

export interface ClockScene {
  readonly machine: Machine
  readonly patienceMs: number
  /** A time server; null: nobody is asked. */
  readonly ntpHost: string | null
}

export interface ClockFacts {
  /** What the system says; null: nothing. */
  readonly isSynchronised: boolean | null
  /** The time server's clock minus this one's; null: it was not asked; why it did not answer, otherwise. */
  readonly offsetSeconds: number | string | null
}

export function judgeClock({ isSynchronised, offsetSeconds }: ClockFacts): Judgement {
  if (typeof offsetSeconds === 'number') return judgeOffset(offsetSeconds)
  const noAnswer = offsetSeconds === null ? '' : `; the time server gave no answer: ${offsetSeconds}`
  if (isSynchronised === true) return well(`this machine's clock is synchronised${noAnswer}`)
  if (isSynchronised === false) {
    return warning(
      `this machine's clock is not synchronised: timestamped credentials and certificates are judged by it${noAnswer}`,
      REMEDY,
    )
  }
  return notChecked(
    `the system does not say whether its clock is synchronised${noAnswer}; --ntp HOST asks a time server`,
  )
}

function judgeOffset(offset: number): Judgement {
  const size = Math.abs(offset)
  const text = `this machine's clock is ${durationText(size)} ${offset > 0 ? 'behind' : 'ahead of'} the time server's`
  if (size >= CLOCK_FAULT_SECONDS) return fault("this machine's clock is wrong", text, REMEDY)
  if (size >= CLOCK_WARNING_SECONDS) return warning(text, REMEDY)
  return well("this machine's clock agrees with the time server's")
}

export const clock: Check<ClockScene> = {
  id: 'clock',
  needs: [],
  async run({ machine, ntpHost, patienceMs }) {
    const [isSynchronised, offsetSeconds] = await Promise.all([
      synchronised(machine),
      ntpHost === null ? null : askTime(ntpHost, patienceMs),
    ])
    return judgeClock({ isSynchronised, offsetSeconds })
  },
}

async function askTime(host: string, patienceMs: number): Promise<number | string> {
  const { sntpOffsetSeconds } = await import('../../client/sntp.js')
  return sntpOffsetSeconds(host, patienceMs).catch((error: Error) => error.message)
}

/** By systemd's service, by what systemd knows of the kernel, by chrony. */
export async function synchronised(machine: Machine): Promise<boolean | null> {
  if (machine.modeOf('/run/systemd/timesync/synchronized') !== null) return true
  // Without systemd its command waits for a bus that never comes.
  const isSystemd = machine.modeOf('/run/systemd/system') !== null
  const shown = isSystemd
    ? (await machine.output('timedatectl', ['show', '--property=NTPSynchronized', '--value']))?.trim()
    : ''
  if (shown === 'yes' || shown === 'no') return shown === 'yes'
  const tracked = await machine.output('chronyc', ['-c', 'tracking'])
  // The last field is the leap status.
  return tracked === null || tracked.trim() === '' ? null : !/Not synchronised$/.test(tracked.trim())
}
