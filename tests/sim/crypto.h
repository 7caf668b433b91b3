/*
 * Virtual signatures, for speed: a signature is a hash over key and message, and only a holder of the secret, as the world's
 * operators are, is served one. Programs that link sim_crypto have proofs/signature.h wrapped by the linker; until it is switched
 * on the real algorithms run, as they do in some of the simulator's seeds. Nothing else of proofs/ is replaced.
 */
#ifndef TESTS_SIM_CRYPTO_H
#define TESTS_SIM_CRYPTO_H

#include <stdbool.h>

void sim_crypto_virtual(bool on);

#endif
