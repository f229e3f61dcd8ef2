// Other listeners for a native engine that runs. They are the main thread's, which has opened the new ones and closes the old ones.
import type { Listener, ListenerChange } from '../engine.js'
import type { AdoptedListener } from './listener-sockets.js'
import type { NativeEngine } from './native-engine.js'

/** @param wanted all that there will be */
export function prepareAdopted(engine: NativeEngine, wanted: readonly AdoptedListener[]): ListenerChange {
  const present = engine.listeners.fds()
  const added = wanted.filter(({ fd }) => !present.includes(fd))
  const removed = present
    .filter((fd) => !wanted.some((listener) => listener.fd === fd))
    .map((fd) => engine.listeners.find(fd))
  return {
    listeners: wanted.map(({ address, scheme }): Listener => ({ scheme, address })),
    // The main thread knows them.
    wildcardPorts: [],
    isRemoved: (listenerId) => removed.some((socket) => engine.listeners.isOf(listenerId, socket)),
    commit: () => {
      for (const socket of removed) engine.removeListener(socket)
      for (const listener of added) {
        // A worker that cannot have what the others have is better replaced.
        if (!engine.listeners.add(listener)) throw new Error('there is no room for another listener')
      }
    },
    abandon: () => {},
  }
}
