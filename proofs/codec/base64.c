/*
 * Four characters at a time.
 */
#include "proofs/codec/base64.h"

/* The six bits of a character, or 64. */
static uint32_t bits_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    return 64;
}

bool codec_base64_decode(uint8_t *out, size_t *len, size_t cap, const char *text, size_t text_len)
{
    size_t at = 0;
    *len = 0;
    if (text_len % 4 != 0)
        return false;
    for (size_t i = 0; i < text_len; i += 4) {
        size_t padding = 0;
        while (i + 4 == text_len && padding < 2 && text[i + 3 - padding] == '=')
            padding++;
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t bits = k < 4 - padding ? bits_of(text[i + k]) : 0;
            if (bits > 63)
                return false;
            word = word << 6 | bits;
        }
        size_t bytes = 3 - padding;
        if (bytes > cap - at || (word & ((1u << 8 * padding) - 1)) != 0)
            return false;
        for (size_t k = 0; k < bytes; k++)
            out[at++] = (uint8_t)(word >> (16 - 8 * k));
    }
    *len = at;
    return true;
}
