/*
 * The connector protocol, one description of each message for reading and writing (connector.h).
 */
#include "proofs/codec/connector.h"

#include <string.h>

/* Each message is described once, by a visit_ function that goes over its fields in order. The same visit reads (pack is
 * NULL) or writes, so that the two directions cannot drift apart. */
struct visit {
    struct codec_pack *pack;
    struct codec_unpack unpack;
    struct connector_scratch *scratch;
    const char *where; /* the first thing that was wrong */
};

static bool visit_failed(const struct visit *visit)
{
    return visit->where != NULL;
}

static void visit_fail(struct visit *visit, const char *where)
{
    if (!visit->where)
        visit->where = where;
}

/* After each field: a failure of the cursor or the writer becomes one of the visit, under the field's name. */
static void visit_note(struct visit *visit, const char *where)
{
    if (visit->pack ? visit->pack->failed : visit->unpack.failed)
        visit_fail(visit, where);
}

static void visit_array(struct visit *visit, uint32_t count, const char *where)
{
    if (visit_failed(visit))
        return;
    if (visit->pack)
        codec_pack_array(visit->pack, count);
    else
        codec_unpack_array_exact(&visit->unpack, count);
    visit_note(visit, where);
}

static void visit_u64(struct visit *visit, uint64_t *value, uint64_t min, uint64_t max, const char *where)
{
    if (visit_failed(visit))
        return;
    if (!visit->pack)
        *value = codec_unpack_uint(&visit->unpack, max);
    if (*value < min || *value > max)
        visit_fail(visit, where);
    else if (visit->pack)
        codec_pack_uint(visit->pack, *value);
    visit_note(visit, where);
}

static void visit_u32(struct visit *visit, uint32_t *value, uint32_t min, uint32_t max, const char *where)
{
    uint64_t wide = *value;
    visit_u64(visit, &wide, min, max, where);
    *value = (uint32_t)wide;
}

static void visit_u8(struct visit *visit, uint8_t *value, uint8_t min, uint8_t max, const char *where)
{
    uint64_t wide = *value;
    visit_u64(visit, &wide, min, max, where);
    *value = (uint8_t)wide;
}

static void visit_b32(struct visit *visit, uint8_t value[32], const char *where)
{
    if (visit_failed(visit))
        return;
    if (visit->pack)
        codec_pack_bin(visit->pack, (struct bytes){value, 32});
    else
        codec_unpack_bin_exact(value, &visit->unpack, 32);
    visit_note(visit, where);
}

static void visit_bin(struct visit *visit, struct bytes *value, size_t min, size_t max, const char *where)
{
    if (visit_failed(visit))
        return;
    if (!visit->pack)
        *value = codec_unpack_bin(&visit->unpack, max);
    if (value->len < min || value->len > max)
        visit_fail(visit, where);
    else if (visit->pack)
        codec_pack_bin(visit->pack, *value);
    visit_note(visit, where);
}

static void visit_text(struct visit *visit, struct bytes *value, size_t max, const char *where)
{
    if (visit_failed(visit))
        return;
    if (!visit->pack)
        *value = codec_unpack_str(&visit->unpack, max);
    if (value->len > max || (value->len && memchr(value->data, 0, value->len)))
        visit_fail(visit, where);
    else if (visit->pack)
        codec_pack_str_bytes(visit->pack, *value);
    visit_note(visit, where);
}

/* The header of a list of min … max elements; the count, 0 after a failure. */
static size_t visit_list(struct visit *visit, size_t *len, size_t min, size_t max, const char *where)
{
    if (visit_failed(visit))
        return 0;
    if (!visit->pack)
        *len = codec_unpack_array(&visit->unpack, (uint32_t)max);
    if (*len < min || *len > max)
        visit_fail(visit, where);
    else if (visit->pack)
        codec_pack_array(visit->pack, (uint32_t)*len);
    visit_note(visit, where);
    return visit_failed(visit) ? 0 : *len;
}

/* A list of byte strings (bin, or str with `text`) of 1 … item_max bytes, kept in scratch->items when reading. */
static void visit_items(struct visit *visit, const struct bytes **items, size_t *len, size_t max, size_t item_max,
                        bool text, const char *where)
{
    const size_t room = visit->pack ? max : CODEC_CONNECTOR_ITEMS_MAX - visit->scratch->items_used;
    const size_t count = visit_list(visit, len, 0, max < room ? max : room, where);
    struct bytes *kept = visit->pack ? NULL : visit->scratch->items + visit->scratch->items_used;
    for (size_t i = 0; i < count && !visit_failed(visit); i++) {
        struct bytes item = visit->pack ? (*items)[i] : (struct bytes){0};
        if (text)
            visit_text(visit, &item, item_max, where);
        else
            visit_bin(visit, &item, 1, item_max, where);
        if (kept)
            kept[i] = item;
    }
    if (kept) {
        visit->scratch->items_used += count;
        *items = kept;
    }
}

static void visit_lane(struct visit *visit, struct connector_lane *lane)
{
    visit_array(visit, 11, "lane");
    visit_b32(visit, lane->id, "lane.id");
    visit_b32(visit, lane->network, "lane.network");
    visit_b32(visit, lane->source, "lane.source");
    visit_b32(visit, lane->outbox, "lane.outbox");
    visit_b32(visit, lane->sender, "lane.sender");
    visit_b32(visit, lane->destination, "lane.destination");
    visit_b32(visit, lane->inbox, "lane.inbox");
    visit_b32(visit, lane->receiver, "lane.receiver");
    visit_u8(visit, &lane->mode, 0, 3, "lane.mode");
    visit_u32(visit, &lane->generation, 1, UINT32_MAX, "lane.generation");
    visit_u8(visit, &lane->suites, 1, 15, "lane.suites");
}

static void visit_manifest(struct visit *visit, struct connector_manifest *m)
{
    visit_u32(visit, &m->protocol, 1, UINT32_MAX, "manifest.protocol");
    visit_text(visit, &m->name, 64, "manifest.name");
    visit_text(visit, &m->version, 64, "manifest.version");
    visit_items(visit, &m->families, &m->families_len, CODEC_CONNECTOR_FAMILIES_MAX, 64, true, "manifest.families");
    bool *const given[] = {&m->slot, &m->receipts, &m->ics23}; /* kinds 1, 2, 3 */
    size_t kinds = (size_t)m->slot + m->receipts + m->ics23;
    const size_t count = visit_list(visit, &kinds, 0, CONNECTOR_EVIDENCE_ICS23, "manifest.evidence");
    uint8_t kind = 0;
    for (size_t i = 0; i < count && !visit_failed(visit); i++) {
        const uint8_t last = kind++;
        while (visit->pack && !*given[kind - 1])
            kind++;
        visit_u8(visit, &kind, (uint8_t)(last + 1), CONNECTOR_EVIDENCE_ICS23, "manifest.evidence");
        if (!visit_failed(visit))
            *given[kind - 1] = true;
    }
}

static void visit_configure(struct visit *visit, struct connector_configure *m)
{
    visit_u32(visit, &m->protocol, 1, UINT32_MAX, "configure.protocol");
    visit_text(visit, &m->chain, 64, "configure.chain");
    visit_b32(visit, m->genesis, "configure.genesis");
    const size_t count = visit_list(visit, &m->options_len, 0, CODEC_CONNECTOR_OPTIONS_MAX, "configure.options");
    for (size_t i = 0; i < count && !visit_failed(visit); i++) {
        struct connector_option option = visit->pack ? m->options[i] : (struct connector_option){{0}, {0}};
        visit_array(visit, 2, "configure.options");
        visit_text(visit, &option.key, 64, "configure.options.key");
        visit_text(visit, &option.value, CODEC_CONNECTOR_TEXT_MAX, "configure.options.value");
        if (!visit->pack)
            visit->scratch->options[i] = option;
    }
    if (!visit->pack)
        m->options = visit->scratch->options;
}

static void visit_configured(struct visit *visit, struct connector_configured *m)
{
    uint8_t ok = m->ok;
    visit_u8(visit, &ok, 0, 1, "configured.ok");
    m->ok = ok == 1;
    visit_text(visit, &m->text, CODEC_CONNECTOR_TEXT_MAX, "configured.text");
}

static void visit_subscribe(struct visit *visit, struct connector_subscribe *m)
{
    visit_u32(visit, &m->watch, 0, UINT32_MAX, "subscribe.watch");
    visit_u8(visit, &m->kind, CONNECTOR_LOG_MESSAGE, CONNECTOR_LOG_SETTLEMENT, "subscribe.kind");
    visit_b32(visit, m->log, "subscribe.log");
    visit_lane(visit, &m->lane);
    visit_u64(visit, &m->from, 1, UINT64_MAX, "subscribe.from");
    visit_b32(visit, m->running, "subscribe.running");
    visit_u64(visit, &m->height, 0, UINT64_MAX, "subscribe.height");
    visit_u64(visit, &m->credit, 0, UINT64_MAX, "subscribe.credit");
}

static void visit_records(struct visit *visit, struct connector_records *m)
{
    visit_u32(visit, &m->watch, 0, UINT32_MAX, "records.watch");
    visit_u64(visit, &m->from, 1, UINT64_MAX, "records.from");
    visit_u32(visit, &m->count, 1, CODEC_CONNECTOR_RECORDS_MAX, "records.count");
    visit_bin(visit, &m->records, 1, CODEC_CONNECTOR_MESSAGE_MAX, "records.records");
}

static void visit_slots(struct visit *visit, struct connector_evidence *m)
{
    const size_t count = visit_list(visit, &m->slots_len, 1, CODEC_CONNECTOR_MARKS_MAX, "evidence.slots");
    for (size_t i = 0; i < count && !visit_failed(visit); i++) {
        struct connector_slot slot = visit->pack ? m->slots[i] : (struct connector_slot){{0}, NULL, 0};
        visit_array(visit, 2, "evidence.slots");
        visit_b32(visit, slot.slot, "evidence.slot");
        visit_items(visit, &slot.nodes, &slot.nodes_len, CODEC_CONNECTOR_ITEMS_MAX, CODEC_CONNECTOR_MESSAGE_MAX, false,
                    "evidence.slot.nodes");
        if (!visit->pack)
            visit->scratch->slots[i] = slot;
    }
    if (!visit->pack)
        m->slots = visit->scratch->slots;
}

static void visit_marks(struct visit *visit, struct connector_evidence *m)
{
    const size_t count = visit_list(visit, &m->marks_len, 1, CODEC_CONNECTOR_MARKS_MAX, "evidence.marks");
    for (size_t i = 0; i < count && !visit_failed(visit); i++) {
        struct connector_mark mark = visit->pack ? m->marks[i] : (struct connector_mark){0, 0, {0}};
        visit_array(visit, 3, "evidence.marks");
        visit_u32(visit, &mark.watch, 0, UINT32_MAX, "evidence.mark.watch");
        visit_u64(visit, &mark.number, 0, UINT64_MAX, "evidence.mark.number");
        visit_b32(visit, mark.running, "evidence.mark.running");
        if (!visit->pack)
            visit->scratch->marks[i] = mark;
    }
    if (!visit->pack)
        m->marks = visit->scratch->marks;
    if (!visit_failed(visit) && m->kind == CONNECTOR_EVIDENCE_SLOT && m->marks_len != m->slots_len)
        visit_fail(visit, "evidence: one slot for each log");
}

static void visit_eth_proof(struct visit *visit, struct connector_evidence *m)
{
    const bool slots = m->kind == CONNECTOR_EVIDENCE_SLOT;
    visit_array(visit, slots ? 3 : 2, "evidence.proof");
    visit_b32(visit, m->account, "evidence.account");
    visit_items(visit, &m->items, &m->items_len, CODEC_CONNECTOR_ITEMS_MAX, CODEC_CONNECTOR_MESSAGE_MAX, false,
                slots ? "evidence.account.nodes" : "evidence.receipts");
    if (slots)
        visit_slots(visit, m);
}

/* One value of whatever form, left to who knows it. */
static void visit_value(struct visit *visit, struct bytes *value, const char *where)
{
    if (visit_failed(visit))
        return;
    if (!visit->pack)
        *value = codec_unpack_skip(&visit->unpack);
    else if (codec_unpack_check(*value))
        codec_pack_raw(visit->pack, *value);
    else
        visit_fail(visit, where);
    visit_note(visit, where);
}

static void visit_evidence(struct visit *visit, struct connector_evidence *m)
{
    visit_u8(visit, &m->kind, CONNECTOR_EVIDENCE_SLOT, CONNECTOR_EVIDENCE_ICS23, "evidence.kind");
    visit_u64(visit, &m->height, 0, UINT64_MAX, "evidence.height");
    visit_bin(visit, &m->header, 1, CODEC_CONNECTOR_HEADER_MAX, "evidence.header");
    if (m->kind == CONNECTOR_EVIDENCE_ICS23)
        visit_value(visit, &m->proof, "evidence.proof");
    else
        visit_eth_proof(visit, m);
    visit_marks(visit, m);
}

static void visit_certificate(struct visit *visit, struct connector_certificate *m)
{
    size_t fields = m->present ? 4 : 0;
    visit_list(visit, &fields, 0, 4, "certificate");
    m->present = fields == 4;
    if (fields == 0 || visit_failed(visit))
        return;
    if (fields != 4) {
        visit_fail(visit, "certificate: 4 elements or none");
        return;
    }
    visit_u64(visit, &m->epoch, 0, UINT64_MAX, "certificate.epoch");
    visit_u8(visit, &m->leaf_kind, 1, 4, "certificate.leaf kind");
    visit_bin(visit, &m->fields, 1, 256, "certificate.leaf fields");
    const size_t count =
        visit_list(visit, &m->attestations_len, 1, CODEC_CONNECTOR_ATTESTATIONS_MAX, "certificate.attestations");
    for (size_t i = 0; i < count && !visit_failed(visit); i++) {
        struct connector_attestation one = visit->pack ? m->attestations[i] : (struct connector_attestation){{0}, {0}};
        visit_array(visit, 2, "certificate.attestation");
        visit_bin(visit, &one.path, 0, CODEC_CONNECTOR_PATH_MAX, "certificate.path");
        if (one.path.len % 32)
            visit_fail(visit, "certificate.path: not whole siblings");
        visit_bin(visit, &one.signature, 1, CODEC_CONNECTOR_SIGNATURE_MAX, "certificate.signature");
        if (!visit->pack)
            visit->scratch->attestations[i] = one;
    }
    if (!visit->pack)
        m->attestations = visit->scratch->attestations;
}

static void visit_submit(struct visit *visit, struct connector_submit *m)
{
    visit_b32(visit, m->key, "submit.key");
    visit_u8(visit, &m->action, CONNECTOR_DELIVER, CONNECTOR_CLOSE, "submit.action");
    visit_lane(visit, &m->lane);
    visit_certificate(visit, &m->certificate);
    visit_u64(visit, &m->from, 0, UINT64_MAX, "submit.from");
    visit_b32(visit, m->prior, "submit.prior");
    visit_u32(visit, &m->count, 0, CODEC_CONNECTOR_RECORDS_MAX, "submit.count");
    visit_bin(visit, &m->records, 0, CODEC_CONNECTOR_MESSAGE_MAX, "submit.records");
    if ((m->count == 0) != (m->records.len == 0))
        visit_fail(visit, "submit.count: records without a count, or a count without records");
}

static void visit_result(struct visit *visit, struct connector_result *m)
{
    visit_b32(visit, m->key, "result.key");
    visit_u8(visit, &m->result, CONNECTOR_CONFIRMED, CONNECTOR_SENT, "result.result");
    visit_u64(visit, &m->height, 0, UINT64_MAX, "result.height");
    visit_bin(visit, &m->transaction, 0, 64, "result.transaction");
    visit_text(visit, &m->text, CODEC_CONNECTOR_TEXT_MAX, "result.text");
}

static void visit_position_is(struct visit *visit, struct connector_position_is *m)
{
    visit_u32(visit, &m->watch, 0, UINT32_MAX, "position.watch");
    visit_u64(visit, &m->height, 0, UINT64_MAX, "position.height");
    visit_u64(visit, &m->time, 0, UINT64_MAX, "position.time");
    visit_u64(visit, &m->accepted, 0, UINT64_MAX, "position.accepted");
    visit_b32(visit, m->running, "position.running");
    visit_u64(visit, &m->decided, 0, UINT64_MAX, "position.decided");
    visit_u64(visit, &m->undecided, 0, UINT64_MAX, "position.undecided");
}

static void visit_status(struct visit *visit, struct connector_status *m)
{
    visit_u64(visit, &m->newest, 0, UINT64_MAX, "status.newest");
    visit_u64(visit, &m->final_height, 0, UINT64_MAX, "status.final");
    visit_u64(visit, &m->newest_time, 0, UINT64_MAX, "status.time");
    visit_text(visit, &m->balance, 80, "status.balance");
    visit_text(visit, &m->text, CODEC_CONNECTOR_TEXT_MAX, "status.text");
}

/* Sizes of the arrays, type included (zero: no such message), and what is said where the size is another. */
#define MESSAGE(name, count)                                                                                           \
    {                                                                                                                  \
        count, name ": number of elements", name ": bytes after the end"                                               \
    }
static const struct {
    uint8_t elements;
    const char *count_wrong, *longer;
} MESSAGES[35] = {
    [CONNECTOR_MANIFEST] = MESSAGE("manifest", 6),     [CONNECTOR_CONFIGURE] = MESSAGE("configure", 5),
    [CONNECTOR_CONFIGURED] = MESSAGE("configured", 3), [CONNECTOR_SUBSCRIBE] = MESSAGE("subscribe", 9),
    [CONNECTOR_CREDIT] = MESSAGE("credit", 3),         [CONNECTOR_UNSUBSCRIBE] = MESSAGE("unsubscribe", 2),
    [CONNECTOR_POSITION] = MESSAGE("position", 4),     [CONNECTOR_HEADER] = MESSAGE("header", 5),
    [CONNECTOR_RECORDS] = MESSAGE("records", 5),       [CONNECTOR_EVIDENCE] = MESSAGE("evidence", 6),
    [CONNECTOR_ASK_HEADER] = MESSAGE("ask header", 2), [CONNECTOR_ASK_AGAIN] = MESSAGE("ask again", 5),
    [CONNECTOR_SUBMIT] = MESSAGE("submit", 9),         [CONNECTOR_RESULT] = MESSAGE("result", 6),
    [CONNECTOR_ASK_RESULT] = MESSAGE("ask result", 2), [CONNECTOR_POSITION_IS] = MESSAGE("position is", 8),
    [CONNECTOR_ASK_STATUS] = MESSAGE("ask status", 1), [CONNECTOR_STATUS] = MESSAGE("status", 6),
    [CONNECTOR_NOTICE] = MESSAGE("notice", 3),         [CONNECTOR_CANNOT] = MESSAGE("cannot", 4),
    [CONNECTOR_ACCOUNT] = MESSAGE("account", 6),       [CONNECTOR_OFFENCE] = MESSAGE("offence", 5),
};
#undef MESSAGE

enum { TYPE_MAX = sizeof MESSAGES / sizeof *MESSAGES - 1 };

static void visit_fields(struct visit *visit, struct connector_message *m)
{
    switch (m->type) {
    case CONNECTOR_NONE: visit_fail(visit, "type"); break;
    case CONNECTOR_MANIFEST: visit_manifest(visit, &m->manifest); break;
    case CONNECTOR_CONFIGURE: visit_configure(visit, &m->configure); break;
    case CONNECTOR_CONFIGURED: visit_configured(visit, &m->configured); break;
    case CONNECTOR_SUBSCRIBE: visit_subscribe(visit, &m->subscribe); break;
    case CONNECTOR_CREDIT:
        visit_u32(visit, &m->credit.watch, 0, UINT32_MAX, "credit.watch");
        visit_u64(visit, &m->credit.bytes, 0, UINT64_MAX, "credit.bytes");
        break;
    case CONNECTOR_UNSUBSCRIBE: visit_u32(visit, &m->unsubscribe.watch, 0, UINT32_MAX, "unsubscribe.watch"); break;
    case CONNECTOR_POSITION:
        visit_u32(visit, &m->position.watch, 0, UINT32_MAX, "position.watch");
        visit_u8(visit, &m->position.kind, CONNECTOR_LOG_MESSAGE, CONNECTOR_LOG_OUTCOME, "position.kind");
        visit_lane(visit, &m->position.lane);
        break;
    case CONNECTOR_HEADER:
        visit_u64(visit, &m->header.height, 0, UINT64_MAX, "header.height");
        visit_b32(visit, m->header.hash, "header.hash");
        visit_u64(visit, &m->header.time, 0, UINT64_MAX, "header.time");
        visit_bin(visit, &m->header.header, 1, CODEC_CONNECTOR_HEADER_MAX, "header.header");
        break;
    case CONNECTOR_RECORDS: visit_records(visit, &m->records); break;
    case CONNECTOR_EVIDENCE: visit_evidence(visit, &m->evidence); break;
    case CONNECTOR_ASK_HEADER: visit_u64(visit, &m->ask_header.height, 0, UINT64_MAX, "ask header.height"); break;
    case CONNECTOR_ASK_AGAIN:
        visit_u32(visit, &m->ask_again.watch, 0, UINT32_MAX, "ask again.watch");
        visit_u64(visit, &m->ask_again.from, 1, UINT64_MAX, "ask again.from");
        visit_b32(visit, m->ask_again.running, "ask again.running");
        visit_u64(visit, &m->ask_again.height, 0, UINT64_MAX, "ask again.height");
        break;
    case CONNECTOR_OFFENCE:
        visit_u8(visit, &m->offence.kind, CONNECTOR_OFFENCE_DOUBLE_VOTE, CONNECTOR_OFFENCE_DOUBLE_VOTE, "offence.kind");
        visit_u64(visit, &m->offence.height, 1, UINT64_MAX, "offence.height");
        visit_bin(visit, &m->offence.header, 1, CODEC_CONNECTOR_HEADER_MAX, "offence.header");
        visit_bin(visit, &m->offence.proof, 1, CODEC_CONNECTOR_OFFENCE_MAX, "offence.proof");
        break;
    case CONNECTOR_SUBMIT: visit_submit(visit, &m->submit); break;
    case CONNECTOR_RESULT: visit_result(visit, &m->result); break;
    case CONNECTOR_ASK_RESULT: visit_b32(visit, m->ask_result.key, "ask result.key"); break;
    case CONNECTOR_POSITION_IS: visit_position_is(visit, &m->position_is); break;
    case CONNECTOR_ASK_STATUS: break;
    case CONNECTOR_STATUS: visit_status(visit, &m->status); break;
    case CONNECTOR_NOTICE:
        visit_u8(visit, &m->notice.code, CONNECTOR_NOTICE_REORGANISED, CONNECTOR_NOTICE_ACCOUNT_GOOD, "notice.code");
        visit_text(visit, &m->notice.text, CODEC_CONNECTOR_TEXT_MAX, "notice.text");
        break;
    case CONNECTOR_CANNOT:
        visit_u8(visit, &m->cannot.type, CONNECTOR_MANIFEST, CONNECTOR_CANNOT, "cannot.type");
        visit_bin(visit, &m->cannot.about, 1, 32, "cannot.about");
        visit_text(visit, &m->cannot.text, CODEC_CONNECTOR_TEXT_MAX, "cannot.text");
        break;
    case CONNECTOR_ACCOUNT:
        visit_text(visit, &m->account.balance, 80, "account.balance");
        visit_u8(visit, &m->account.low, 0, 1, "account.low");
        visit_text(visit, &m->account.spent, 80, "account.spent");
        visit_text(visit, &m->account.cap, 80, "account.cap");
        visit_u8(visit, &m->account.spending, CONNECTOR_SPENDING_OPEN, CONNECTOR_SPENDING_STOPPED, "account.spending");
        break;
    }
}

bool codec_connector_decode(struct connector_message *out, struct connector_scratch *scratch, struct bytes in,
                            const char **where)
{
    struct visit visit = {.scratch = scratch};
    memset(out, 0, sizeof *out);
    scratch->items_used = 0;
    codec_unpack_init(&visit.unpack, in);
    if (in.len > CODEC_CONNECTOR_MESSAGE_MAX)
        visit_fail(&visit, "message: longer than 4 MiB");
    const uint32_t count = codec_unpack_array(&visit.unpack, 9);
    const uint64_t type = codec_unpack_uint(&visit.unpack, TYPE_MAX);
    if (visit.unpack.failed || count == 0 || MESSAGES[type].elements == 0)
        visit_fail(&visit, "type: no message has it");
    else if (count != MESSAGES[type].elements)
        visit_fail(&visit, MESSAGES[type].count_wrong);
    out->type = (enum connector_type)type;
    if (!visit_failed(&visit))
        visit_fields(&visit, out);
    if (!visit_failed(&visit) && !codec_unpack_done(&visit.unpack))
        visit_fail(&visit, MESSAGES[type].longer);
    if (visit_failed(&visit))
        memset(out, 0, sizeof *out);
    if (where)
        *where = visit.where;
    return !visit_failed(&visit);
}

void codec_connector_encode(struct codec_pack *pack, const struct connector_message *message)
{
    struct visit visit = {.pack = pack};
    struct connector_message copy = *message; /* visits take what they may fill; writing changes nothing */
    const size_t begin = pack->len;
    if ((size_t)copy.type > TYPE_MAX || MESSAGES[copy.type].elements == 0)
        visit_fail(&visit, "type");
    else
        visit_array(&visit, MESSAGES[copy.type].elements, "type");
    uint8_t type = (uint8_t)copy.type;
    visit_u8(&visit, &type, 1, TYPE_MAX, "type");
    visit_fields(&visit, &copy);
    if (visit_failed(&visit) || pack->len - begin > CODEC_CONNECTOR_MESSAGE_MAX)
        pack->failed = true;
}

const char *codec_connector_type_name(enum connector_type type)
{
    switch (type) {
    case CONNECTOR_NONE: break;
    case CONNECTOR_MANIFEST: return "manifest";
    case CONNECTOR_CONFIGURE: return "configure";
    case CONNECTOR_CONFIGURED: return "configured";
    case CONNECTOR_SUBSCRIBE: return "subscribe";
    case CONNECTOR_CREDIT: return "credit";
    case CONNECTOR_UNSUBSCRIBE: return "unsubscribe";
    case CONNECTOR_POSITION: return "position";
    case CONNECTOR_HEADER: return "header";
    case CONNECTOR_RECORDS: return "records";
    case CONNECTOR_EVIDENCE: return "evidence";
    case CONNECTOR_ASK_HEADER: return "ask header";
    case CONNECTOR_ASK_AGAIN: return "ask again";
    case CONNECTOR_OFFENCE: return "offence";
    case CONNECTOR_SUBMIT: return "submit";
    case CONNECTOR_RESULT: return "result";
    case CONNECTOR_ASK_RESULT: return "ask result";
    case CONNECTOR_POSITION_IS: return "position is";
    case CONNECTOR_ASK_STATUS: return "ask status";
    case CONNECTOR_STATUS: return "status";
    case CONNECTOR_NOTICE: return "notice";
    case CONNECTOR_CANNOT: return "cannot";
    case CONNECTOR_ACCOUNT: return "account";
    }
    return "unknown";
}

struct bytes codec_connector_text(const char *text)
{
    const size_t len = strlen(text);
    return (struct bytes){(const uint8_t *)text, len < CODEC_CONNECTOR_TEXT_MAX ? len : CODEC_CONNECTOR_TEXT_MAX};
}
