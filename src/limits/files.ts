// Bounds of the operator's files: what is larger, or has no end, is another file than was meant.

/** A file of options, of secrets, of a certificate, a key or certificate authorities. A chain has some 10 KiB. */
export const FILE_BYTES_MAX = 1024 * 1024
/** Listeners of an imported range of ports: a large Expressway has six. */
export const EXPRESSWAY_PORT_COUNT_MAX = 64
/** The users file: a million users with both keys. Each worker has a copy of its users. */
export const USERS_FILE_BYTES_MAX = 256 * 1024 * 1024
/** Open files of the program itself, without listeners and relays: loading it takes the most. */
export const FILE_COUNT_OF_PROGRAM = 64
/** Open files of a worker: its event loop, the engine's epoll and eventfd, and what comes for a moment. */
export const FILE_COUNT_OF_WORKER = 16
/** An edit of the users file takes milliseconds: whoever waits this long for its lock waits for something else. */
export const LOCK_FILE_WAIT_MILLISECONDS_MAX = 10_000
