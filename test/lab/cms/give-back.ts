// werift leaves its allocation at the TURN server to expire: the relays of calls long over would be counted, and licensed, for ten minutes. So its
// client is taught to give it back (RFC 8656 §8: Refresh with lifetime 0) when it is closed. More habits of it, for who watches the wire or waits: an
// answer without integrity is none for it once it has a key, so that 401, 431 and 438 look like a dead server; where UDP is silent it tries TCP, after
// six seconds; and a call that is over keeps the process alive until its next Refresh would have been due.
import { classes, Message, methods, TurnProtocol } from 'werift'

const { close } = TurnProtocol.prototype
/** werift closes a client twice. */
const closed = new WeakSet<TurnProtocol>()

TurnProtocol.prototype.close = async function (this: TurnProtocol): Promise<void> {
  if (closed.has(this)) return
  closed.add(this)
  const refresh = new Message(methods.REFRESH, classes.REQUEST).setAttribute('LIFETIME', 0)
  // Once: its second one, 50 ms later, would be refused on a busy machine, as there is no allocation any more.
  await this.request(refresh, this.server, undefined, 0).catch(() => {})
  await close.call(this)
}
