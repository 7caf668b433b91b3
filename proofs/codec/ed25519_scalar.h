/*
 * Inside of the Ed25519 files only: scalars modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the base
 * point, as four 64-bit words, least first.
 */
#ifndef ISTHMUS_PROOFS_CODEC_ED25519_SCALAR_H
#define ISTHMUS_PROOFS_CODEC_ED25519_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 little-endian bytes; false when the number is not below L. */
bool codec_ed25519_scalar_read(uint64_t scalar[4], const uint8_t in[32]);

/* 64 little-endian bytes modulo L. */
void codec_ed25519_scalar_reduce(uint64_t scalar[4], const uint8_t in[64]);

/* scalar = sum of digits[i] 2^(i bits), -2^(bits - 1) <= digits[i] < 2^(bits - 1), for a scalar below L and bits from 2 to
 * 8; count bits is 254 or more. */
void codec_ed25519_scalar_digits(int8_t *digits, size_t count, unsigned bits, const uint64_t scalar[4]);

#endif
