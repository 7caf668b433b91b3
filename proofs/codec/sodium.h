/*
 * What this tree takes from libsodium; sodium.c is the only file of proofs/ that includes it.
 */
#ifndef ISTHMUS_PROOFS_CODEC_SODIUM_H
#define ISTHMUS_PROOFS_CODEC_SODIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* BLAKE2b with 32 bytes of output and no key, of all parts in a row. */
bool codec_sodium_blake2b256(uint8_t out[32], const struct bytes *parts, size_t count);

#endif
