/*
 * Build-time program: prints CODEC_ED25519_BASE, the multiples of Ed25519's base point, as C. 128 KiB that are computed in a
 * millisecond need not lie in the repository.
 */
#include <inttypes.h>
#include <stdio.h>

#include "proofs/codec/ed25519_lanes.h"

int main(void)
{
    static const struct ed25519_shape shape = {ED25519_BASE_SPLITS, ED25519_BASE_STEP, ED25519_BASE_ENTRIES};
    ed25519_entry rows[ED25519_BASE_SPLITS * ED25519_BASE_ENTRIES];
    uint8_t minus_base[32]; /* RFC 8032, 5.1: y = 4/5, and x is even; tables are of the negative */
    memset(minus_base, 0x66, sizeof minus_base);
    minus_base[0] = 0x58;
    minus_base[31] = 0xe6;
    struct ed25519_table table = {.encoded = minus_base, .rows = rows};
    codec_ed25519_tables_portable(&table, 1, &shape);
    if (!table.usable)
        return 1;
    printf("/* Made by tools/make/ed25519_base.c. */\n#include \"proofs/codec/ed25519_lanes.h\"\n\n"
           "const ed25519_entry CODEC_ED25519_BASE[ED25519_BASE_SPLITS * ED25519_BASE_ENTRIES]\n"
           "    __attribute__((aligned(64))) = {\n");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        printf("{");
        for (size_t word = 0; word < CODEC_ED25519_ENTRY_WORDS; word++)
            printf("0x%" PRIx64 ",", rows[row][word]);
        printf("},\n");
    }
    printf("};\n");
    return ferror(stdout) || fflush(stdout) != 0;
}
