// The contract of the relay engines: the only owners of sockets for UDP clients and UDP relays. `dgram` runs everywhere.
import type { ListenSpec } from '../config/listen-spec.js'
import type { TransportAddress } from '../stun/address.js'
import type { TurnCore } from '../turn/core.js'
import type { TurnOutput } from '../turn/output.js'

/** One bound listener socket. Its index in RelayEngine.listeners is the `listenerId` of 5-tuples. */
export interface Listener {
  readonly scheme: 'udp'
  /** The address that is bound, with the real port; `host` is set. */
  readonly address: TransportAddress
}

export interface RelayEngine extends TurnOutput {
  readonly name: 'dgram' | 'native'
  readonly supportsDontFragment: boolean
  readonly listeners: readonly Listener[]
  /** Since start, by COUNTER_ index (counters.ts). */
  readonly counters: Float64Array

  /** Binds the listeners, a wildcard as one socket per local address. All or none: on a TurndError nothing stays open. */
  openListeners(specs: readonly ListenSpec[]): Promise<void>

  /** Frames go to this core from now on, and time ticks for it. */
  start(core: TurnCore): void

  /** Closes the listeners and stops the clock; relays are closed by the core. */
  stop(): Promise<void>
}
