/*
 * A connector of a CometBFT chain that a test makes up (tests/unit/proofs/cometbft_world), all of whose validators lie when they are
 * told to: two of these show one beginning, the first of them two votes that one of the validators cast there, and, once the file
 * named by `go-file` has something in it, two headers of one height, each signed by all. `light_node SECONDS` prints the hash of the
 * beginning, whose time that is.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/pack.h"
#include "tests/unit/proofs/cometbft_world.h"

enum { SOCKET = 3, FIRST = 8, LOOK_MS = 200, SINCE = 600 }; /* SINCE: seconds between the two heights */

struct node {
    struct world_set set;
    int64_t first;   /* time of the beginning, Unix seconds */
    uint8_t history; /* which of the two that follow */
    bool forked;     /* it showed that */
    char go[256];
    struct connector_scratch scratch;
    struct codec_pack pack, bundle;
    struct world_block block;
    uint8_t in[CODEC_CONNECTOR_MESSAGE_MAX];
};

static int64_t number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0')
        exit(2);
    return value;
}

static void block_make(struct node *node, int64_t height)
{
    struct world_block *block = &node->block;
    world_block_make(block, &node->set, &node->set, height, NULL);
    block->light.header.time.seconds = node->first + (height - FIRST) * SINCE;
    if (height > FIRST)
        block->app_hash[1] = node->history;
    world_block_sign(block);
}

static void all_write(const uint8_t *data, size_t len)
{
    for (ssize_t done; len > 0; data += done, len -= (size_t)done) {
        done = write(SOCKET, data, len);
        if (done <= 0)
            exit(0); /* the relay is gone */
    }
}

static void say(struct node *node, const struct connector_message *message)
{
    codec_pack_clear(&node->pack);
    codec_connector_encode(&node->pack, message);
    struct bytes body = codec_pack_bytes(&node->pack);
    if (node->pack.failed)
        exit(3);
    all_write((const uint8_t[4]){(uint8_t)(body.len >> 24), (uint8_t)(body.len >> 16), (uint8_t)(body.len >> 8),
                                 (uint8_t)body.len},
              4);
    all_write(body.data, body.len);
}

/* Makes the block of a height, and its bundle. */
static void header_make(struct node *node, int64_t height)
{
    block_make(node, height);
    struct cometbft_parts parts = world_block_parts(&node->block);
    codec_pack_clear(&node->bundle);
    codec_pack_array(&node->bundle, 5);
    codec_pack_uint(&node->bundle, 1);
    codec_pack_bin(&node->bundle, parts.header);
    codec_pack_bin(&node->bundle, parts.commit);
    codec_pack_bin(&node->bundle, world_set_bytes(&node->set));
    codec_pack_bin(&node->bundle, (struct bytes){NULL, 0}); /* the set stays */
}

static void header_say(struct node *node, int64_t height)
{
    header_make(node, height);
    struct connector_message message = {.type = CONNECTOR_HEADER,
                                        .header = {.height = (uint64_t)height,
                                                   .time = (uint64_t)node->block.light.header.time.seconds,
                                                   .header = codec_pack_bytes(&node->bundle)}};
    memcpy(message.header.hash, node->block.hash, 32);
    say(node, &message);
}

/* One of the validators voted for two blocks of the first height, and the chain's blocks carry the proof. */
static void offence_say(struct node *node)
{
    static const uint8_t blocks[2][32] = {{1}, {2}};
    uint8_t signatures[2][64], text[COMETBFT_SIGN_BYTES_MAX], proof[CODEC_CONNECTOR_OFFENCE_MAX];
    struct cometbft_double_vote votes = {.total_power = 40, .power = 10};
    struct cometbft_single_vote *both[2] = {&votes.a, &votes.b};
    struct codec_writer writer;
    header_make(node, FIRST);
    votes.time = node->block.light.header.time;
    for (size_t i = 0; i < 2; i++) {
        struct cometbft_sign_bytes sign;
        *both[i] = (struct cometbft_single_vote){.type = COMETBFT_PREVOTE,
                                                 .height = FIRST,
                                                 .block_id = {BYTES_OF(blocks[i]), 1, BYTES_OF(blocks[0])},
                                                 .time = votes.time,
                                                 .address = node->set.list[0].address};
        cometbft_sign_bytes_begin(&sign, WORLD_CHAIN, both[i]->type, both[i]->height, 0, &both[i]->block_id);
        size_t len = cometbft_sign_bytes_of(text, &sign, both[i]->time, true);
        world_sign(signatures[i], node->set.keys[0], (struct bytes){text, len});
        both[i]->signature = BYTES_OF(signatures[i]);
    }
    codec_writer_init(&writer, proof, sizeof(proof));
    cometbft_double_vote_write(&writer, &votes);
    say(node, &(struct connector_message){.type = CONNECTOR_OFFENCE,
                                          .offence = {.kind = CONNECTOR_OFFENCE_DOUBLE_VOTE,
                                                      .height = FIRST,
                                                      .header = codec_pack_bytes(&node->bundle),
                                                      .proof = codec_writer_bytes(&writer)}});
}

static void configure(struct node *node, const struct connector_configure *configure)
{
    for (size_t i = 0; i < configure->options_len; i++) {
        struct bytes key = configure->options[i].key, value = configure->options[i].value;
        char name[32], text[256];
        snprintf(name, sizeof(name), "%.*s", (int)key.len, (const char *)key.data);
        snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
        if (strcmp(name, "first") == 0)
            node->first = number(text);
        else if (strcmp(name, "history") == 0)
            node->history = (uint8_t)number(text);
        else if (strcmp(name, "go-file") == 0)
            snprintf(node->go, sizeof(node->go), "%s", text);
    }
    say(node, &(struct connector_message){.type = CONNECTOR_CONFIGURED,
                                          .configured = {.ok = true, .text = codec_connector_text("made up")}});
    header_say(node, FIRST);
}

static void answer(struct node *node, const struct connector_message *message)
{
    uint64_t newest = FIRST + (uint64_t)node->forked;
    if (message->type == CONNECTOR_CONFIGURE) {
        configure(node, &message->configure);
    } else if (message->type == CONNECTOR_ASK_STATUS) {
        say(node, &(struct connector_message){.type = CONNECTOR_STATUS,
                                              .status = {.newest = newest,
                                                         .final_height = newest,
                                                         .newest_time = (uint64_t)node->first,
                                                         .balance = codec_connector_text(""),
                                                         .text = codec_connector_text("")}});
        if (node->history == 1)
            offence_say(node); /* until its beginning is trusted it says nothing to the relay; then it is said once */
    } else if (message->type == CONNECTOR_ASK_HEADER) {
        uint64_t height = message->ask_header.height;
        if (height >= FIRST && height <= newest)
            header_say(node, (int64_t)height); /* else it stays silent: no such block */
    }
}

static void all_read(uint8_t *data, size_t len)
{
    for (ssize_t done; len > 0; data += done, len -= (size_t)done) {
        done = read(SOCKET, data, len);
        if (done <= 0)
            exit(0);
    }
}

static void turn(struct node *node)
{
    struct pollfd ready = {.fd = SOCKET, .events = POLLIN};
    struct connector_message message;
    uint8_t length[4], byte;
    int go = node->forked || node->go[0] == '\0' ? -1 : open(node->go, O_RDONLY);
    if (go >= 0 && read(go, &byte, 1) == 1) {
        node->forked = true;
        header_say(node, FIRST + 1);
    }
    if (go >= 0)
        close(go);
    if (poll(&ready, 1, LOOK_MS) <= 0)
        return;
    all_read(length, 4);
    size_t len = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
    if (len > sizeof(node->in))
        exit(2);
    all_read(node->in, len);
    if (!codec_connector_decode(&message, &node->scratch, (struct bytes){node->in, len}, NULL))
        exit(2);
    answer(node, &message);
}

int main(int argc, char **argv)
{
    static const int64_t powers[] = {10, 10, 10, 10};
    static struct node made, *node = &made;
    struct proof_cometbft_space *space = proof_cometbft_space_new(16, 0);
    struct world_member members[4];
    char digits[65];
    if (space == NULL)
        return 3;
    world_members(members, powers, 4);
    world_set_make(&node->set, space, members, 4);
    proof_cometbft_space_free(space);
    codec_pack_init(&node->pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_pack_init(&node->bundle, CODEC_CONNECTOR_HEADER_MAX);
    if (argc > 1) {
        node->first = number(argv[1]);
        block_make(node, FIRST);
        codec_hex_encode(digits, BYTES_OF(node->block.hash));
        puts(digits);
        codec_pack_fini(&node->pack);
        codec_pack_fini(&node->bundle);
        return 0;
    }
    const struct bytes family = codec_connector_text("cosmos");
    say(node, &(struct connector_message){.type = CONNECTOR_MANIFEST,
                                          .manifest = {.protocol = CODEC_CONNECTOR_PROTOCOL,
                                                       .name = codec_connector_text("light-node"),
                                                       .version = codec_connector_text("1"),
                                                       .families = &family,
                                                       .families_len = 1,
                                                       .ics23 = true}});
    while (true)
        turn(node);
}
