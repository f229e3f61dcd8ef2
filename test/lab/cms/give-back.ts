// werift leaves its allocation at the TURN server to expire: the relays of calls long over would be counted, and licensed, for ten minutes. So its
// client is taught to give it back (RFC 8656 §8: Refresh with lifetime 0) when it is closed. Two more habits of it, for who watches the wire:
// an answer without integrity is none for it once it has a key, so that 401, 431 and 438 look like a dead server; and where UDP is silent it
// tries TCP, after six seconds.
import { classes, Message, methods, TurnProtocol } from 'werift'

const GIVE_BACK_MILLISECONDS_MAX = 500

const { close } = TurnProtocol.prototype
/** werift closes a client twice. */
const closed = new WeakSet<TurnProtocol>()

TurnProtocol.prototype.close = async function (this: TurnProtocol): Promise<void> {
  if (closed.has(this)) return
  closed.add(this)
  const refresh = new Message(methods.REFRESH, classes.REQUEST).setAttribute('LIFETIME', 0)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GIVE_BACK_MILLISECONDS_MAX)
  })
  await Promise.race([this.requestWithRetry(refresh, this.server).catch(() => {}), late])
  clearTimeout(timer)
  await close.call(this)
}
