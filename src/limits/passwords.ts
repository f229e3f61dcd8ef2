// Bounds of the passwords of admin users, which are kept as scrypt hashes (RFC 7914): slow to try, so that a copy of the users file gives none away.

/** An admin user's password: with fewer, lists of what people choose are quick to try. */
export const ADMIN_PASSWORD_CHARACTER_COUNT_MIN = 12
/** Cost of new hashes: log2 of N. With r and p below, a third of a second on a slow core, and 32 MiB. */
export const SCRYPT_N_LOG2_COST = 15
/** Cost of new hashes: r, the size of a block in 128 bytes. */
export const SCRYPT_R_COST = 8
/** Cost of new hashes: p, how often. */
export const SCRYPT_P_COST = 3
/** Of a stored hash: what is cheaper is no hash of this program's, or was made up by whoever wants in. */
export const SCRYPT_N_LOG2_COST_MIN = 14
/** Of a stored hash: 128 × N × r. A file must not be able to ask for all memory. */
export const SCRYPT_MEMORY_BYTES_MAX = 64 * 1024 * 1024
/** Of a stored hash: p, which is time alone. */
export const SCRYPT_P_COST_MAX = 16
/** Of a salt: two users with one password have two hashes. */
export const SCRYPT_SALT_BYTES = 16
/** A hash: as many bits as nobody tries. */
export const SCRYPT_HASH_BYTES = 32
/** Hashes that are computed at once, each on a thread of Node's pool: whoever guesses at the page takes so many cores from media, and no more. */
export const SCRYPT_RUNNING_COUNT_MAX = 1
/** Hashes that wait for it: who comes then is told to try again. */
export const SCRYPT_WAITING_COUNT_MAX = 8
