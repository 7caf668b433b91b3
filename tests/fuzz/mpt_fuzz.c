/*
 * Trie proofs. An input is: key length (1 byte), key, then nodes, each with its length before it (2 bytes). To let inputs get
 * past the hashes, 32 bytes of 0xaa in a node stand for the hash of the node after it, and the root is the first node's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/mpt.h"

#define NODES_MAX 16
#define NODE_MAX  1024

struct input {
    struct bytes key;
    struct bytes nodes[NODES_MAX];
    uint8_t space[NODES_MAX][NODE_MAX];
    size_t count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_input(struct input *in, struct bytes data)
{
    struct codec_reader reader;
    codec_reader_init(&reader, data);
    in->key = codec_read_bytes(&reader, codec_read_u8(&reader));
    in->count = 0;
    while (in->count < NODES_MAX && codec_reader_left(&reader) > 0) {
        struct bytes node = codec_read_bytes(&reader, codec_read_u16(&reader));
        if (reader.failed || node.len > NODE_MAX)
            return;
        memcpy(in->space[in->count], node.data, node.len);
        in->nodes[in->count] = (struct bytes){in->space[in->count], node.len};
        in->count++;
    }
}

static void link_nodes(struct input *in)
{
    uint8_t mark[32];
    memset(mark, 0xaa, sizeof mark);
    for (size_t i = in->count; i-- > 1;) {
        struct bytes before = in->nodes[i - 1];
        uint8_t *at = memmem(in->space[i - 1], before.len, mark, sizeof mark);
        if (at)
            codec_keccak256(at, in->nodes[i]);
    }
}

static void check_fact(const struct input *in, const uint8_t root[32], const struct proof_mpt_fact *fact)
{
    struct proof_result result;
    struct proof_mpt_fact other;
    bool sound =
        fact->presence == PROOF_ABSENT ? fact->value.len == 0 : fact->presence == PROOF_PRESENT && fact->value.len > 0;
    if (!sound)
        __builtin_trap();
    if (in->count > 0 && fact->presence == PROOF_PRESENT) {
        struct bytes last = in->nodes[in->count - 1];
        if (fact->value.data < last.data || fact->value.data + fact->value.len > last.data + last.len)
            __builtin_trap();
    }
    /* neither fewer nor more nodes prove anything, nor does the strict verifier say otherwise */
    if (in->count > 1 && proof_mpt_verify(&result, &other, root, in->key, in->nodes, in->count - 1) == PROOF_VALID)
        __builtin_trap();
    if (in->key.len == 32 &&
        proof_mpt_verify_secure(&result, &other, root, in->key.data, in->nodes, in->count) == PROOF_VALID &&
        (other.presence != fact->presence || !codec_bytes_equal(other.value, fact->value)))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;
    struct proof_result result;
    struct proof_mpt_fact fact;
    uint8_t root[32];
    read_input(&in, (struct bytes){data, size});
    link_nodes(&in);
    if (in.count == 0)
        return 0;
    codec_keccak256(root, in.nodes[0]);
    if (proof_mpt_verify(&result, &fact, root, in.key, in.nodes, in.count) == PROOF_VALID)
        check_fact(&in, root, &fact);
    else if (fact.presence != PROOF_UNKNOWN || result.reason <= PROOF_REASON_VALID)
        __builtin_trap();
    root[size % 32] ^= 1;
    if (proof_mpt_verify(&result, &fact, root, in.key, in.nodes, in.count) == PROOF_VALID)
        __builtin_trap();
    return 0;
}
