// Error numbers that Linux may answer with and that the engine has no special treatment for (asm-generic/errno.h).

export const EPERM = 1
export const EMFILE = 24
export const ENOSPC = 28
export const ENOPROTOOPT = 92
export const EPROTO = 71
export const ENETUNREACH = 101
export const EHOSTUNREACH = 113
