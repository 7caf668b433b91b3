/*
 * bench-mpt: Merkle-Patricia work on real mainnet data: the receipts root of a whole block, and the proof of one account.
 *
 *   bench-mpt --vectors DIR [--seconds S] [--dump FILE]
 *
 * DIR is the folder of block 21925176 (block.json, receipts.json, proof.json). --dump writes the same inputs for the peers,
 * as plain numbers and bytes, and ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/eth.h"
#include "proofs/codec/keccak.h"
#include "proofs/mpt.h"
#include "tools/benches/scene.h"
#include "tools/verify/eth_json.h"
#include "tools/verify/json.h"

struct world {
    uint8_t receipts_root[32], state_root[32], key[32];
    const struct bytes *receipts, *nodes;
    size_t receipts_count, nodes_count;
    struct bytes account; /* the leaf's value */
};

static struct tools_json_doc *open_json(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    struct tools_json_doc *doc = tools_json_open(path); /* lives as long as the process: bytes are borrowed from it */
    if (tools_json_error(doc))
        scene_die("%s", tools_json_error(doc));
    return doc;
}

/* In the order of the trie's keys: RLP(index) sorts 1..127 first, then 0, then 128 and up. */
static void receipt_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context,
                       size_t place)
{
    const struct world *world = context;
    size_t single = world->receipts_count - 1 < 127 ? world->receipts_count - 1 : 127;
    size_t index = place < single ? place + 1 : place == single ? 0 : place;
    out->key = (struct bytes){scratch, codec_eth_index_key(scratch, index)};
    out->value = world->receipts[index];
}

static void do_receipts(const struct world *world)
{
    struct proof_mpt_source source = {receipt_at, world, world->receipts_count};
    struct proof_result result;
    uint8_t root[32];
    if (proof_mpt_root(&result, root, &source) != PROOF_VALID || memcmp(root, world->receipts_root, 32) != 0)
        scene_die("the receipts root is wrong");
}

static struct bytes do_account(const struct world *world)
{
    struct proof_result result;
    struct proof_mpt_fact fact;
    if (proof_mpt_verify_secure(&result, &fact, world->state_root, world->key, world->nodes, world->nodes_count) !=
            PROOF_VALID ||
        fact.presence != PROOF_PRESENT)
        scene_die("the account is not proven");
    return fact.value;
}

static void read_world(struct world *world, const char *folder)
{
    struct tools_json_doc *block = open_json(folder, "block.json"), *receipts = open_json(folder, "receipts.json"),
                          *proof = open_json(folder, "proof.json");
    const struct tools_json *header = tools_eth_json_result(tools_json_root(block));
    const struct tools_json *account = tools_eth_json_result(tools_json_root(proof));
    uint8_t address[20];
    tools_json_hex_exact(world->receipts_root, 32, block, tools_json_get(header, "receiptsRoot"), "receiptsRoot");
    tools_json_hex_exact(world->state_root, 32, block, tools_json_get(header, "stateRoot"), "stateRoot");
    tools_json_hex_exact(address, 20, proof, tools_json_get(account, "address"), "address");
    codec_keccak256(world->key, BYTES_OF(address));
    world->receipts =
        tools_eth_json_receipts(&world->receipts_count, receipts, tools_eth_json_result(tools_json_root(receipts)));
    world->nodes =
        tools_json_hex_list(&world->nodes_count, proof, tools_json_get(account, "accountProof"), "accountProof");
    struct tools_json_doc *docs[] = {block, receipts, proof};
    for (size_t i = 0; i < 3; i++)
        if (tools_json_error(docs[i]))
            scene_die("%s", tools_json_error(docs[i]));
    world->account = do_account(world);
    do_receipts(world);
}

/* ---- for the peers: lists as u32 count, then u32 length and bytes of each; big-endian ---- */

static void dump_bytes(FILE *file, struct bytes bytes)
{
    uint8_t len[4] = {(uint8_t)(bytes.len >> 24), (uint8_t)(bytes.len >> 16), (uint8_t)(bytes.len >> 8),
                      (uint8_t)bytes.len};
    fwrite(len, 1, sizeof(len), file);
    fwrite(bytes.data, 1, bytes.len, file);
}

static void dump_list(FILE *file, const struct bytes *list, size_t count)
{
    uint8_t len[4] = {0, 0, (uint8_t)(count >> 8), (uint8_t)count};
    fwrite(len, 1, sizeof(len), file);
    for (size_t i = 0; i < count; i++)
        dump_bytes(file, list[i]);
}

static void dump(const struct world *world, const char *path)
{
    struct bytes fixed[] = {BYTES_OF(world->receipts_root), BYTES_OF(world->state_root), BYTES_OF(world->key),
                            world->account};
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        scene_die("cannot write %s", path);
    dump_list(file, fixed, 4);
    dump_list(file, world->receipts, world->receipts_count);
    dump_list(file, world->nodes, world->nodes_count);
    if (fclose(file) != 0)
        scene_die("cannot write %s", path);
}

/* ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median over short batches, in microseconds: what else runs on the machine disturbs some of them. */
static double time_us(const struct world *world, bool receipts, double seconds)
{
    enum { BATCHES = 20000 };
    static double batches[BATCHES];
    uint64_t end = scene_now_us() + (uint64_t)(seconds * 1e6), begin = scene_now_us();
    size_t count = 0;
    int repeats = receipts ? 1 : 20;
    for (; begin < end && count < BATCHES; count++) {
        for (int i = 0; i < repeats; i++) {
            if (receipts)
                do_receipts(world);
            else
                (void)do_account(world);
        }
        uint64_t now = scene_now_us();
        batches[count] = (double)(now - begin) / repeats;
        begin = now;
    }
    qsort(batches, count, sizeof(*batches), compare);
    return batches[count / 2];
}

int main(int argc, char **argv)
{
    const char *vectors = NULL, *dump_path = NULL;
    double seconds = 1;
    struct world world = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--vectors") == 0)
            vectors = argv[i + 1];
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--dump") == 0)
            dump_path = argv[i + 1];
        else
            scene_die("unknown option %s", argv[i]);
    }
    if (vectors == NULL)
        scene_die("usage: bench-mpt --vectors DIR [--seconds S] [--dump FILE]");
    read_world(&world, vectors);
    if (dump_path) {
        dump(&world, dump_path);
        scene_end(0);
    }
    double receipts = time_us(&world, true, seconds / 2), account = time_us(&world, false, seconds / 2);
    printf("{\"receipts_us\": %.2f, \"account_us\": %.3f, \"receipts\": %zu, \"nodes\": %zu, \"lanes\": %d}\n",
           receipts, account, world.receipts_count, world.nodes_count,
           codec_keccak_path_best() == CODEC_KECCAK_AVX512 ? 8
           : codec_keccak_path_best() == CODEC_KECCAK_AVX2 ? 4
                                                           : 1);
    scene_end(0);
}
