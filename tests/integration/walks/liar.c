/*
 * liar RELAY_YAML COUNT: plays a relay of the network with its own configuration, relay key and attester key. It makes up
 * the first COUNT messages of each lane that it attests, signs their head, publishes both again and again to all its
 * zones, and answers every request with them. It says nothing that is true, and prints a line when it was asked.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "proofs/frame.h"
#include "proofs/lane.h"
#include "proofs/leaf.h"
#include "proofs/message.h"
#include "proofs/signature.h"
#include "relay/edge/config.h"
#include "relay/edge/keyfile.h"
#include "relay/edge/mesh.h"

static const enum proof_suite SUITE = PROOF_SUITE_KECCAK256_SECP256K1;

enum { COUNT_MAX = PROOF_RANGE_MAX, EVERY_MS = 100, PLACES = 32 };

struct liar {
    const struct topology_network *network;
    struct proof_key key;
    uint8_t attester[32], relay[32];
    struct edge_mesh *mesh;
    struct codec_pack items; /* of all lanes, as a frame's body */
    unsigned asked;
};

static void die(const char *what)
{
    fprintf(stderr, "liar: %s\n", what);
    exit(1);
}

static void secret_read(uint8_t secret[32], struct proof_key *key, const char *path, const char *where)
{
    uint8_t phrase[EDGE_PASSPHRASE_MAX];
    char text[512];
    size_t len = 0;
    struct edge_keyfile file;
    if ((where != NULL && !edge_keyfile_passphrase(phrase, &len, where, text, sizeof(text))) ||
        edge_keyfile_open(&file, secret, path, (struct bytes){where != NULL ? phrase : NULL, len}, text,
                          sizeof(text)) != EDGE_KEYFILE_OK)
        die(text);
    if (key != NULL)
        *key = file.key;
}

/* Records that never were, with the digests that they give; the head to which they lead. */
static void forge(struct codec_pack *records, struct proof_head *head, const struct topology_lane *lane, unsigned count)
{
    uint64_t now = (uint64_t)time(NULL);
    memcpy(head->log, lane->logs[0], 32);
    memcpy(head->running, lane->logs[0], 32);
    for (unsigned i = 1; i <= count; i++) {
        uint8_t commitment[32], digest[1][32];
        struct proof_message message = {.sequence = i,
                                        .time = now,
                                        .deadline = now + 3600,
                                        .suites = (uint8_t)SUITE,
                                        .commitments = commitment,
                                        .has_payload = true,
                                        .payload = {(const uint8_t *)"forged", 6}};
        proof_message_commitment(commitment, SUITE, message.salt, message.payload);
        proof_message_digest(digest[0], SUITE, lane->id, &message);
        size_t len = proof_message_record_size(&message);
        uint8_t *room = codec_pack_reserve(records, len);
        struct codec_writer writer;
        codec_writer_init(&writer, room, room != NULL ? len : 0);
        if (room == NULL || !proof_message_write(&writer, &message))
            die("a record cannot be written");
        if (!proof_head_extend(head, SUITE, (const uint8_t(*)[32])digest, 1))
            die("no head");
    }
}

static void attest(struct codec_pack *items, const struct liar *liar, const struct proof_head *head)
{
    uint8_t network[32], message[32];
    struct codec_pack leaves;
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION};
    struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD, .head = *head}};
    codec_pack_init(&leaves, 4096);
    proof_pack_leaf(&leaves, &leaf);
    proof_leaf_hash(item.attestation.root, SUITE, &leaf.leaf); /* a tree of one */
    proof_network_id(network, SUITE, liar->network->name);
    proof_signed_bytes(message, SUITE, network, item.attestation.root);
    if (!proof_signature_sign(item.attestation.signature, SUITE, liar->attester, message))
        die("cannot sign");
    memcpy(item.attestation.key_id, liar->key.id, 32);
    item.attestation.suite = SUITE;
    item.attestation.count = 1;
    item.attestation.leaves = codec_pack_bytes(&leaves);
    if (!proof_item_write(items, &item))
        die("cannot write an attestation");
    codec_pack_fini(&leaves);
}

static uint32_t lanes_forge(struct codec_pack *items, const struct liar *liar, unsigned count)
{
    uint32_t written = 0;
    for (size_t i = 0; i < liar->network->lanes_len; i++) {
        const struct topology_lane *lane = &liar->network->lanes[i];
        const struct topology_chain *chain = &liar->network->chains[lane->destination];
        struct proof_item item = {.type = PROOF_ITEM_RANGE, .range = {.from = 1, .count = (uint16_t)count}};
        struct proof_head head = {.number = 0};
        struct codec_pack records;
        if (topology_key_operator(&chain->epochs[chain->epochs_len - 1], liar->key.id) == 0)
            continue;
        codec_pack_init(&records, 1 << 20);
        forge(&records, &head, lane, count);
        memcpy(item.range.log, lane->logs[0], 32);
        memcpy(item.range.before, lane->logs[0], 32);
        item.range.records = codec_pack_bytes(&records);
        if (!proof_item_write(items, &item))
            die("cannot write a range");
        attest(items, liar, &head);
        codec_pack_fini(&records);
        written += 2;
    }
    return written;
}

static void asked(void *context, uint16_t relay, uint64_t handle, struct bytes body)
{
    struct liar *liar = context;
    (void)relay, (void)body;
    if (edge_mesh_answer(liar->mesh, handle, codec_pack_bytes(&liar->items)))
        printf("asked %u\n", ++liar->asked);
}

static void published(void *context, uint16_t relay, struct bytes body)
{
    (void)context, (void)relay, (void)body;
}

static void answered(void *context, uint16_t relay, uint64_t id, struct bytes body)
{
    (void)context, (void)relay, (void)id, (void)body;
}

static void told(void *context, uint16_t relay, uint64_t id)
{
    (void)context, (void)relay, (void)id;
}

static void moved(void *context, uint16_t relay)
{
    (void)context, (void)relay;
}

static void mesh_open(struct liar *liar, const struct config_relay *config, int wake, struct edge_mesh_zone zones[])
{
    static struct edge_mesh_peer peers[PLACES];
    char text[512];
    struct edge_mesh_options options = {.network = liar->network,
                                        .self = (uint16_t)topology_relay_by_name(liar->network, config->relay),
                                        .request_url = config->request_url,
                                        .zones = zones,
                                        .peers = peers,
                                        .wake_fd = wake,
                                        .context = liar,
                                        .published = published,
                                        .asked = asked,
                                        .answered = answered,
                                        .ask_failed = told,
                                        .peer_up = moved,
                                        .peer_down = moved};
    memcpy(options.secret, liar->relay, 32);
    for (; options.zones_len < config->listen_len && options.zones_len < PLACES; options.zones_len++)
        zones[options.zones_len] = (struct edge_mesh_zone){
            (uint16_t)topology_zone_by_name(liar->network, config->listen[options.zones_len].zone),
            config->listen[options.zones_len].url};
    for (; options.peers_len < config->peers_len && options.peers_len < PLACES; options.peers_len++) {
        const struct config_peer *peer = &config->peers[options.peers_len];
        peers[options.peers_len] = (struct edge_mesh_peer){(uint16_t)topology_relay_by_name(liar->network, peer->relay),
                                                           peer->publish, peer->request};
    }
    liar->mesh = edge_mesh_new(&options, text, sizeof(text));
    if (liar->mesh == NULL)
        die(text);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int main(int argc, char **argv)
{
    static struct config_problems problems;
    static struct edge_mesh_zone zones[PLACES];
    struct config_relay config;
    struct liar liar = {0};
    struct codec_pack lies;
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (count == 0 || count > COUNT_MAX)
        die("usage: liar RELAY_YAML COUNT");
    if (config_relay_load(&config, argv[1], &problems))
        liar.network = config_network_accept(&config, &problems);
    if (liar.network == NULL) {
        config_problems_print(&problems, stderr);
        return 2;
    }
    secret_read(liar.relay, NULL, config.key_file, config.key_passphrase);
    secret_read(liar.attester, &liar.key, config.signer.keys[0], config.signer.passphrase);
    codec_pack_init(&lies, PROOF_FRAME_BODY_MAX);
    codec_pack_init(&liar.items, PROOF_FRAME_BODY_MAX);
    uint32_t items = lanes_forge(&lies, &liar, count);
    codec_pack_array(&liar.items, items);
    codec_pack_raw(&liar.items, codec_pack_bytes(&lies));
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    mesh_open(&liar, &config, wake, zones);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("lying about %" PRIu32 " lanes\n", items / 2);
    for (uint64_t next = 0;;) {
        struct pollfd ready = {.fd = wake, .events = POLLIN};
        uint64_t wakes;
        (void)poll(&ready, 1, 20);
        if (read(wake, &wakes, sizeof(wakes)) == sizeof(wakes))
            edge_mesh_drain(liar.mesh);
        edge_mesh_tick(liar.mesh, now_ms());
        if (now_ms() < next)
            continue;
        next = now_ms() + EVERY_MS;
        for (size_t i = 0; i < config.listen_len && i < PLACES; i++)
            (void)edge_mesh_publish(liar.mesh, zones[i].zone, codec_pack_bytes(&liar.items));
    }
}
