/* The rig's machinery: events in, actions done at once, but for writes while the disk is slow. */
#include "tests/unit/core/light_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/ics23.h"
#include "proofs/codec/pack.h"
#include "proofs/lane.h"
#include "proofs/message.h"
#include "proofs/signature.h"
#include "relay/store/keys.h"

enum { START = 1700000000, STEP = 1000 }; /* as cometbft_world.c has it: 1000 s a height */

/* ---- the network ---------------------------------------------------------------------------------------------------- */

static void chain_make(struct rig *rig, size_t index, const char *id, const char *family)
{
    struct topology_chain *chain = &rig->chains[index];
    struct proof_key key;
    uint8_t secret[32];
    memset(secret, 0x40 + (int)index, sizeof(secret));
    assert_true(proof_key_from_secret(&key, PROOF_SUITE_KECCAK256_SECP256K1, secret));
    rig->keys[index][0] = (struct topology_key){.operator_number = 1, .suite = PROOF_SUITE_KECCAK256_SECP256K1};
    memcpy(rig->keys[index][0].id, key.id, 32);
    rig->epochs[index] = (struct topology_epoch){.number = 1, .quorum = 1, .keys = rig->keys[index], .keys_len = 1};
    *chain = (struct topology_chain){
        .suite = PROOF_SUITE_KECCAK256_SECP256K1,
        .sources = 1,
        .epochs = &rig->epochs[index],
        .epochs_len = 1,
        .light = {.trusting_period = 100 * STEP, .clock_drift = 10, .trust_numerator = 1, .trust_denominator = 3}};
    snprintf(chain->id, sizeof(chain->id), "%s", id);
    snprintf(chain->family, sizeof(chain->family), "%s", family);
    memset(chain->genesis, 0x21 + (int)index, 32);
    memset(chain->outbox + 12, 0x11 + (int)index, 20);
    memset(chain->inbox + 12, 0x33 + (int)index, 20);
    memset(chain->registry + 12, 0x55 + (int)index, 20);
}

static void network_make(struct rig *rig)
{
    static const char *const NAMES[RIG_SOURCES] = {"first", "second"};
    chain_make(rig, 0, "cosmos:world-1", "cosmos");
    chain_make(rig, 1, "eip155:31337", "evm");
    snprintf(rig->operator.name, sizeof(rig->operator.name), "alpha");
    rig->operator.number = 1;
    for (size_t i = 0; i < 3; i++) {
        snprintf(rig->zones[i].name, sizeof(rig->zones[i].name), "zone-%zu", i);
        snprintf(rig->relays[i].name, sizeof(rig->relays[i].name), "relay-%zu", i);
        rig->relays[i].zone = (uint16_t)i;
        rig->relays[i].key[0] = (uint8_t)(i + 1);
    }
    snprintf(rig->relays[3].name, sizeof(rig->relays[3].name), "relay-3");
    rig->relays[3].zone = 2;
    rig->relays[3].key[0] = 4;
    rig->links[0] = (struct topology_link){0, 1};
    rig->links[1] = (struct topology_link){1, 2};
    rig->links[2] = (struct topology_link){1, 3};
    rig->relays[0].operator_number = 1;
    rig->relays[0].serves = &rig->served;
    rig->relays[0].serves_len = 1;
    rig->lane = (struct topology_lane){.source = 0,
                                       .destination = 1,
                                       .mode = PROOF_MODE_ORDERED,
                                       .generation = 1,
                                       .suites = PROOF_SUITE_KECCAK256_SECP256K1,
                                       .evidence = TOPOLOGY_EVIDENCE_ICS23 | TOPOLOGY_EVIDENCE_AGREEMENT_SLOT,
                                       .window = 1 << 20,
                                       .payload_max = 1024,
                                       .longest_life = 86400};
    snprintf(rig->lane.name, sizeof(rig->lane.name), "eastward");
    memset(rig->lane.sender + 12, 0x61, 20);
    memset(rig->lane.receiver + 12, 0x71, 20);
    rig->network = (struct topology_network){.version = 1,
                                             .operators = &rig->operator,
                                             .operators_len = 1,
                                             .chains = rig->chains,
                                             .chains_len = 2,
                                             .zones = rig->zones,
                                             .zones_len = 3,
                                             .relays = rig->relays,
                                             .relays_len = RIG_RELAYS,
                                             .links = rig->links,
                                             .lanes = &rig->lane,
                                             .lanes_len = 1};
    snprintf(rig->network.name, sizeof(rig->network.name), "demo");
    assert_true(topology_network_index(&rig->network));
    for (uint16_t i = 0; i < RIG_SOURCES; i++)
        rig->sources[i] = (struct relay_source){
            .chain = 0, .name = NAMES[i], .operator_tag = NAMES[i], .network_tag = NAMES[i], .software_tag = NAMES[i]};
}

/* ---- the disk ------------------------------------------------------------------------------------------------------- */

static void row_put(struct rig_row *rows, size_t *len, const struct relay_op *op)
{
    size_t i = 0;
    while (i < *len && (rows[i].family != op->family || rows[i].key_len != op->key.len ||
                        memcmp(rows[i].key, op->key.data, op->key.len) != 0))
        i++;
    if (op->type != RELAY_OP_PUT)
        return; /* these tests prune nothing */
    if (i == *len) {
        assert_true(*len < RIG_ROWS && op->key.len <= sizeof(rows[i].key));
        rows[i] = (struct rig_row){.family = op->family, .key_len = op->key.len};
        memcpy(rows[i].key, op->key.data, op->key.len);
        (*len)++;
    }
    free(rows[i].value);
    rows[i].value = malloc(op->value.len + 1);
    rows[i].len = op->value.len;
    memcpy(rows[i].value, op->value.data, op->value.len);
}

static void rows_free(struct rig_row *rows, size_t *len)
{
    for (size_t i = 0; i < *len; i++)
        free(rows[i].value);
    *len = 0;
}

void rig_commit(struct rig *rig)
{
    for (size_t i = 0; i < rig->waiting_len; i++) {
        const struct rig_row *row = &rig->waiting[i];
        row_put(rig->rows, &rig->rows_len,
                &(struct relay_op){RELAY_OP_PUT, row->family, {row->key, row->key_len}, {row->value, row->len}});
    }
    rows_free(rig->waiting, &rig->waiting_len);
    rig->slow = false;
    if (rig->waiting_id != 0)
        rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_COMMITTED, .id = rig->waiting_id});
    rig->waiting_id = 0;
}

static void write_do(struct rig *rig, const struct relay_action *action)
{
    for (size_t i = 0; i < action->ops_len; i++)
        row_put(rig->waiting, &rig->waiting_len, &action->ops[i]);
    rig->waiting_id = action->id;
    if (!rig->slow)
        rig_commit(rig);
}

/* Whether a row lies in [from, to). */
static bool within(const struct rig_row *row, struct bytes from, struct bytes to)
{
    size_t low = row->key_len < from.len ? row->key_len : from.len,
           high = row->key_len < to.len ? row->key_len : to.len;
    int a = memcmp(row->key, from.data, low), b = to.len ? memcmp(row->key, to.data, high) : -1;
    return (a > 0 || (a == 0 && row->key_len >= from.len)) && (b < 0 || (b == 0 && row->key_len < to.len));
}

static void load_do(struct rig *rig, uint64_t id, enum store_family family, struct bytes from, struct bytes to)
{
    for (size_t i = 0; i < rig->rows_len; i++) {
        const struct rig_row *row = &rig->rows[i];
        if (row->family == family && within(row, from, to))
            rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_LOADED,
                                               .id = id,
                                               .family = family,
                                               .key = {row->key, row->key_len},
                                               .body = {row->value, row->len}});
    }
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_LOADED, .id = id, .family = family, .done = true});
}

uint64_t rig_trusted(const struct rig *rig)
{
    struct keys_trust row;
    struct proof_cometbft_trust trust;
    for (size_t i = 0; i < rig->rows_len; i++) {
        if (rig->rows[i].family != STORE_CHAIN || rig->rows[i].key_len != KEYS_TRUST_BYTES)
            continue;
        assert_true(keys_trust_read(&row, (struct bytes){rig->rows[i].value, rig->rows[i].len}));
        assert_true(proof_cometbft_trust_read(&trust, row.trust));
        return (uint64_t)trust.latest.height;
    }
    return 0;
}

/* ---- events and actions --------------------------------------------------------------------------------------------- */

static void source_told(struct rig *rig, uint16_t source, struct bytes body)
{
    struct connector_message message;
    assert_true(codec_connector_decode(&message, rig->scratch, body, NULL));
    rig->subscribes += message.type == CONNECTOR_SUBSCRIBE;
    if (message.type != CONNECTOR_ASK_HEADER)
        return;
    assert_true(rig->asks_len < RIG_ASKS);
    rig->asks[rig->asks_len].source = source;
    rig->asks[rig->asks_len++].height = message.ask_header.height;
    if (!rig->quiet[source] && source != rig->shown_by && rig->shown.height == message.ask_header.height)
        rig_header(rig, source, &rig->shown);
}

static uint8_t *copy(struct bytes bytes)
{
    uint8_t *out = malloc(bytes.len + 1);
    if (bytes.len > 0)
        memcpy(out, bytes.data, bytes.len);
    return out;
}

static void keep(struct codec_pack *pack, struct bytes bytes)
{
    codec_pack_clear(pack);
    codec_pack_raw(pack, bytes);
}

static bool is_evidence(struct bytes body)
{
    struct proof_frame frame = {.body = body};
    struct proof_items items;
    struct proof_item item;
    proof_items_init(&items, &frame);
    return proof_items_next(&item, &items) && item.type == PROOF_ITEM_EVIDENCE;
}

static void action_do(struct rig *rig, const struct relay_action *action)
{
    switch (action->type) {
    case RELAY_ACTION_WRITE: write_do(rig, action); return;
    case RELAY_ACTION_VERIFY:
        relay_verify_run(action->job);
        rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_VERIFIED, .job = action->job});
        return;
    case RELAY_ACTION_SIGN:
        assert_true(rig->signs_count < RIG_ASKS);
        rig->signs[rig->signs_count] = copy(action->body);
        rig->signs_len[rig->signs_count++] = action->body.len;
        return;
    case RELAY_ACTION_TO_SOURCE: source_told(rig, action->source, action->body); return;
    case RELAY_ACTION_BAN_SOURCE: rig->bans++; return;
    case RELAY_ACTION_KEEP: rig->kept++; return;
    case RELAY_ACTION_LOAD: load_do(rig, action->id, action->family, action->from, action->to); return;
    case RELAY_ACTION_PUBLISH:
        if (!is_evidence(action->body))
            return;
        rig->publishes++;
        rig->told_zone = action->zone;
        keep(&rig->told, action->body);
        return;
    case RELAY_ACTION_ASK:
        rig->requests++;
        rig->asked_peer = action->peer;
        keep(&rig->asked_of_peer, action->body);
        return;
    case RELAY_ACTION_ANSWER:
        rig->answers++;
        keep(&rig->answered, action->body);
        return;
    case RELAY_ACTION_NOTE: return;
    }
}

/* Actions are gone with the next step, and doing one is a step: so they are copied, and done in their order. */
static void actions_take(struct rig *rig)
{
    size_t len;
    const struct relay_action *actions = relay_core_actions(rig->core, &len);
    for (size_t i = 0; i < len; i++) {
        struct rig_action *item = calloc(1, sizeof(*item));
        struct relay_op *ops = calloc(actions[i].ops_len + 1, sizeof(*ops));
        item->action = actions[i];
        item->action.body.data = copy(actions[i].body);
        item->action.from.data = copy(actions[i].from);
        item->action.to.data = copy(actions[i].to);
        for (size_t j = 0; j < actions[i].ops_len; j++) {
            ops[j] = actions[i].ops[j];
            ops[j].key.data = copy(actions[i].ops[j].key);
            ops[j].value.data = copy(actions[i].ops[j].value);
        }
        item->action.ops = ops;
        *rig->todo_end = item;
        rig->todo_end = &item->next;
    }
}

static void action_free(struct rig_action *item)
{
    for (size_t j = 0; j < item->action.ops_len; j++) {
        free((void *)item->action.ops[j].key.data);
        free((void *)item->action.ops[j].value.data);
    }
    free((void *)item->action.ops);
    free((void *)item->action.body.data);
    free((void *)item->action.from.data);
    free((void *)item->action.to.data);
    free(item);
}

static void actions_do(struct rig *rig)
{
    actions_take(rig);
    if (rig->busy)
        return;
    rig->busy = true;
    while (rig->todo != NULL) {
        struct rig_action *item = rig->todo;
        rig->todo = item->next;
        if (rig->todo == NULL)
            rig->todo_end = &rig->todo;
        action_do(rig, &item->action);
        action_free(item);
    }
    rig->busy = false;
}

void rig_feed(struct rig *rig, struct relay_event event)
{
    event.now = rig->now;
    event.unix_time = rig->unix_time;
    relay_core_step(rig->core, &event);
    actions_do(rig);
}

void rig_run(struct rig *rig, uint64_t ms)
{
    for (uint64_t end = rig->now + ms; rig->now < end; rig->now += RIG_STEP_MS)
        rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_TICK});
}

void rig_source(struct rig *rig, uint16_t source, bool up)
{
    rig_feed(rig, (struct relay_event){.type = up ? RELAY_EVENT_SOURCE_UP : RELAY_EVENT_SOURCE_DOWN, .source = source});
}

void rig_say(struct rig *rig, uint16_t source, const struct connector_message *message)
{
    struct codec_pack pack;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_connector_encode(&pack, message);
    assert_false(pack.failed);
    rig_feed(rig, (struct relay_event){
                      .type = RELAY_EVENT_SOURCE_MESSAGE, .source = source, .body = codec_pack_bytes(&pack)});
    codec_pack_fini(&pack);
}

static void answer(struct rig *rig, const struct relay_signing_answer *told)
{
    uint8_t message[256];
    size_t len = relay_signing_answer_write(message, sizeof(message), told);
    assert_true(len > 0);
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SIGNED, .body = {message, len}});
}

void rig_signed(struct rig *rig, struct bytes message)
{
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SIGNED, .body = message});
}

void rig_signer_trust(struct rig *rig, uint64_t height, uint64_t want)
{
    uint8_t body[8] = {0};
    struct relay_signing_answer told = {.type = RELAY_SIGNING_TRUST, .number = height, .body = BYTES_OF(body)};
    for (size_t i = 0; i < 8; i++)
        body[i] = (uint8_t)(want >> (56 - 8 * i));
    memcpy(told.log, rig->chains[0].identity, 32);
    answer(rig, &told);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static void start(struct rig *rig, bool signer)
{
    struct relay_core_config config = {.network = &rig->network,
                                       .self = rig->self,
                                       .sources = rig->sources,
                                       .sources_len = rig->self == 0 ? RIG_SOURCES : 0,
                                       .trusts = &rig->first,
                                       .trusts_len = 1,
                                       .attests = signer,
                                       .attester_keys_len = 1};
    memcpy(config.attester_keys[0], rig->keys[1][0].id, 32);
    rig->core = relay_core_new(&config);
    assert_non_null(rig->core);
    relay_core_start(rig->core);
    actions_do(rig);
    assert_true(relay_core_ready(rig->core));
    for (uint16_t i = 0; i < RIG_SOURCES && rig->self == 0; i++)
        if (!rig->away[i])
            rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SOURCE_UP, .source = i});
    if (!signer)
        return;
    rig_feed(rig, (struct relay_event){.type = RELAY_EVENT_SIGNER_UP});
    answer(rig, &(struct relay_signing_answer){.type = RELAY_SIGNING_GUARD, .last = true});
}

static void messages_make(struct rig *rig)
{
    memcpy(rig->running[0], rig->lane.logs[0], 32);
    for (uint64_t n = 1; n <= RIG_MESSAGES; n++) {
        uint8_t commitment[32] = {(uint8_t)n};
        struct proof_message message = {.sequence = n,
                                        .time = START + n,
                                        .deadline = START + n + 3600,
                                        .form = PROOF_FORM_HASH_ONLY,
                                        .suites = PROOF_SUITE_KECCAK256_SECP256K1,
                                        .commitments = commitment};
        proof_message_digest(rig->digests[n - 1], PROOF_SUITE_KECCAK256_SECP256K1, rig->lane.id, &message);
        memcpy(rig->running[n], rig->running[n - 1], 32);
        proof_running_hash_extend(rig->running[n], PROOF_SUITE_KECCAK256_SECP256K1,
                                  (const uint8_t(*)[32])rig->digests[n - 1], 1);
    }
}

static struct rig *rig_make(bool signer, uint16_t self)
{
    static const struct world_member members[] = {{0, 10}, {1, 10}, {2, 10}, {3, 10}};
    static const struct world_member others[] = {{4, 10}, {5, 10}, {6, 10}, {7, 10}};
    struct rig *rig = calloc(1, sizeof(*rig));
    struct rig_bundle *first = calloc(1, sizeof(*first));
    assert_non_null(rig);
    rig->space = proof_cometbft_space_new(16, 0);
    rig->scratch = calloc(1, sizeof(*rig->scratch));
    codec_pack_init(&rig->pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_pack_init(&rig->told, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_pack_init(&rig->asked_of_peer, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_pack_init(&rig->answered, CODEC_CONNECTOR_MESSAGE_MAX);
    rig->self = self;
    world_set_make(&rig->set, rig->space, members, 4);
    world_set_make(&rig->other, rig->space, others, 4);
    network_make(rig);
    rig->network.links_len = self == 0 ? 0 : 3; /* a relay with neighbours would hear them before it signs */
    messages_make(rig);
    rig->now = 1000;
    rig->unix_time = START + 31 * STEP;
    rig->todo_end = &rig->todo;
    rig_block(rig, first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig->first = (struct relay_trust){.chain = 0, .height = RIG_FIRST};
    memcpy(rig->first.hash, first->hash, 32);
    free(first);
    start(rig, signer);
    return rig;
}

struct rig *rig_new(bool signer)
{
    return rig_make(signer, 0);
}

struct rig *rig_new_far(void)
{
    return rig_make(false, 1);
}

static void signs_free(struct rig *rig)
{
    for (size_t i = 0; i < rig->signs_count; i++)
        free(rig->signs[i]);
    rig->signs_count = 0;
}

void rig_restart(struct rig *rig, bool signer)
{
    relay_core_free(rig->core);
    rows_free(rig->waiting, &rig->waiting_len);
    rig->waiting_id = rig->asks_len = 0;
    rig->slow = false;
    signs_free(rig);
    start(rig, signer);
}

void rig_free(struct rig *rig)
{
    relay_core_free(rig->core);
    rows_free(rig->rows, &rig->rows_len);
    rows_free(rig->waiting, &rig->waiting_len);
    signs_free(rig);
    codec_pack_fini(&rig->pack);
    codec_pack_fini(&rig->told);
    codec_pack_fini(&rig->asked_of_peer);
    codec_pack_fini(&rig->answered);
    proof_cometbft_space_free(rig->space);
    free(rig->scratch);
    free(rig->network.logs);
    free(rig);
}

/* ---- what is seen --------------------------------------------------------------------------------------------------- */

struct relay_log_view rig_log(const struct rig *rig)
{
    struct relay_log_view view;
    assert_true(relay_core_log_view(rig->core, 0, PROOF_LOG_MESSAGE, &view));
    return view;
}

uint64_t rig_counted(const struct rig *rig, enum relay_reason reason)
{
    return relay_core_counter(rig->core, reason);
}

bool rig_asked(struct rig *rig, uint64_t height)
{
    bool found = false;
    for (size_t i = 0; i < rig->asks_len; i++)
        found = found || rig->asks[i].height == height;
    rig->asks_len = 0;
    return found;
}

/* ---- how many tests begin ------------------------------------------------------------------------------------------ */

struct rig *rig_begun(bool signer)
{
    struct rig *rig = rig_new(signer);
    struct rig_bundle first;
    rig_run(rig, 100);
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    rig_header(rig, 0, &first);
    assert_int_equal(rig_trusted(rig), RIG_FIRST);
    return rig;
}

struct rig *rig_begun_alone(void)
{
    struct rig *rig = rig_begun(false);
    rig->quiet[1] = true;
    rig->asks_len = 0;
    return rig;
}

void rig_show(struct rig *rig, struct rig_bundle *bundle, uint64_t height, uint64_t messages)
{
    rig_block(rig, bundle, height, &rig->set, &rig->set, messages, NULL);
    if (rig_log(rig).stored < messages)
        rig_records(rig, 0, rig_log(rig).stored + 1, messages);
    rig_evidence(rig, 0, bundle, messages);
}

void rig_prove(struct rig *rig, uint64_t height, uint64_t messages, struct rig_bundle *out)
{
    rig_block(rig, out, height, &rig->set, &rig->set, messages, NULL);
    rig_records(rig, 0, messages, messages);
    rig_evidence(rig, 0, out, messages);
    assert_int_equal(rig_log(rig).proven, messages);
}

uint64_t rig_until_proven(struct rig *rig, uint64_t messages)
{
    uint64_t start = rig->now;
    while (rig_log(rig).proven < messages && rig->now - start <= RIG_BOUND_MS + 1000)
        rig_run(rig, RIG_STEP_MS);
    return rig->now - start;
}

struct relay_trust_view rig_trust(const struct rig *rig)
{
    struct relay_trust_view view;
    assert_true(relay_core_trust_view(rig->core, 0, &view));
    return view;
}
