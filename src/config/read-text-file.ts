// The one place of src/config that touches the file system: the text of a file that an option names. A pipe will do; what has no end is refused.
import { closeSync, openSync, readSync } from 'node:fs'
import { FILE_BYTES_MAX } from '../limits/files.js'

const PIECE_BYTES = 64 * 1024

/** Returns the text of a file; throws the system's error, or one with the code EFBIG for a file of more than FILE_BYTES_MAX bytes. */
export function readTextFile(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const pieces: Buffer[] = []
    for (let length = 0; length <= FILE_BYTES_MAX; ) {
      const piece = Buffer.alloc(PIECE_BYTES)
      const count = readSync(fd, piece)
      if (count === 0) return Buffer.concat(pieces).toString('utf8')
      length += count
      pieces.push(piece.subarray(0, count))
    }
  } finally {
    closeSync(fd)
  }
  throw Object.assign(new Error(`it is larger than ${FILE_BYTES_MAX} bytes`), { code: 'EFBIG' })
}
