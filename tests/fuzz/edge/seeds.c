/*
 * Writes the seeds of this folder's targets by the code that writes such things in earnest: `fuzz_edge_seeds FOLDER`, where
 * FOLDER has a folder for each target. Signatures of two suites are drawn anew: commit what changed for a reason only.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proofs/merkle.h"
#include "proofs/signature.h"
#include "relay/edge/guard.h"
#include "relay/edge/keyfile.h"
#include "tests/fuzz/edge/leaves.h"
#include "tests/fuzz/edge/scratch.h"

void seeds_of_the_signer(void (*put)(const char *target, const char *name, struct bytes seed));

static const char *out_folder;

static void put(const char *target, const char *name, struct bytes seed)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", out_folder, target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(seed.data, 1, seed.len, file) != seed.len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void put_file(const char *target, const char *name, uint8_t first, bool has_first, const char *path)
{
    static uint8_t content[64 << 10];
    FILE *file = fopen(path, "rb");
    content[0] = first;
    size_t len = file == NULL ? 0 : fread(content + has_first, 1, sizeof content - 1, file);
    if (file == NULL || fclose(file) != 0)
        exit(1);
    put(target, name, (struct bytes){content, len + has_first});
}

static void need(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

/* ---- key files ----------------------------------------------------------------------------------------------------- */

static void key_files(void)
{
    static const uint8_t passphrase[] = {'f', 'u', 'z', 'z'};
    uint8_t secret[32];
    memset(secret, 7, sizeof secret);
    for (size_t i = 0; i < 2 * PROOF_SUITE_COUNT; i++) {
        char path[512], text[256] = "", name[64];
        bool sealed = i >= PROOF_SUITE_COUNT;
        enum proof_suite suite = world_suites[i % PROOF_SUITE_COUNT];
        snprintf(name, sizeof name, "%s-%s", sealed ? "sealed" : "plain", proof_suite_name(suite));
        snprintf(path, sizeof path, "%s/%s", fuzz_scratch("keys"), name);
        need(edge_keyfile_create(NULL, path, suite, secret,
                                 (struct bytes){sealed ? passphrase : NULL, sizeof passphrase},
                                 (struct edge_keyfile_cost){1, 8}, text, sizeof text) == EDGE_KEYFILE_OK,
             text);
        put_file("keyfile", name, 0, false, path);
    }
    put("keyfile", "passphrase", (struct bytes){(const uint8_t *)"several words and a sign!\nmore\n", 31});
}

/* ---- certificates -------------------------------------------------------------------------------------------------- */

static void certificate(const struct world *world, const char *name, const struct proof_leaf *leaves, size_t leaves_len,
                        size_t which, unsigned signers)
{
    uint8_t seed[8192], hashes[WORLD_LEAVES][32], root[32], message[32];
    struct proof_path path;
    struct codec_writer writer, fields;
    uint8_t leaf[PROOF_LEAF_BYTES_MAX];
    char file[128];
    for (size_t i = 0; i < leaves_len; i++)
        proof_leaf_hash(hashes[i], world->suite, &leaves[i]);
    need(proof_merkle_path(&path, world->suite, hashes, leaves_len, which), "path");
    for (size_t i = 0; i < leaves_len; i++)
        proof_leaf_hash(hashes[i], world->suite, &leaves[i]);
    need(proof_merkle_root(root, world->suite, hashes, leaves_len), "root");
    proof_signed_bytes(message, world->suite, world->network, root);
    codec_writer_init(&fields, leaf, sizeof leaf);
    proof_leaf_write(&fields, &leaves[which]);
    codec_writer_init(&writer, seed, sizeof seed);
    size_t suite = 0;
    while (world_suites[suite] != world->suite)
        suite++;
    codec_write_u8(&writer, (uint8_t)suite);
    codec_write_u8(&writer, (uint8_t)leaves[which].kind);
    codec_write_u8(&writer, (uint8_t)codec_writer_bytes(&fields).len);
    codec_write_bytes(&writer, codec_writer_bytes(&fields));
    codec_write_u64(&writer, 1);
    for (size_t i = 0; i < WORLD_MEMBERS; i++) {
        uint8_t signature[64];
        if ((signers >> i & 1) == 0)
            continue;
        need(proof_signature_sign(signature, world->suite, world->secrets[i], message), "signature");
        codec_write_u8(&writer, (uint8_t)world->suite);
        codec_write_bytes(&writer, BYTES_OF(world->members[i].key.id));
        codec_write_bytes(&writer, BYTES_OF(root));
        codec_write_bytes(&writer, BYTES_OF(signature));
        codec_write_u8(&writer, (uint8_t)path.count);
        codec_write_bytes(&writer, (struct bytes){path.siblings[0], 32 * path.count});
    }
    need(!writer.failed, "a seed is too long");
    snprintf(file, sizeof file, "%s-%s", name, proof_suite_name(world->suite));
    put("certificate", file, codec_writer_bytes(&writer));
}

static void certificates(void)
{
    for (size_t i = 0; i < PROOF_SUITE_COUNT; i++) {
        struct world world;
        struct proof_leaf leaves[WORLD_LEAVES];
        world_init(&world, world_suites[i]);
        world_leaves(leaves, &world);
        certificate(&world, "head", leaves, 1, 0, 0xc);              /* operators 2 and 3 */
        certificate(&world, "ruling", leaves, WORLD_LEAVES, 1, 0x9); /* 1 and 3, under a tree */
        certificate(&world, "close", leaves, WORLD_LEAVES, 2, 0xd);  /* all */
        certificate(&world, "epoch", leaves, WORLD_LEAVES, 3, 0xf);  /* with both keys of one */
        certificate(&world, "too-few", leaves, WORLD_LEAVES, 0, 0x3);
    }
}

/* ---- guards -------------------------------------------------------------------------------------------------------- */

static struct edge_guard_row row(uint8_t log, uint64_t number, bool frozen)
{
    struct edge_guard_row out = {.number = number, .frozen = frozen};
    memset(out.log, log, 32);
    memset(out.running, (int)number, 32);
    return out;
}

static void guards(void)
{
    static const uint8_t network[32] = {1};
    struct edge_guard *guard;
    char text[256] = "", path[512];
    const char *folder = fuzz_scratch("guard");
    snprintf(path, sizeof path, "%s/guard", folder);
    need(edge_guard_open(&guard, folder, network, 10, text, sizeof text) == EDGE_GUARD_OK, text);
    put_file("guard", "empty", 0, true, path);
    const struct edge_guard_row groups[][3] = {{row(1, 5, false), row(2, 1, false), row(3, 9, false)},
                                               {row(1, 6, false), row(2, 2, true), row(3, 9, true)},
                                               {row(4, 1, false), row(1, 9, false), row(3, 10, false)}};
    for (size_t i = 0; i < 3; i++)
        need(edge_guard_advance(guard, groups[i], 3, text, sizeof text), text);
    put_file("guard", "appended", 1, true, path);
    put_file("guard", "appended-sealed-anew", 1 | 2 | 4 | 8, true, path);
    put_file("guard", "appended-second-copies", 1 | 2 | 8, true, path);
    edge_guard_close(guard);
    need(edge_guard_open(&guard, folder, network, 10, text, sizeof text) == EDGE_GUARD_OK, text);
    need(edge_guard_advance(guard, &(struct edge_guard_row){.number = 3}, 1, text, sizeof text), text);
    put_file("guard", "compacted", 1, true, path);
    edge_guard_close(guard);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "give it the folder of the seeds\n");
        return 2;
    }
    out_folder = argv[1];
    key_files();
    certificates();
    guards();
    seeds_of_the_signer(put);
    return 0;
}
