// Loaded into a server before its program (node --import): notes the keys of its TLS connections in the file that LAB_TLS_KEYS names, so that what
// was captured on the wire can be read. Node's own --tls-keylog notes those of tls.Server alone, which turnd does not use. Connections are on worker
// threads, which get nothing of node's arguments from turnd: they are given this file here.
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { TLSSocket } from 'node:tls'
import workerThreads, { type WorkerOptions } from 'node:worker_threads'

interface Inner {
  _init(...args: unknown[]): void
  readonly _handle: { enableKeylogCallback(): void }
}

const { LAB_TLS_KEYS: file } = process.env

if (file !== undefined) {
  noteKeys(file)
  const { Worker } = workerThreads
  workerThreads.Worker = class extends Worker {
    constructor(script: string | URL, options: WorkerOptions) {
      super(script, { ...options, execArgv: ['--import', import.meta.url], env: { LAB_TLS_KEYS: file } })
    }
  }
  syncBuiltinESMExports()
}

function noteKeys(path: string): void {
  const prototype = TLSSocket.prototype as unknown as Inner
  const { _init: init } = prototype
  prototype._init = function (this: TLSSocket & Inner, ...args) {
    init.apply(this, args)
    this.on('keylog', (line: Buffer) => appendFileSync(path, line, { mode: 0o600 }))
    this._handle.enableKeylogCallback()
  }
}
