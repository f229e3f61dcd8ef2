// Who is told what happens in the fake kernel, as it happens.
import type { Outgoing, SentDatagram } from './fake-kernel-send.js'
import type { FakeSocket, ReceiveBuffer, SocketError } from './fake-kernel-socket.js'

export interface FakeKernelWatcher {
  sent(datagram: SentDatagram): void
  /** The kernel did not take this message. */
  refused(outgoing: Outgoing, errno: number): void
  /** The engine has got this buffer. Not usable: it was truncated. */
  received(socket: FakeSocket, buffer: ReceiveBuffer, isUsable: boolean): void
  receivedError(socket: FakeSocket, error: SocketError): void
  bound(socket: FakeSocket): void
  /** Something worth counting. */
  count(name: string): void
}
