/*
 * The signer tests' world.
 */
#include "tests/unit/edge/world.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/eth.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/rlp.h"
#include "proofs/eth_evidence.h"
#include "proofs/frame.h"
#include "tests/unit/proofs/trie.h"

static void item_make(uint8_t out[32], size_t branch, size_t lane, size_t kind, size_t number)
{
    const uint8_t seed[8] = {(uint8_t)(number > WORLD_FORK_AT ? branch : 0), (uint8_t)lane, (uint8_t)kind,
                             (uint8_t)(number >> 8), (uint8_t)number};
    codec_keccak256(out, BYTES_OF(seed));
}

static void logs_make(struct world *world, size_t branch, size_t lane)
{
    for (size_t kind = 1; kind <= 3; kind++) {
        const uint8_t *start = world->lanes[lane].logs[kind == 3 ? 1 : kind - 1];
        uint8_t(*running)[32] = world->running[branch][lane][kind - 1];
        memcpy(running[0], start, 32);
        for (size_t n = 1; n <= WORLD_LENGTH; n++) {
            uint8_t(*item)[32] = &world->items[branch][lane][kind == 1 ? 0 : 1][n - 1];
            item_make(*item, branch, lane, kind == 1 ? 1 : 2, n);
            memcpy(running[n], running[n - 1], 32);
            proof_running_hash_extend(running[n], PROOF_SUITE_KECCAK256_SECP256K1, (const uint8_t(*)[32])item, 1);
        }
    }
}

static void network_make(struct world *world)
{
    struct topology_network *network = &world->network;
    snprintf(network->name, sizeof(network->name), "demo");
    memset(network->hash, 0x44, 32);
    for (size_t i = 0; i < 2; i++) {
        struct topology_chain *chain = &world->chains[i];
        snprintf(chain->id, sizeof(chain->id), "eip155:%zu", 31337 + i);
        snprintf(chain->family, sizeof(chain->family), "evm");
        memset(chain->genesis, (int)(1 + i), 32);
        chain->suite = PROOF_SUITE_KECCAK256_SECP256K1;
        chain->sources = 2;
        memset(chain->outbox + 12, 0x11, 20);
        memset(chain->inbox + 12, 0x33, 20);
    }
    for (size_t i = 0; i < WORLD_LANES; i++) {
        struct topology_lane *lane = &world->lanes[i];
        snprintf(lane->name, sizeof(lane->name), "lane-%zu", i);
        lane->destination = 1;
        memset(lane->sender + 12, 0x22, 20);
        memset(lane->receiver + 12, (int)(0x40 + i), 20);
        lane->generation = 1;
        lane->suites = PROOF_SUITE_KECCAK256_SECP256K1;
        lane->evidence = TOPOLOGY_EVIDENCE_AGREEMENT_SLOT;
    }
    network->chains = world->chains;
    network->chains_len = 2;
    network->lanes = world->lanes;
    network->lanes_len = WORLD_LANES;
    assert(topology_network_index(network));
}

struct world *world_new(void)
{
    static const char *const tags[] = {"ann", "bob", "eve", "ann"};
    struct world *world = calloc(1, sizeof(*world));
    const char *base = getenv("TMPDIR");
    assert(world != NULL);
    network_make(world);
    for (size_t i = 0; i <= WORLD_SOURCES; i++)
        world->sources[i] = (struct relay_source){.chain = i == WORLD_SOURCES,
                                                  .name = tags[i],
                                                  .operator_tag = tags[i],
                                                  .network_tag = tags[i],
                                                  .software_tag = tags[i]};
    world->trust = (struct edge_signer_trust){
        .network = &world->network, .sources = world->sources, .sources_len = WORLD_SOURCES + 1};
    memset(world->trust.keys[0].secret, 7, 32);
    assert(
        proof_key_from_secret(&world->trust.keys[0].key, PROOF_SUITE_KECCAK256_SECP256K1, world->trust.keys[0].secret));
    for (size_t branch = 0; branch < WORLD_BRANCHES; branch++) {
        for (size_t lane = 0; lane < WORLD_LANES; lane++)
            logs_make(world, branch, lane);
    }
    snprintf(world->folder, sizeof(world->folder), "%s/isthmus-signer-XXXXXX", base && *base ? base : "/tmp");
    assert(mkdtemp(world->folder) != NULL);
    return world;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

void world_free(struct world *world)
{
    nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(world->network.logs);
    free(world);
}

/* ---- evidence ------------------------------------------------------------------------------------------------------ */

static void place_of(struct proof_eth_log_place *place, const struct world *world, const struct world_mark *mark)
{
    memcpy(place->log, world->lanes[mark->lane].logs[mark->kind - 1], 32);
    memcpy(place->lane, world->lanes[mark->lane].id, 32);
    place->kind = mark->kind;
}

struct chain_state {
    struct trie accounts, slots;
    struct trie_proof account, slot[WORLD_LANES * 3];
    uint8_t keys[WORLD_LANES * 3][32], hashed[WORLD_LANES * 3][32], values[WORLD_LANES * 3][40];
    uint8_t space[WORLD_LANES * 3][32 * 1024]; /* copies of nodes: a trie's own are overwritten by the next proof */
    uint8_t account_rlp[160];
    struct connector_slot connector_slots[WORLD_LANES * 3];
    struct connector_mark marks[WORLD_LANES * 3];
};

/* Copies a proof's nodes, which otherwise live until the next one. */
static void keep(struct trie_proof *proof, uint8_t *space, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < proof->count; i++) {
        assert(used + proof->nodes[i].len <= cap);
        memcpy(space + used, proof->nodes[i].data, proof->nodes[i].len);
        proof->nodes[i].data = space + used;
        used += proof->nodes[i].len;
    }
}

static void slots_make(struct chain_state *state, const struct world *world, const struct world_mark *marks,
                       size_t count)
{
    uint8_t other[] = {0x01}, other_key[32];
    trie_clear(&state->slots);
    codec_keccak256(other_key, BYTES_OF(other)); /* a slot that is always there */
    trie_put(&state->slots, BYTES_OF(other_key), BYTES_OF(other));
    for (size_t i = 0; i < count; i++) {
        struct proof_eth_log_place place;
        struct codec_writer writer;
        place_of(&place, world, &marks[i]);
        proof_eth_log_slot(state->keys[i], &place);
        codec_keccak256(state->hashed[i], BYTES_OF(state->keys[i]));
        codec_writer_init(&writer, state->values[i], sizeof(state->values[i]));
        codec_rlp_write_uint(
            &writer,
            (struct bytes){world->running[marks[i].branch][marks[i].lane][marks[i].kind - 1][marks[i].number], 32});
        if (marks[i].number > 0)
            trie_put(&state->slots, BYTES_OF(state->hashed[i]), codec_writer_bytes(&writer));
    }
    for (size_t i = 0; i < count; i++) {
        trie_prove(&state->slot[i], &state->slots, BYTES_OF(state->hashed[i]));
        keep(&state->slot[i], state->space[i], sizeof(state->space[i]));
        memcpy(state->connector_slots[i].slot, state->keys[i], 32);
        state->connector_slots[i].nodes = state->slot[i].nodes;
        state->connector_slots[i].nodes_len = state->slot[i].count;
        state->marks[i] = (struct connector_mark){.watch = (uint32_t)(marks[i].lane * 3 + marks[i].kind - 1),
                                                  .number = marks[i].number};
        memcpy(state->marks[i].running,
               world->running[marks[i].branch][marks[i].lane][marks[i].kind - 1][marks[i].number], 32);
    }
}

static void account_make(struct chain_state *state, const uint8_t account[32])
{
    struct codec_writer writer;
    uint8_t key[32], code[32];
    memset(code, 0xcc, sizeof(code));
    codec_writer_init(&writer, state->account_rlp, sizeof(state->account_rlp));
    size_t mark = codec_rlp_list_begin(&writer);
    codec_rlp_write_u64(&writer, 1);
    codec_rlp_write_u64(&writer, 0);
    codec_rlp_write_string(&writer, (struct bytes){state->slot[0].root, 32});
    codec_rlp_write_string(&writer, BYTES_OF(code));
    codec_rlp_list_end(&writer, mark);
    codec_keccak256(key, (struct bytes){account + 12, 20});
    trie_clear(&state->accounts);
    trie_put(&state->accounts, BYTES_OF(key), codec_writer_bytes(&writer));
    trie_prove(&state->account, &state->accounts, BYTES_OF(key));
}

static const uint8_t bloom[256];

/* The message with its header, which is finished here. */
static void evidence_write(struct codec_pack *out, uint8_t header_hash[32], struct connector_message *message,
                           struct eth_header *header)
{
    struct codec_writer writer;
    uint8_t rlp[1024];
    header->logs_bloom = BYTES_OF(bloom);
    codec_writer_init(&writer, rlp, sizeof(rlp));
    codec_eth_header_write(&writer, header);
    assert(!writer.failed);
    message->evidence.header = codec_writer_bytes(&writer);
    message->evidence.height = header->number;
    codec_keccak256(header_hash, message->evidence.header);
    codec_pack_init(out, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_connector_encode(out, message);
    assert(!out->failed);
}

void world_evidence(struct codec_pack *out, uint8_t header_hash[32], const struct world *world, uint64_t height,
                    const struct world_mark *marks, size_t count)
{
    struct chain_state *state = calloc(1, sizeof(*state));
    struct eth_header header = {.fork = ETH_FORK_PRAGUE, .number = height, .timestamp = 1000 + height, .gas_limit = 1};
    assert(state != NULL);
    slots_make(state, world, marks, count);
    const uint8_t *account = marks[0].kind == 2 ? world->chains[0].inbox : world->chains[0].outbox;
    account_make(state, account);
    memcpy(header.state_root, state->account.root, 32);
    struct connector_message message = {.type = CONNECTOR_EVIDENCE,
                                        .evidence = {.kind = CONNECTOR_EVIDENCE_SLOT,
                                                     .items = state->account.nodes,
                                                     .items_len = state->account.count,
                                                     .slots = state->connector_slots,
                                                     .slots_len = count,
                                                     .marks = state->marks,
                                                     .marks_len = count}};
    memcpy(message.evidence.account, account, 32);
    evidence_write(out, header_hash, &message, &header);
    free(state);
}

void world_receipts(struct codec_pack *out, uint8_t header_hash[32], const struct world *world, uint64_t height,
                    const struct world_mark *mark)
{
    static const char event[] = "Message(bytes32,uint64,bytes32,bytes)";
    struct eth_header header = {.fork = ETH_FORK_PRAGUE, .number = height, .timestamp = 1000 + height, .gas_limit = 1};
    const struct eth_receipt receipt = {.type = 2, .status = true, .cumulative_gas = 1, .logs_bloom = BYTES_OF(bloom)};
    const uint8_t *running = world->running[mark->branch][mark->lane][mark->kind - 1][mark->number];
    struct eth_log log = {.topic_count = 3, .data = {running, 32}};
    struct connector_mark shown = {.watch = (uint32_t)(mark->lane * 3 + mark->kind - 1), .number = mark->number};
    struct trie *trie = calloc(1, sizeof(*trie));
    struct trie_proof proof;
    struct codec_writer writer;
    uint8_t rlp[1024], key[9];
    assert(trie != NULL && mark->kind == 1);
    memcpy(log.address, world->chains[0].outbox + 12, 20);
    codec_keccak256(log.topics[0], (struct bytes){(const uint8_t *)event, sizeof(event) - 1});
    memcpy(log.topics[1], world->lanes[mark->lane].id, 32);
    for (size_t i = 0; i < 8; i++)
        log.topics[2][31 - i] = (uint8_t)(mark->number >> 8 * i);
    codec_writer_init(&writer, rlp, sizeof(rlp));
    codec_eth_receipt_write(&writer, &receipt, &log, 1);
    assert(!writer.failed);
    struct bytes item = codec_writer_bytes(&writer);
    trie_clear(trie);
    trie_put(trie, (struct bytes){key, codec_eth_index_key(key, 0)}, item);
    trie_prove(&proof, trie, (struct bytes){key, codec_eth_index_key(key, 0)});
    memcpy(header.receipts_root, proof.root, 32);
    memcpy(shown.running, running, 32);
    struct connector_message message = {
        .type = CONNECTOR_EVIDENCE,
        .evidence = {
            .kind = CONNECTOR_EVIDENCE_RECEIPTS, .items = &item, .items_len = 1, .marks = &shown, .marks_len = 1}};
    memcpy(message.evidence.account, world->chains[0].outbox, 32);
    evidence_write(out, header_hash, &message, &header);
    free(trie);
}

/* ---- requests and answers ------------------------------------------------------------------------------------------ */

static void statements_say(struct world_request *out, const uint8_t hash[32])
{
    for (size_t i = 0; i < 2; i++) {
        out->statements[i].source = (uint16_t)i;
        memcpy(out->statements[i].header_hash, hash, 32);
    }
}

void world_request_receipts(struct world_request *request, const struct world *world, const struct world_mark *mark)
{
    uint8_t hash[32];
    codec_pack_fini(&request->evidence);
    world_receipts(&request->evidence, hash, world, 100, mark);
    request->request.evidence = codec_pack_bytes(&request->evidence);
    statements_say(request, hash);
}

void world_request_make(struct world_request *out, const struct world *world, const struct world_mark *marks,
                        const uint64_t *guards, size_t count)
{
    uint8_t hash[32];
    memset(out, 0, sizeof(*out));
    world_evidence(&out->evidence, hash, world, 100, marks, count);
    out->request = (struct relay_signing_request){.id = 77,
                                                  .statements = out->statements,
                                                  .statements_len = 2,
                                                  .evidence = codec_pack_bytes(&out->evidence),
                                                  .logs = out->logs,
                                                  .logs_len = count};
    relay_signing_document(out->request.document, world->network.hash, world->trust.sources, world->trust.sources_len);
    statements_say(out, hash);
    for (size_t i = 0; i < count; i++) {
        struct relay_signing_log *log = &out->logs[i];
        size_t place = marks[i].kind == 1 ? 0 : 1;
        memcpy(log->log, world->lanes[marks[i].lane].logs[marks[i].kind - 1], 32);
        log->from = guards[i] + 1;
        log->count = (uint32_t)(marks[i].number - guards[i]);
        log->items =
            (struct bytes){world->items[marks[i].branch][marks[i].lane][place][guards[i]], 32 * (size_t)log->count};
        log->heads_len = 1;
        log->heads[0] = marks[i].number;
    }
}

struct bytes world_request_bytes(struct world_request *request)
{
    size_t len = relay_signing_request_write(request->message, sizeof(request->message), &request->request);
    assert(len > 0);
    return (struct bytes){request->message, len};
}

void world_request_fini(struct world_request *request)
{
    codec_pack_fini(&request->evidence);
}

static void attestation_take(struct world_answers *out, struct bytes body)
{
    struct proof_item item;
    struct proof_result result;
    struct proof_item_parts parts;
    struct proof_item_leaf leaf;
    uint8_t network[32];
    assert(proof_network_id(network, PROOF_SUITE_KECCAK256_SECP256K1, out->world->network.name));
    assert(proof_item_read(&item, body, &result) && item.type == PROOF_ITEM_ATTESTATION);
    proof_item_leaves_init(&parts, &item.attestation);
    while (proof_item_leaves_next(&leaf, &parts)) {
        struct proof_attestation attestation;
        uint8_t hash[32];
        proof_item_attestation_of(&attestation, &item.attestation, &leaf);
        proof_leaf_hash(hash, PROOF_SUITE_KECCAK256_SECP256K1, &leaf.leaf);
        assert(leaf.leaf.kind == PROOF_LEAF_HEAD);
        assert(proof_attestation_verify(&attestation, &out->world->trust.keys[0].key, network, hash, &result) ==
               PROOF_VALID);
        assert(out->heads_len < sizeof(out->heads) / sizeof(out->heads[0]));
        out->heads[out->heads_len++] = leaf.leaf.head;
    }
    out->attestations++;
}

bool world_answer(void *context, struct bytes message)
{
    struct world_answers *out = context;
    struct relay_signing_answer answer;
    static const uint8_t none[32];
    assert(!out->last && relay_signing_answer_read(&answer, message));
    out->last = answer.last;
    switch (answer.type) {
    case RELAY_SIGNING_ATTESTATION: attestation_take(out, answer.body); break;
    case RELAY_SIGNING_REFUSAL:
        out->refusals++;
        snprintf(out->refusal, sizeof(out->refusal), "%.*s", (int)answer.body.len, (const char *)answer.body.data);
        break;
    case RELAY_SIGNING_GUARD:
        if (memcmp(answer.log, none, 32) == 0)
            break;
        out->guards++;
        out->guard = answer.number;
        break;
    case RELAY_SIGNING_TRUST:
        out->trusts++;
        out->trusted = answer.number;
        out->wanted = answer.body.data[7]; /* of a small height */
        break;
    }
    return true;
}
