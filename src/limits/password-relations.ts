// How the bounds of passwords relate: what this program makes it must read again.
import { atMost, type Relation, relation } from './relation.js'

export const PASSWORD_RELATIONS: readonly Relation[] = [
  atMost('SCRYPT_N_LOG2_COST_MIN', 'SCRYPT_N_LOG2_COST', 'a new hash is dear enough to be read again'),
  atMost('SCRYPT_P_COST', 'SCRYPT_P_COST_MAX', 'a new hash takes no longer than one that is read may'),
  relation(
    ['SCRYPT_N_LOG2_COST', 'SCRYPT_R_COST', 'SCRYPT_MEMORY_BYTES_MAX'],
    'a new hash takes no more memory than one that is read may',
    (limits) => 128 * 2 ** limits.SCRYPT_N_LOG2_COST * limits.SCRYPT_R_COST <= limits.SCRYPT_MEMORY_BYTES_MAX,
  ),
]
