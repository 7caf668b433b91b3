/*
 * Virtual signatures and hashes, for speed: a signature is a hash over key and message, which only a holder of the secret, as
 * the world's operators are, is served; and every hash is mixed words instead of Keccak-256 (a network without adversaries who
 * can compute: those of the simulator forge by signing, not by colliding). Programs that link crypto.c have these functions of
 * proofs/ wrapped by the linker; until it is switched on the real algorithms run, as they do in some of the simulator's seeds.
 * Nothing else of proofs/ is replaced.
 */
#ifndef TESTS_SIM_CRYPTO_H
#define TESTS_SIM_CRYPTO_H

#include <stdbool.h>

void sim_crypto_virtual(bool on);

#endif
