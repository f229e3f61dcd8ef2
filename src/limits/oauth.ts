// Bounds of third-party authorization (RFC 7635): the file of keys, and the tokens that clients bring.

/** Keys of --oauth-keys: a few authorization servers, each with the key of today, the one before and the one to come. */
export const OAUTH_KEY_COUNT_MAX = 64
/** A key id, which clients send as their USERNAME; coturn's are no longer. */
export const OAUTH_KID_LENGTH_MAX = 128
/** A key as it stands in the file, decoded: what is longer than AES takes is cut, as coturn does. */
export const OAUTH_KEY_BYTES_MAX = 192
/** The server name in every challenge: the longest DNS name. Each byte of it is one that a forged request makes the server send. */
export const OAUTH_SERVER_NAME_LENGTH_MAX = 255
/** The nonce of AEAD_AES_128_GCM and AEAD_AES_256_GCM: RFC 5116 §5.1 has no other. */
export const TOKEN_NONCE_BYTES = 12
/** The tag that both end with. */
export const TOKEN_TAG_BYTES = 16
/** The key in a token: 160 bits must be supported (RFC 7635 §6.2), and fewer are too few. */
export const TOKEN_MAC_KEY_BYTES_MIN = 20
/** The same: a whole block of SHA-256, beyond which HMAC gains nothing. */
export const TOKEN_MAC_KEY_BYTES_MAX = 64
/** A token is no shorter: two lengths of two bytes, nonce, key, timestamp (8), lifetime (4), tag. */
export const TOKEN_LENGTH_MIN = 64
/** And no longer, so that nothing is decrypted that could be none. */
export const TOKEN_LENGTH_MAX = 108
/** By how much the clocks of the authorization server and this one may differ: the RFC's recommended Delta (§7). */
export const TOKEN_DELTA_SECONDS = 5
/** Tokens whose key an allocation remembers: the present one, and the one before, whose requests may still be on their way. */
export const TOKEN_OF_ALLOCATION_COUNT_MAX = 2
/** How long tokens live that `turnd credentials` makes, unless another lifetime is asked for. */
export const TOKEN_LIFETIME_SECONDS_DEFAULT = 3600
