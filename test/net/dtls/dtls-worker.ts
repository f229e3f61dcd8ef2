// A worker thread with DtlsClients of its own: two handshakes with ALPN, whose callback must run on this very thread. For threads.test.ts.
import { parentPort, workerData } from 'node:worker_threads'
import type { CertificatePair } from '../../../src/net/dtls/server-context.js'
import { DtlsStage, StageClient } from './dtls-stage.js'

const stage = new DtlsStage(workerData as CertificatePair)
const hosts = ['198.51.100.1:1', '198.51.100.2:1']
const established = hosts.map(
  (host) => StageClient.connect(stage, host, { alpn: ['h2', 'stun.turn'] }).ssl.isEstablished,
)
stage.dtls.close()
parentPort?.postMessage(established)
