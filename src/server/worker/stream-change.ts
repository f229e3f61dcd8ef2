// A reload's change of one stream worker: what takes time or may fail is done first, beside what runs.
import { TurndError } from '../../config/errors.js'
import type { DtlsClients } from '../../net/dtls/dtls-clients.js'
import type { HttpEntry } from '../../net/stream/http-entry.js'
import type { StreamListeners } from '../../net/stream/stream-listeners.js'
import { countAllocationsOf, deleteAllocationsOf } from '../../turn/reconfigure.js'
import { changeCore } from '../make-core.js'
import { ownSockets } from '../own-sockets.js'
import { changedStores } from '../users-snapshot.js'
import type { PreparedChange } from './changes.js'
import type { StreamWorkerChange, StreamWorkerStart } from './messages.js'
import type { StreamClients } from './stream-clients.js'
import type { StreamDriver } from './stream-driver.js'
import { hasListener, makeDtlsClients, makeHttpEntry } from './stream-parts.js'

/** What there is at present. */
export interface ChangedWorker {
  readonly start: StreamWorkerStart
  /** The settings of now: those of the start, or of the last change. */
  readonly streams: StreamWorkerStart['streams']
  readonly driver: StreamDriver
  readonly listeners: StreamListeners
  readonly clients: StreamClients
  readonly counters: Float64Array
  warn(text: string): void
  /** The change is carried out. */
  changed(change: StreamWorkerChange): void
}

/** What is loaded, or made, for a change. null: the present one stays, or there is none. */
interface Additions {
  readonly http: HttpEntry | null
  readonly dtls: DtlsClients | null
}

/** Rejects with an Error whose message is for the operator. */
export async function prepareStreamChange(worker: ChangedWorker, change: StreamWorkerChange): Promise<PreparedChange> {
  const { clients, driver, listeners, start } = worker
  const additions = await prepareAdditions(worker, change)
  const dispose = () => {
    void additions.http?.close()
    additions.dtls?.close()
  }
  try {
    checkDtlsCertificate(additions.dtls ?? clients.dtls, change)
    const places = await driver.prepareListeners(listeners, change.sockets)
    const { sockets } = change
    const own =
      sockets.kind === 'adopted'
        ? change.ownSockets
        : ownSockets(
            [...sockets.otherListeners, ...places.listeners],
            places.wildcardPorts,
            start.relayHosts,
            sockets.adminListen,
          )
    return {
      endingCount: countAllocationsOf(clients.core, places.isRemoved),
      listeners: places.listeners,
      commit: ({ users }) => {
        deleteAllocationsOf(clients.core, places.isRemoved)
        clients.endListeners(places.isRemoved)
        takeOver(worker, additions, change)
        places.commit()
        const changed = users === null ? null : changedStores(users, clients.usersFile)
        if (changed !== null) clients.usersFile = changed.usersFile
        const coreUsers = changed === null ? null : { ...changed, stores: [...changed.stores, clients.temporaryUsers] }
        changeCore(clients.core, clients.restSecrets, change.settings, own, coreUsers)
        worker.changed(change)
      },
      abandon: () => {
        places.abandon()
        dispose()
      },
    }
  } catch (error) {
    dispose()
    throw error
  }
}

async function prepareAdditions(worker: ChangedWorker, { sockets, streams }: StreamWorkerChange): Promise<Additions> {
  const { clients, counters, driver, streams: before, warn } = worker
  const isOther =
    streams.httpUpstream !== before.httpUpstream ||
    streams.httpUpstreamCa !== before.httpUpstreamCa ||
    streams.pageNames.status !== before.pageNames.status ||
    streams.pageNames.names.join() !== before.pageNames.names.join()
  const needsHttp = hasListener(sockets, 'tls') && (clients.http === null || isOther)
  const needsDtls = hasListener(sockets, 'dtls') && clients.dtls === null
  return {
    http: needsHttp ? await makeHttpEntry(streams, warn) : null,
    dtls: needsDtls ? await makeDtlsClients(driver, counters) : null,
  }
}

/** TLS has been tried by the main thread. */
function checkDtlsCertificate(dtls: DtlsClients | null, { certificate }: StreamWorkerChange): void {
  if (dtls === null || certificate === null) return
  try {
    dtls.checkCertificate(certificate)
  } catch (error) {
    const { message } = error as Error
    throw new TurndError('TURND_ERR_CERTIFICATE', `--cert cannot be used for DTLS: ${message}`, { cause: error })
  }
}

function takeOver({ clients, driver }: ChangedWorker, { dtls, http }: Additions, change: StreamWorkerChange): void {
  if (dtls !== null) {
    clients.setDtls(dtls)
    driver.setClients(dtls)
  }
  clients.setHttp(http ?? clients.http, change.streams.proxyProtocolFrom)
  if (change.certificate !== null) clients.setCertificate(change.certificate)
}
