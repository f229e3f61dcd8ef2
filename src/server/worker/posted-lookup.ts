// A worker's way to the outside stores: it asks the main thread, which answers with a command.
import { formatHost } from '../../stun/address.js'
import type { UserLookup } from '../../turn/output.js'
import type { WorkerMessage } from './messages.js'

export function postedLookup(post: (message: WorkerMessage) => void): UserLookup {
  return {
    lookUp(username, client, mayBeRemembered) {
      post({ kind: 'look-up', question: { username, source: formatHost(client), mayBeRemembered } })
    },
  }
}
