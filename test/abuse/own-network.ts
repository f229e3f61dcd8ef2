// A network of the suite's own, whose kernel keeps little for a TCP connection that is not read: with its usual 4 MiB for each it takes a minute of a
// call's data before a server sees that somebody has stopped reading, and what the server does about it would never be tried.
import { ClosingList } from '../support/closing.js'
import { withoutKoffi } from '../support/engines.js'
import { createNamespace, inNamespace, limitTcpSendBuffers } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'

const TCP_SEND_BYTES_MAX = 128 * 1024

/** Calls `act` there, or here where there can be no such network. @param act told whether it is there */
export async function inOwnNetwork<Value>(act: (isThere: boolean) => Promise<Value>): Promise<Value> {
  if (withoutOwnNetwork() !== false) return act(false)
  const closing = new ClosingList()
  try {
    const namespace = createNamespace(closing, [])
    limitTcpSendBuffers(namespace, TCP_SEND_BYTES_MAX)
    return await inNamespace(namespace, () => act(true))
  } finally {
    await closing.close()
  }
}

/** Why there can be none, or false. */
export function withoutOwnNetwork(): string | false {
  return withoutKoffi() || peerOrSkip('network namespaces')
}
