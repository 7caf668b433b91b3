/*
 * Whether a chain has what the document says: questions for any node, and what its answers mean. The node is believed: ask one's own.
 *
 * Code alone does not tell what its creation wrote into the storage, which can be anything, other keys and messages that nobody sent:
 * whoever did not create the contracts asks for the transactions that did.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "tools/isthmus/contracts.h"
#include "tools/isthmus/isthmus.h"

/* In the order in which they are asked. */
enum ask { ASK_CHAIN_ID, ASK_BLOCK_0, ASK_CREATION, ASK_CODE, ASK_CURRENT, ASK_EPOCH, ASK_LANE };

struct question {
    enum ask ask;
    size_t index; /* of the contract, epoch or lane */
};

/* What an answer means. */
struct verdict {
    bool good;
    char text[320];
};

static size_t list_questions(struct question **out, const struct contracts *contracts)
{
    const struct topology_network *network = contracts->network;
    struct question *list =
        calloc(3 + 2 * CONTRACTS_COUNT + contracts->chain->epochs_len + network->lanes_len, sizeof *list);
    size_t len = 0;

    *out = list;
    if (!list) {
        isthmus_failed("no memory");
        exit(ISTHMUS_NOT_OK);
    }
    list[len++] = (struct question){ASK_CHAIN_ID, 0};
    list[len++] = (struct question){ASK_BLOCK_0, 0};
    for (size_t i = 0; contracts->created_known && i < CONTRACTS_COUNT; i++)
        list[len++] = (struct question){ASK_CREATION, i};
    for (size_t i = 0; i < CONTRACTS_COUNT; i++)
        list[len++] = (struct question){ASK_CODE, i};
    list[len++] = (struct question){ASK_CURRENT, 0};
    for (size_t i = 0; i < contracts->chain->epochs_len; i++)
        list[len++] = (struct question){ASK_EPOCH, i};
    for (size_t i = 0; i < network->lanes_len; i++)
        if (&network->chains[network->lanes[i].source] == contracts->chain &&
            network->lanes[i].state != TOPOLOGY_LANE_CLOSED)
            list[len++] = (struct question){ASK_LANE, i};
    return len;
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

/* At most 32 bytes. */
static void append_hex(struct tools_json *params, struct bytes value)
{
    char text[67] = "0x";
    codec_hex_encode(text + 2, value);
    tools_json_append_text(params, text);
}

/* eth_call of a function of at most one argument. */
static void append_call(struct tools_json *params, const uint8_t account[32], const char *signature,
                        const uint8_t (*words)[32], size_t count)
{
    struct tools_json *call = tools_json_new_object();
    uint8_t data[4 + 32];
    tools_json_set_hex(call, "to", (struct bytes){account + 12, 20});
    tools_json_set_hex(call, "data", contracts_call(data, signature, words, count));
    tools_json_append(params, call);
}

/* The id tells what was asked: answers to the questions of another document, or of an older one, are none to these. */
static void set_id(struct tools_json *request, const char *method, const struct tools_json *params)
{
    char *text = tools_json_dump(params), id[17];
    uint8_t hash[32];
    struct codec_keccak256 keccak;
    codec_keccak256_init(&keccak);
    codec_keccak256_update(&keccak, (struct bytes){(const uint8_t *)method, strlen(method)});
    codec_keccak256_update(&keccak, (struct bytes){(const uint8_t *)text, strlen(text)});
    codec_keccak256_final(hash, &keccak);
    codec_hex_encode(id, (struct bytes){hash, 8});
    tools_json_set_text(request, "id", id);
    free(text);
}

static struct tools_json *request_of(const struct contracts *contracts, const struct question *question)
{
    static const char *const methods[] = {
        "eth_chainId", "eth_getBlockByNumber", "eth_getTransactionByHash", "eth_getCode", "eth_call", "eth_call",
        "eth_call"};
    struct tools_json *request = tools_json_new_object(), *params = tools_json_new_array();
    const struct topology_chain *chain = contracts->chain;
    uint8_t word[1][32];

    switch (question->ask) {
    case ASK_CHAIN_ID: break;
    case ASK_BLOCK_0:
        tools_json_append_text(params, "0x0");
        tools_json_append_flag(params, false);
        break;
    case ASK_CREATION: append_hex(params, BYTES_OF(contracts->created[question->index])); break;
    case ASK_CODE:
        append_hex(params, (struct bytes){contracts_account(chain, (enum contracts_which)question->index) + 12, 20});
        break;
    case ASK_CURRENT: append_call(params, chain->registry, "current()", NULL, 0); break;
    case ASK_EPOCH:
        contracts_put(word[0], chain->epochs[question->index].number);
        append_call(params, chain->registry, "epochInfo(uint64)", word, 1);
        break;
    case ASK_LANE:
        memcpy(word[0], contracts->network->lanes[question->index].id, 32);
        append_call(params, chain->outbox, "settings(bytes32)", word, 1);
        break;
    }
    if (question->ask >= ASK_CODE)
        tools_json_append_text(params, "latest");
    tools_json_set_text(request, "jsonrpc", "2.0");
    set_id(request, methods[question->ask], params);
    tools_json_set_text(request, "method", methods[question->ask]);
    tools_json_set(request, "params", params);
    return request;
}

struct tools_json *contracts_questions(const struct contracts *contracts)
{
    struct question *list;
    struct tools_json *batch = tools_json_new_array();
    size_t len = list_questions(&list, contracts);
    for (size_t i = 0; i < len; i++)
        tools_json_append(batch, request_of(contracts, &list[i]));
    free(list);
    return batch;
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void say(struct verdict *verdict, bool good, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->text, sizeof verdict->text, format, arguments);
    va_end(arguments);
    verdict->good = good;
}

/* A word for people: a number, an address, or all of it. */
struct shown {
    char text[67];
};

static struct shown show(const uint8_t word[32])
{
    struct shown out = {"0x"};
    struct codec_reader reader;
    size_t skip = codec_bytes_are_zero(word, 12) ? 12 : 0;
    codec_reader_init(&reader, (struct bytes){word + 24, 8});
    if (codec_bytes_are_zero(word, 24))
        snprintf(out.text, sizeof out.text, "%" PRIu64, codec_read_u64(&reader));
    else
        codec_hex_encode(out.text + 2, (struct bytes){word + skip, 32 - skip});
    return out;
}

/* The bytes of an answer; false after a verdict. */
static bool read_bytes(struct bytes *out, struct verdict *verdict, struct tools_json_doc *doc,
                       const struct tools_json *result)
{
    if (tools_json_kind(result) == TOOLS_JSON_TEXT) {
        struct bytes text = tools_json_text(doc, result, "result");
        uint8_t *data = tools_json_alloc(doc, text.len / 2 + 1, 1);
        out->data = data;
        if (codec_hex_decode(data, &out->len, text.len / 2, (const char *)text.data, text.len))
            return true;
    }
    say(verdict, false, "the answer is no bytes");
    return false;
}

/* The same for `count` words: a contract that is not there, or another one, answers with fewer. */
static bool read_words(const uint8_t **out, struct verdict *verdict, struct tools_json_doc *doc,
                       const struct tools_json *result, size_t count)
{
    struct bytes bytes;
    if (!read_bytes(&bytes, verdict, doc, result))
        return false;
    *out = bytes.data;
    if (bytes.len == 32 * count)
        return true;
    say(verdict, false, bytes.len ? "the contract there is another one" : "no such contract there");
    return false;
}

static void judge_chain_id(struct verdict *verdict, const struct contracts *contracts, const struct tools_json *result)
{
    const uint8_t *wanted = contracts->words[CONTRACTS_CHAIN_ID];
    uint8_t id[32];
    struct tools_json_doc *doc = tools_json_adopt("chain id", NULL); /* one answer's errors are its own */
    tools_json_u256(id, doc, result, "result");
    if (tools_json_error(doc))
        say(verdict, false, "the answer is no number");
    else
        say(verdict, memcmp(id, wanted, 32) == 0, "%s", show(id).text);
    tools_json_close(doc);
}

static void judge_block(struct verdict *verdict, const struct contracts *contracts, struct tools_json_doc *doc,
                        const struct tools_json *result)
{
    struct bytes hash;
    if (!read_bytes(&hash, verdict, doc, tools_json_get(result, "hash")))
        return;
    if (hash.len != 32)
        say(verdict, false, "the answer is no hash");
    else if (memcmp(hash.data, contracts->chain->genesis, 32) == 0)
        say(verdict, true, "the document's genesis");
    else
        say(verdict, false, "%s: the document's genesis is another one", show(hash.data).text);
}

static void judge_code(struct verdict *verdict, const struct contracts *contracts, struct tools_json_doc *doc,
                       const struct tools_json *result, enum contracts_which which)
{
    struct bytes found;
    if (!read_bytes(&found, verdict, doc, result))
        return;
    const struct contracts_hole *other = contracts_other_immutable(contracts, which, found);
    if (codec_bytes_equal(found, contracts->code[which].runtime))
        say(verdict, true, "as compiled, for this document");
    else if (found.len == 0)
        say(verdict, false, "none: nothing stands there");
    else if (other)
        say(verdict, false, "%s is %s there, not %s", contracts_word_name(other->word),
            show(found.data + other->at).text, show(contracts->words[other->word]).text);
    else
        say(verdict, false, "another one: another contract, or another version of it");
}

/* What stands at an address that follows from an account and its nonce was put there by the one transaction with both. */
static void judge_creation(struct verdict *verdict, const struct contracts *contracts, const struct tools_json *result,
                           enum contracts_which which)
{
    struct tools_json_doc *doc = tools_json_adopt("transaction", NULL); /* one answer's errors are its own */
    const struct bytes input = tools_json_hex(doc, tools_json_get(result, "input"), "input");
    const uint64_t nonce = tools_json_u64(doc, tools_json_get(result, "nonce"), "nonce");
    const bool mined = tools_json_kind(tools_json_get(result, "blockHash")) == TOOLS_JSON_TEXT;
    uint8_t from[20], made[20], hash[32];
    char text[41];

    tools_json_hex_exact(from, 20, doc, tools_json_get(result, "from"), "from");
    tools_json_hex_exact(hash, 32, doc, tools_json_get(result, "hash"), "hash");
    contracts_address(made, from, nonce);
    codec_hex_encode(text, BYTES_OF(made));
    if (tools_json_error(doc) || memcmp(hash, contracts->created[which], 32) != 0)
        say(verdict, false, "the answer is not that transaction");
    else if (tools_json_kind(tools_json_get(result, "to")) != TOOLS_JSON_NONE)
        say(verdict, false, "a call: what another contract creates is not seen here");
    else if (memcmp(made, contracts_account(contracts->chain, which) + 12, 20) != 0)
        say(verdict, false, "creates 0x%s", text);
    else if (!codec_bytes_equal(input, contracts_creation(contracts, which)))
        say(verdict, false, "by other code or arguments: what it wrote into the storage is unknown");
    else
        say(verdict, mined, mined ? "by this code, for this document" : "not in a block yet");
    tools_json_close(doc);
}

static void judge_current(struct verdict *verdict, const struct contracts *contracts, const uint8_t *word)
{
    const struct topology_chain *chain = contracts->chain;
    uint64_t last = chain->epochs[chain->epochs_len - 1].number;
    uint8_t number[32];
    bool known = false;
    for (size_t i = 0; i < chain->epochs_len; i++) {
        contracts_put(number, chain->epochs[i].number);
        known = known || memcmp(number, word, 32) == 0;
    }
    if (known)
        say(verdict, true, "%s", show(word).text);
    else
        say(verdict, false, "%s: the document's are %" PRIu64 " to %" PRIu64, show(word).text, chain->epochs[0].number,
            last);
}

/* current: the registry's, or NULL when it did not say. */
static void judge_epoch(struct verdict *verdict, const struct contracts *contracts, const uint8_t *words,
                        const struct topology_epoch *epoch, const uint8_t *current)
{
    uint8_t wanted[CONTRACTS_EPOCH_WORDS][32], number[32];
    contracts_epoch(wanted, contracts->network, epoch);
    contracts_put(number, epoch->number);
    if (current && memcmp(number, current, 32) > 0)
        say(verdict, true, "not begun there: a rotation begins it");
    else if (memcmp(words, wanted, 64) != 0)
        say(verdict, false, "quorum %s of %s operators there, %s of %s in the document", show(words).text,
            show(words + 32).text, show(wanted[0]).text, show(wanted[1]).text);
    else if (memcmp(words + 64, wanted[2], 32) != 0)
        say(verdict, false, "other operators, sides or keys than in the document");
    else
        say(verdict, true, "as in the document%s", codec_bytes_are_zero(words + 96, 32) ? "; over" : "");
}

static void judge_lane(struct verdict *verdict, const struct contracts *contracts, const uint8_t *words,
                       const struct topology_lane *lane)
{
    uint8_t wanted[CONTRACTS_SETTINGS_WORDS][32];
    size_t same = 0;
    contracts_settings(wanted, contracts->network, lane);
    while (same < CONTRACTS_SETTINGS_WORDS && memcmp(words + 32 * same, wanted[same], 32) == 0)
        same++;
    if (same == CONTRACTS_SETTINGS_WORDS)
        say(verdict, true, "open, as in the document");
    else if (!codec_bytes_are_zero(words, sizeof wanted))
        say(verdict, false, "%s is %s there, %s in the document", contracts_setting(same), show(words + 32 * same).text,
            show(wanted[same]).text);
    else if (lane->generation == 1)
        say(verdict, false, "not open: its sender opens it");
    else
        say(verdict, false, "not open: it begins when generation %u is closed", lane->generation - 1);
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

struct answers {
    struct tools_json_doc *doc;
    const uint8_t *current; /* what the registry said of its epoch */
};

/* The result of a request; NULL after a verdict. `place`: where it mostly is, though answers may come in any order. */
static const struct tools_json *result_of(struct verdict *verdict, const struct answers *answers, const char *id,
                                          size_t place)
{
    const struct tools_json *batch = tools_json_root(answers->doc);
    const size_t count = tools_json_count(batch);
    for (size_t i = 0; i < count; i++) {
        const struct tools_json *answer = tools_json_at(batch, (place + i) % count);
        const struct tools_json *result = tools_json_get(answer, "result"), *error = tools_json_get(answer, "error");
        if (strcmp(isthmus_text(answer, "id"), id) != 0)
            continue;
        if (tools_json_kind(error) == TOOLS_JSON_NONE && tools_json_kind(result) != TOOLS_JSON_NONE)
            return result;
        if (tools_json_kind(error) == TOOLS_JSON_NONE)
            say(verdict, false, "the node knows none");
        else
            say(verdict, false, "the node refuses: %s", isthmus_text(error, "message"));
        isthmus_clean(verdict->text);
        return NULL;
    }
    say(verdict, false, "no answer");
    return NULL;
}

static struct verdict judge(const struct contracts *contracts, struct answers *answers, const struct question *question,
                            size_t place)
{
    static const size_t count[] = {0, 0, 0, 0, 1, CONTRACTS_EPOCH_WORDS, CONTRACTS_SETTINGS_WORDS};
    struct verdict verdict = {0};
    struct tools_json *request = request_of(contracts, question);
    const struct tools_json *result = result_of(&verdict, answers, isthmus_text(request, "id"), place);
    const uint8_t *words = NULL;

    tools_json_free(request);
    if (!result || (count[question->ask] && !read_words(&words, &verdict, answers->doc, result, count[question->ask])))
        return verdict;
    switch (question->ask) {
    case ASK_CHAIN_ID: judge_chain_id(&verdict, contracts, result); break;
    case ASK_BLOCK_0: judge_block(&verdict, contracts, answers->doc, result); break;
    case ASK_CREATION: judge_creation(&verdict, contracts, result, (enum contracts_which)question->index); break;
    case ASK_CODE: judge_code(&verdict, contracts, answers->doc, result, (enum contracts_which)question->index); break;
    case ASK_CURRENT:
        answers->current = words;
        judge_current(&verdict, contracts, words);
        break;
    case ASK_EPOCH:
        judge_epoch(&verdict, contracts, words, &contracts->chain->epochs[question->index], answers->current);
        break;
    case ASK_LANE: judge_lane(&verdict, contracts, words, &contracts->network->lanes[question->index]); break;
    }
    return verdict;
}

static void name_question(char out[80], const struct contracts *contracts, const struct question *question)
{
    switch (question->ask) {
    case ASK_CHAIN_ID: snprintf(out, 80, "chain id"); break;
    case ASK_BLOCK_0: snprintf(out, 80, "block 0"); break;
    case ASK_CREATION:
        snprintf(out, 80, "creation of the %s", contracts_name((enum contracts_which)question->index));
        break;
    case ASK_CODE: snprintf(out, 80, "code of the %s", contracts_name((enum contracts_which)question->index)); break;
    case ASK_CURRENT: snprintf(out, 80, "registry's epoch"); break;
    case ASK_EPOCH: snprintf(out, 80, "epoch %" PRIu64, contracts->chain->epochs[question->index].number); break;
    case ASK_LANE: snprintf(out, 80, "lane %s", contracts->network->lanes[question->index].name); break;
    }
}

/* {ok, checks: [{what, good, there}]} */
static struct tools_json *report_of(bool *all_good, const struct contracts *contracts, struct answers *answers)
{
    struct tools_json *report = tools_json_new_object(), *checks = tools_json_new_array();
    struct question *list;
    size_t len = list_questions(&list, contracts);

    *all_good = true;
    for (size_t i = 0; i < len; i++) {
        char what[80];
        struct verdict verdict = judge(contracts, answers, &list[i], i);
        struct tools_json *check = tools_json_new_object();
        name_question(what, contracts, &list[i]);
        tools_json_set_text(check, "what", what);
        tools_json_set_flag(check, "good", verdict.good);
        tools_json_set_text(check, "there", verdict.text);
        tools_json_append(checks, check);
        *all_good = *all_good && verdict.good;
    }
    free(list);
    tools_json_set_flag(report, "ok", *all_good);
    tools_json_set(report, "checks", checks);
    return report;
}

static void print_report(const struct tools_json *report)
{
    static const char *const head[] = {"WHAT", "GOOD", "THERE"};
    struct isthmus_table *table = isthmus_table_new(head, 3);
    const struct tools_json *checks = tools_json_get(report, "checks");
    for (size_t i = 0; i < tools_json_count(checks); i++) {
        const struct tools_json *check = tools_json_at(checks, i);
        isthmus_table_add(table, "%s", isthmus_text(check, "what"));
        isthmus_table_add(table, "%s", tools_json_is_true(tools_json_get(check, "good")) ? "yes" : "NO");
        isthmus_table_add(table, "%s", isthmus_text(check, "there"));
    }
    isthmus_table_print(table);
}

int contracts_judge(const struct contracts *contracts, const char *path, bool json)
{
    struct answers answers = {.doc = tools_json_open(path)};
    bool good = false;

    if (tools_json_error(answers.doc)) {
        isthmus_failed("%s", tools_json_error(answers.doc));
    } else if (tools_json_kind(tools_json_root(answers.doc)) != TOOLS_JSON_ARRAY) {
        isthmus_failed("%s is no answer to a batch: a list with an answer for each request under 'ask' is expected",
                       path);
    } else {
        struct tools_json *report = report_of(&good, contracts, &answers);
        if (json)
            isthmus_print_json(report);
        else
            print_report(report);
        if (!json && !contracts->created_known)
            puts("\nBy which code they were created was not asked (--created): whoever did not send it himself asks "
                 "that.");
        tools_json_free(report);
    }
    tools_json_close(answers.doc);
    return good ? ISTHMUS_OK : ISTHMUS_NOT_OK;
}
