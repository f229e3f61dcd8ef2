// How much processor time this thread gets where there is too little: on Linux a nice value is a thread's own (setpriority(2)).
import type { Koffi } from './koffi.js'

const PRIO_PROCESS = 0
/** The calling thread. */
const SELF = 0

/** @param niceValue 0 is the default, 19 the least. False if the system does not let it be. */
export function lowerThreadPriority(koffi: Koffi, niceValue: number): boolean {
  const setpriority = koffi.load(null).func('setpriority', 'int', ['int', 'uint32_t', 'int']) as (
    which: number,
    who: number,
    value: number,
  ) => number
  return setpriority(PRIO_PROCESS, SELF, niceValue) === 0
}
