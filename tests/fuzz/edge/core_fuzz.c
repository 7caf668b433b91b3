/*
 * A whole core over a store in memory, told anything by its peers, its sources and its signer. An input is: who it is (1 byte: even,
 * a relay that only stores and forwards; odd, one with sources and a signer), then steps (enum step): what happens (1 byte; 0x80: a
 * frame answers the newest ask), who (1), and the step's own bytes. Signatures would keep an input out, so heads are signed
 * here, by any operator, over a small true history of each log or over lies; and ranges of that history come with a byte changed.
 *
 * What must hold besides memory: no word of others halts a relay, nor has it write what it cannot read at its next start; what it
 * sends is well-formed; what it calls certified was signed by as many operators as the document demands (I1).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/frame.h"
#include "proofs/lane.h"
#include "proofs/message.h"
#include "proofs/outcome.h"
#include "proofs/signature.h"
#include "relay/core/core.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "relay/edge/config.h"

enum { HISTORY = 8, RECORD_MAX = 200, LANES = 2, KINDS = 2, SIGNED_MAX = 256, QUEUE_MAX = 4096, START = 1700000000 };
enum step {
    TICK,
    FRAME,
    ASKED,
    SOURCE,
    SIGNER,
    HEAD,
    RANGE,
    RESTART,
    UP,
    DOWN,
    ASK_FAILED,
    ASK,
    NAMED,
    REFUSED,
    STEPS
};

/* A log as it truly is: kind 1 messages, 2 outcomes. */
struct history {
    uint8_t running[HISTORY + 1][32], records[HISTORY][RECORD_MAX];
    size_t len[HISTORY];
};

struct due {
    struct relay_event event;
    uint8_t *bytes; /* LOADED: from and to */
    size_t from_len, to_len;
};

static const enum proof_suite SUITE = PROOF_SUITE_KECCAK256_SECP256K1;
static struct topology_network *network;
static struct history histories[LANES][KINDS];
static struct {
    struct relay_core *core;
    struct store *store;
    struct due queue[QUEUE_MAX];
    size_t queue_from, queue_len;
    uint64_t now, ask;
    uint16_t asked, self;
    struct {
        uint8_t log[32], running[32];
        uint64_t number, operators;
    } heads[SIGNED_MAX];
    size_t heads_len;
} world;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static struct store_view view(struct bytes bytes)
{
    return (struct store_view){bytes.data, bytes.len};
}

/* ---- the network and its history ------------------------------------------------------------------------------------ */

static void secret_of(uint8_t secret[32], uint16_t operator_number)
{
    memset(secret, 0x20 + operator_number, 32);
}

static void keys_make(void)
{
    for (size_t i = 0; i < network->chains_len; i++) {
        const struct topology_epoch *epoch = &network->chains[i].epochs[0];
        for (size_t j = 0; j < epoch->keys_len; j++) {
            uint8_t secret[32];
            struct proof_key key;
            secret_of(secret, epoch->keys[j].operator_number);
            require(proof_key_from_secret(&key, PROOF_SUITE_KECCAK256_SECP256K1, secret));
            memcpy(epoch->keys[j].id, key.id, 32);
        }
    }
}

static void history_make(size_t lane)
{
    struct history *messages = &histories[lane][0], *outcomes = &histories[lane][1];
    const struct topology_lane *document = &network->lanes[lane];
    memcpy(messages->running[0], document->logs[0], 32);
    memcpy(outcomes->running[0], document->logs[1], 32);
    for (uint64_t i = 0; i < HISTORY; i++) {
        struct proof_message message = {
            .sequence = i + 1, .time = START, .deadline = START + 3600, .has_payload = true};
        struct proof_outcome outcome = {.sequence = i + 1, .status = PROOF_OUTCOME_DONE};
        struct codec_writer writer;
        uint8_t commitment[32], entry[1][32];
        message.suites = document->suites;
        message.payload = (struct bytes){(const uint8_t *)"payload", i};
        proof_message_commitment(commitment, SUITE, message.salt, message.payload);
        message.commitments = commitment;
        codec_writer_init(&writer, messages->records[i], RECORD_MAX);
        require(proof_message_write(&writer, &message));
        messages->len[i] = codec_writer_bytes(&writer).len;
        proof_message_digest(outcome.digest, SUITE, document->id, &message);
        memcpy(entry[0], outcome.digest, 32);
        memcpy(messages->running[i + 1], messages->running[i], 32);
        proof_running_hash_extend(messages->running[i + 1], SUITE, (const uint8_t(*)[32])entry, 1);
        codec_writer_init(&writer, outcomes->records[i], RECORD_MAX);
        require(proof_outcome_write(&writer, &outcome));
        outcomes->len[i] = codec_writer_bytes(&writer).len;
        proof_outcome_entry(entry[0], SUITE, &outcome);
        memcpy(outcomes->running[i + 1], outcomes->running[i], 32);
        proof_running_hash_extend(outcomes->running[i + 1], SUITE, (const uint8_t(*)[32])entry, 1);
    }
}

static void network_free(void)
{
    topology_network_free(network);
}

static void network_make(void)
{
    static struct config_problems problems;
    network = config_network_load(ISTHMUS_EXAMPLES "/network.yaml", &problems);
    require(network != NULL && network->lanes_len == LANES && network->chains_len == 2);
    atexit(network_free);
    keys_make();
    for (size_t lane = 0; lane < LANES; lane++)
        history_make(lane);
}

/* ---- the relay's surroundings --------------------------------------------------------------------------------------- */

static struct due *due(enum relay_event_type type, uint64_t id)
{
    require(world.queue_len < QUEUE_MAX);
    struct due *item = &world.queue[(world.queue_from + world.queue_len++) % QUEUE_MAX];
    *item = (struct due){.event = {.type = type, .id = id}};
    return item;
}

static void write_do(const struct relay_action *action)
{
    struct store *store = world.store;
    struct store_batch *batch = store->ops->batch_new(store);
    for (size_t i = 0; i < action->ops_len; i++) {
        const struct relay_op *op = &action->ops[i];
        switch (op->type) {
        case RELAY_OP_PUT: store->ops->batch_put(batch, op->family, view(op->key), view(op->value)); break;
        case RELAY_OP_DELETE: store->ops->batch_delete(batch, op->family, view(op->key)); break;
        case RELAY_OP_DELETE_RANGE:
            store->ops->batch_delete_range(batch, op->family, view(op->key), view(op->value));
            break;
        }
    }
    require(store->ops->commit(store, batch) == STORE_OK);
    store->ops->batch_free(batch);
    due(RELAY_EVENT_COMMITTED, action->id);
}

static void load_do(const struct relay_action *action)
{
    struct due *item = due(RELAY_EVENT_LOADED, action->id);
    item->event.family = action->family;
    item->bytes = malloc(action->from.len + action->to.len + 1);
    require(item->bytes != NULL);
    memcpy(item->bytes, action->from.data, action->from.len);
    if (action->to.len > 0)
        memcpy(item->bytes + action->from.len, action->to.data, action->to.len);
    item->from_len = action->from.len;
    item->to_len = action->to.len;
}

static void told(const struct relay_action *action)
{
    static struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    static struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    static struct connector_scratch scratch;
    struct relay_signing_request request;
    struct connector_message message;
    struct proof_result result;
    const char *where = NULL;
    switch (action->type) {
    case RELAY_ACTION_WRITE: write_do(action); return;
    case RELAY_ACTION_LOAD: load_do(action); return;
    case RELAY_ACTION_VERIFY:
        relay_verify_run(action->job);
        due(RELAY_EVENT_VERIFIED, 0)->event.job = action->job;
        return;
    case RELAY_ACTION_SIGN:
        require(relay_signing_is_header(action->body) ||
                relay_signing_request_read(&request, statements, logs, action->body));
        return;
    case RELAY_ACTION_ASK:
        world.ask = action->id;
        world.asked = action->peer;
        require(proof_items_check(action->body, &result));
        return;
    case RELAY_ACTION_PUBLISH:
    case RELAY_ACTION_ANSWER: require(proof_items_check(action->body, &result)); return;
    case RELAY_ACTION_TO_SOURCE: require(codec_connector_decode(&message, &scratch, action->body, &where)); return;
    case RELAY_ACTION_BAN_SOURCE:
    case RELAY_ACTION_KEEP:
    case RELAY_ACTION_NOTE: return;
    }
}

static void actions_do(void)
{
    size_t len;
    const struct relay_action *actions = relay_core_actions(world.core, &len);
    for (size_t i = 0; i < len; i++)
        told(&actions[i]);
}

static void feed(struct relay_event event)
{
    event.now = world.now;
    event.unix_time = START + world.now / 1000;
    relay_core_step(world.core, &event);
    actions_do();
}

static void load_feed(const struct due *item)
{
    const struct store_ops *ops = world.store->ops;
    struct store_snapshot *snapshot = ops->snapshot_new(world.store);
    struct store_cursor *cursor =
        ops->cursor_new(snapshot, item->event.family, (struct store_view){item->bytes, item->from_len},
                        (struct store_view){item->bytes + item->from_len, item->to_len});
    struct relay_event event = item->event;
    for (; ops->cursor_valid(cursor); ops->cursor_next(cursor)) {
        struct store_view key = ops->cursor_key(cursor), value = ops->cursor_value(cursor);
        event.key = (struct bytes){key.data, key.len};
        event.body = (struct bytes){value.data, value.len};
        feed(event);
    }
    ops->cursor_free(cursor);
    ops->snapshot_free(snapshot);
    feed((struct relay_event){.type = RELAY_EVENT_LOADED, .id = item->event.id, .done = true});
    free(item->bytes);
}

static void settle(void)
{
    while (world.queue_len > 0) {
        struct due item = world.queue[world.queue_from];
        world.queue_from = (world.queue_from + 1) % QUEUE_MAX;
        world.queue_len--;
        if (item.event.type == RELAY_EVENT_LOADED)
            load_feed(&item);
        else
            feed(item.event);
    }
}

static void happens(struct relay_event event)
{
    feed(event);
    settle();
}

static void start(void)
{
    static const struct relay_source SOURCES[] = {
        {.chain = 0, .name = "one", .operator_tag = "a", .network_tag = "a", .software_tag = "a", .submits = true},
        {.chain = 0, .name = "two", .operator_tag = "b", .network_tag = "b", .software_tag = "b"}};
    struct relay_core_config config = {.network = network, .self = world.self};
    if (network->relays[world.self].operator_number != 0) {
        config.sources = SOURCES;
        config.sources_len = 2;
        config.attests = true;
        memcpy(config.attester_keys[0], network->chains[1].epochs[0].keys[0].id, 32);
        config.attester_keys_len = 1;
    }
    world.core = relay_core_new(&config);
    require(world.core != NULL);
    relay_core_start(world.core);
    actions_do();
    settle();
    require(relay_core_ready(world.core) && !relay_core_halted(world.core));
}

/* ---- what must hold ------------------------------------------------------------------------------------------------- */

static void certified_check(void)
{
    for (uint16_t lane = 0; lane < LANES; lane++) {
        for (uint8_t kind = 1; kind <= KINDS; kind++) {
            struct relay_log_view log;
            bool signed_by_enough = false;
            require(relay_core_log_view(world.core, lane, kind, &log));
            for (size_t i = 0; i < world.heads_len; i++)
                signed_by_enough = signed_by_enough || (world.heads[i].number == log.certified &&
                                                        memcmp(world.heads[i].log, log.id, 32) == 0 &&
                                                        __builtin_popcountll(world.heads[i].operators) >= 2);
            require(log.certified == 0 || signed_by_enough);
        }
    }
}

/* ---- steps ----------------------------------------------------------------------------------------------------------- */

static void items_feed(const struct proof_item *item, uint8_t flags, uint16_t peer)
{
    struct codec_pack body;
    struct proof_result result;
    codec_pack_init(&body, 1 << 16);
    codec_pack_array(&body, 1);
    if (proof_item_write(&body, item) && proof_items_check(codec_pack_bytes(&body), &result)) {
        bool answer = (flags & 0x80) != 0 && world.ask != 0;
        happens((struct relay_event){.type = item->type == PROOF_ITEM_ASK ? RELAY_EVENT_ASKED : RELAY_EVENT_FRAME,
                                     .peer = answer ? world.asked : peer,
                                     .id = answer ? world.ask : 0,
                                     .body = codec_pack_bytes(&body)});
    }
    codec_pack_fini(&body);
}

/* A head of the true history, or of a lie, signed by one operator of those who attest for its target. */
static void head_feed(struct codec_reader *in, uint8_t flags, uint16_t peer)
{
    uint8_t which = codec_read_u8(in), who = codec_read_u8(in), number = codec_read_u8(in), lie = codec_read_u8(in);
    uint16_t lane = which & 1, kind = which >> 1 & 1;
    const struct topology_lane *document = &network->lanes[lane];
    const struct topology_chain *target = &network->chains[kind == 0 ? document->destination : document->source];
    const struct topology_key *key = &target->epochs[0].keys[who % target->epochs[0].keys_len];
    struct proof_item item = {.type = PROOF_ITEM_ATTESTATION, .attestation = {.suite = SUITE, .count = 1}};
    struct proof_item_leaf leaf = {.leaf = {.kind = PROOF_LEAF_HEAD}};
    struct codec_pack leaves;
    uint8_t id[32], message[32], secret[32];
    struct proof_head *head = &leaf.leaf.head;
    head->number = number == 0xff ? UINT64_MAX : number;
    memcpy(head->log, document->logs[kind], 32);
    memcpy(head->running, histories[lane][kind].running[number % (HISTORY + 1)], 32);
    head->running[0] ^= lie;
    size_t at = 0;
    while (at < world.heads_len &&
           (world.heads[at].number != head->number || memcmp(world.heads[at].log, head->log, 32) != 0 ||
            memcmp(world.heads[at].running, head->running, 32) != 0))
        at++;
    if (at == SIGNED_MAX)
        return;
    memcpy(world.heads[at].log, head->log, 32);
    memcpy(world.heads[at].running, head->running, 32);
    world.heads[at].number = head->number;
    world.heads[at].operators |= UINT64_C(1) << key->operator_number;
    world.heads_len += at == world.heads_len;
    memcpy(item.attestation.key_id, key->id, 32);
    proof_leaf_hash_head(item.attestation.root, SUITE, head);
    secret_of(secret, key->operator_number);
    require(proof_network_id(id, SUITE, network->name));
    proof_signed_bytes(message, SUITE, id, item.attestation.root);
    require(proof_signature_sign(item.attestation.signature, SUITE, secret, message));
    codec_pack_init(&leaves, 4096);
    proof_pack_leaf(&leaves, &leaf);
    item.attestation.leaves = codec_pack_bytes(&leaves);
    items_feed(&item, flags, peer);
    codec_pack_fini(&leaves);
}

/* Records of the true history, one byte of them changed. */
static void range_feed(struct codec_reader *in, uint8_t flags, uint16_t peer)
{
    uint8_t which = codec_read_u8(in), from = codec_read_u8(in) % HISTORY, count = codec_read_u8(in);
    uint16_t at = codec_read_u16(in);
    uint8_t change = codec_read_u8(in), records[HISTORY * RECORD_MAX];
    const struct history *history = &histories[which & 1][which >> 1 & 1];
    struct proof_item item = {.type = PROOF_ITEM_RANGE};
    struct proof_item_range *range = &item.range;
    size_t len = 0;
    range->from = from + 1u;
    range->count = (uint16_t)(1 + count % (HISTORY - from));
    memcpy(range->log, network->lanes[which & 1].logs[which >> 1 & 1], 32);
    memcpy(range->before, history->running[from], 32);
    for (size_t i = from; i < from + (size_t)range->count; i++) {
        memcpy(records + len, history->records[i], history->len[i]);
        len += history->len[i];
    }
    records[at % len] ^= change;
    range->records = (struct bytes){records, len};
    items_feed(&item, flags, peer);
}

static void ask_feed(struct codec_reader *in, uint16_t peer)
{
    struct proof_item item = {.type = PROOF_ITEM_ASK};
    uint8_t which = codec_read_u8(in);
    memcpy(item.ask.log, network->lanes[which & 1].logs[which >> 1 & 1], 32);
    item.ask.from = codec_read_u8(in);
    item.ask.to = codec_read_u8(in);
    item.ask.max_bytes = codec_read_u16(in);
    items_feed(&item, 0, peer);
}

/* A heartbeat that names one log: as it is, or not. */
static void named_feed(struct codec_reader *in, uint16_t peer)
{
    struct proof_item item = {.type = PROOF_ITEM_HEARTBEAT};
    struct proof_item_heartbeat *heartbeat = &item.heartbeat;
    struct proof_item_log log = {.settled = 0};
    struct codec_pack logs;
    uint8_t which = codec_read_u8(in), number = codec_read_u8(in), settled = codec_read_u8(in), lie = codec_read_u8(in);
    memcpy(log.head.log, network->lanes[which & 1].logs[which >> 1 & 1], 32);
    log.head.number = number == 0xff ? UINT64_MAX : number;
    log.settled = settled < number ? settled : log.head.number;
    memcpy(log.head.running, histories[which & 1][which >> 1 & 1].running[number % (HISTORY + 1)], 32);
    log.head.running[0] ^= lie;
    codec_pack_init(&logs, 4096);
    proof_pack_log(&logs, &log);
    heartbeat->time = START + world.now / 1000;
    heartbeat->document_version = network->version;
    memcpy(heartbeat->document_hash, network->hash, 32);
    heartbeat->count = 1;
    heartbeat->logs = codec_pack_bytes(&logs);
    items_feed(&item, 0, peer);
    codec_pack_fini(&logs);
}

static void refused_feed(struct codec_reader *in, uint8_t flags, uint16_t peer)
{
    struct proof_item item = {.type = PROOF_ITEM_REFUSAL};
    uint8_t which = codec_read_u8(in);
    memcpy(item.refusal.log, network->lanes[which & 1].logs[which >> 1 & 1], 32);
    item.refusal.reason = codec_read_u8(in);
    items_feed(&item, flags, peer);
}

static void restart(void)
{
    relay_core_free(world.core);
    store_memory_crash(world.store);
    world.ask = 0;
    start();
}

static void raw_feed(struct codec_reader *in, enum step step, uint8_t flags, uint16_t peer)
{
    struct bytes body = codec_read_bytes(in, codec_read_u16(in));
    struct relay_event event = {.peer = peer, .source = peer & 1, .body = body};
    struct proof_result result;
    bool answer = step == FRAME && (flags & 0x80) != 0 && world.ask != 0;
    event.type = step == SOURCE   ? RELAY_EVENT_SOURCE_MESSAGE
                 : step == SIGNER ? RELAY_EVENT_SIGNED
                 : step == ASKED  ? RELAY_EVENT_ASKED
                                  : RELAY_EVENT_FRAME;
    if (answer) {
        event.peer = world.asked;
        event.id = world.ask;
    }
    bool sourceless = network->relays[world.self].operator_number == 0 && (step == SOURCE || step == SIGNER);
    if (!in->failed && !sourceless && (step == SOURCE || step == SIGNER || proof_items_check(body, &result)))
        happens(event); /* the gate lets no other frame in */
}

static void step_do(struct codec_reader *in)
{
    uint8_t flags = codec_read_u8(in), who = codec_read_u8(in);
    enum step step = (enum step)((flags & 0x7f) % STEPS);
    uint16_t peer = (uint16_t)(who % network->relays_len);
    bool up = step == UP, own = network->relays[world.self].operator_number != 0;
    if (peer == world.self)
        peer = (uint16_t)((peer + 1) % network->relays_len);
    switch (step) {
    case TICK:
        world.now += 10u * who;
        happens((struct relay_event){.type = RELAY_EVENT_TICK});
        return;
    case FRAME:
    case ASKED:
    case SOURCE:
    case SIGNER: raw_feed(in, step, flags, peer); return;
    case HEAD: head_feed(in, flags, peer); return;
    case RANGE: range_feed(in, flags, peer); return;
    case ASK: ask_feed(in, peer); return;
    case NAMED: named_feed(in, peer); return;
    case REFUSED: refused_feed(in, flags, peer); return;
    case RESTART: restart(); return;
    case UP:
    case DOWN:
        if (flags & 0x80)
            happens((struct relay_event){.type = up ? RELAY_EVENT_PEER_UP : RELAY_EVENT_PEER_DOWN, .peer = peer});
        else if (own && who < 2)
            happens((struct relay_event){.type = up ? RELAY_EVENT_SOURCE_UP : RELAY_EVENT_SOURCE_DOWN, .source = who});
        else if (own)
            happens((struct relay_event){.type = up ? RELAY_EVENT_SIGNER_UP : RELAY_EVENT_SIGNER_DOWN});
        return;
    case ASK_FAILED:
        if (world.ask != 0)
            happens((struct relay_event){.type = RELAY_EVENT_ASK_FAILED, .peer = world.asked, .id = world.ask});
        world.ask = 0;
        return;
    case STEPS: return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_reader in;
    if (network == NULL)
        network_make();
    if (size < 1)
        return 0;
    memset(&world, 0, sizeof(world));
    world.now = 1000;
    world.self = (uint16_t)topology_relay_by_name(network, data[0] % 2 ? "east-alpha" : "strait");
    world.store = store_memory_new();
    require(world.store != NULL);
    start();
    codec_reader_init(&in, (struct bytes){data + 1, size - 1});
    while (codec_reader_left(&in) > 1 && !in.failed) {
        step_do(&in);
        require(!relay_core_halted(world.core));
        certified_check();
    }
    restart();
    relay_core_free(world.core);
    world.store->ops->close(world.store);
    return 0;
}
