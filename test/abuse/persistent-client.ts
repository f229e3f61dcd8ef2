// A client over UDP as real ones are: a request that is not answered is sent again, after 500 ms and then twice as long each time
// (RFC 8489 §6.2.1), until its deadline.
import type { ReceivedMessage } from '../support/received-message.js'
import { TurnClient } from '../support/turn-client.js'

const RETRANSMISSION_MILLISECONDS = 500

export class PersistentClient extends TurnClient {
  retransmissionCount = 0

  override async exchange(request: Uint8Array, milliseconds?: number): Promise<ReceivedMessage> {
    let wait = RETRANSMISSION_MILLISECONDS
    const again = () => {
      this.retransmissionCount++
      this.transport.send(request)
      wait *= 2
      timer = setTimeout(again, wait)
    }
    let timer = setTimeout(again, wait)
    try {
      return await super.exchange(request, milliseconds)
    } finally {
      clearTimeout(timer)
    }
  }
}
