// DTLS in several threads at a time, and in threads that come and go: OpenSSL is shared by all of them, koffi is not.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { AlpnSelector } from '../../../src/net/dtls/alpn.js'
import { checkDtls } from '../../../src/net/dtls/dtls-clients.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { withoutKoffi } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'
import { DtlsStage, StageClient, testCertificate } from './dtls-stage.js'

const ROUND_COUNT = 2
const WORKER_COUNT = 2

t.test('threads with DTLS', { skip: withoutKoffi() || peerOrSkip('openssl') }, async (t) => {
  t.test('do not disturb each other', async (t) => {
    const pair = testCertificate()
    const stage = DtlsStage.open(t)
    for (let round = 0; round < ROUND_COUNT; round++) {
      const workers = Array.from({ length: WORKER_COUNT }, () => {
        return new Worker(new URL('./dtls-worker.js', import.meta.url), { workerData: pair, execArgv: [], env: {} })
      })
      const results = workers.map((worker) => once(worker, 'message'))
      const ends = workers.map((worker) => once(worker, 'exit'))
      t.ok(StageClient.connect(stage, `198.51.100.7:${1 + round}`, { alpn: ['stun.turn'] }).ssl.isEstablished)
      for (const result of results) t.same(await result, [[true, true]])
      for (const end of ends) t.same(await end, [0])
    }
  })

  t.test('give back the callbacks of koffi, of which a process has 8,192', async () => {
    const koffi = loadKoffi()
    for (let count = 0; count < 8_200; count++) new AlpnSelector(koffi, () => 0).close()
    checkDtls()
  })
})
