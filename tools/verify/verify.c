/*
 * The command line of `isthmus verify`: options, files, one line a verdict, the report.
 */
#include "tools/verify/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/proof.h"
#include "tools/verify/json.h"
#include "tools/verify/kinds.h"

#define EVIDENCE_MAX 64

static const struct kind {
    const char *name;
    tools_verify_kind *verify;
    bool joins; /* all evidence files together are one case */
    const char *trusted;
    const char *evidence;
} kinds[] = {
    {"eth-header", tools_verify_eth_header, false, "{\"hash\"}",
     "a block object as eth_getBlockByNumber answers, or {\"header\": RLP}"},
    {"eth-account", tools_verify_eth_account, false, "{\"state_root\", \"address\"}", "an eth_getProof answer"},
    {"eth-storage", tools_verify_eth_storage, false, "{\"state_root\", \"address\", \"slot\"}",
     "an eth_getProof answer that has the slot"},
    {"eth-receipts", tools_verify_eth_receipts, false, "{\"receipts_root\"}",
     "an eth_getBlockReceipts answer, or a list of encoded receipts"},
    {"mpt", tools_verify_mpt, false, "{\"root\", \"key\", \"secure\": true when all keys have 32 bytes}",
     "{\"proof\": [node, ...]} from the root down"},
    {"agreement", tools_verify_agreement, true,
     "{\"chain\", \"height\", \"demanded\", \"sources\": [{\"name\", \"operator\", \"network\", \"software\"}, ...]}",
     "one or a list of {\"source\", \"chain\", \"height\", \"hash\"}"},
    {"certificate", tools_verify_certificate, false,
     "{\"suite\", \"network\": name or id, \"epoch\", \"quorum\", \"members\": ascending by (operator, key)\n"
     "                          [{\"operator\", \"side\", \"key\": id or address, \"point\" for p256 and sm2}, ...]}",
     "{\"epoch\", \"leaf\": {\"kind\": head, ruling, close or epoch, its fields by name: see isthmus(1)},\n"
     "                          \"attestations\": [{\"key\", \"signature\", \"path\": [siblings from the leaf up],\n"
     "                          \"root\" or nothing, for it follows from leaf and path}, ...]}"},
    {"cometbft-header", tools_verify_cometbft_header, false,
     "{\"chain_id\", \"trusted\": a signed header or light block in JSON-RPC's form, \"next_validators\": its next "
     "set\n"
     "                          (not needed for the next height), \"now\", \"trusting_period_s\", "
     "\"max_clock_drift_s\",\n"
     "                          \"trust_level\": \"1/3\", \"every_signature\": true to check all}",
     "a light block: {\"signed_header\": {\"header\", \"commit\"}, \"validator_set\"}, or {\"light_block\": protobuf}"},
    {"cometbft-commit", tools_verify_cometbft_commit, false,
     "{\"chain_id\", \"height\", \"hash\", and now, trusting_period_s, max_clock_drift_s as above}",
     "a light block, as above: is it the one with this hash, and did two thirds of its own set sign?"},
    {"cometbft-votes", tools_verify_cometbft_votes, false,
     "{\"chain_id\", \"trusted\": the light block of the votes' height, and now, trusting_period_s, "
     "max_clock_drift_s as above}",
     "a DuplicateVoteEvidence, as a block has it, or {\"evidence\": protobuf}: did a validator sign two votes of one "
     "step?"},
    {"ics23", tools_verify_ics23, false,
     "{\"app_hash\" or \"root\", \"key\", \"spec\": iavl, tendermint or smt, or \"store\" for a multistore}",
     "{\"proof\": CommitmentProof}, with \"store_proof\" for a multistore; or an abci_query answer with proofOps"},
};

struct call {
    const struct kind *kind;
    const char *trusted;
    const char *report;
    const char *evidence[EVIDENCE_MAX];
    size_t evidence_count;
};

/* Of one kind, or of all. */
static void usage(FILE *to, const struct kind *only)
{
    fputs("usage: isthmus verify KIND --trusted FILE [--report FILE] EVIDENCE...\n"
          "Checks evidence (JSON files) against what FILE says is trusted, offline, and prints verdict and reason.\n"
          "Exit code: 0 all valid, 1 not valid, 2 the call or a file is not usable. Bytes are written 0x...\n\n",
          to);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!only || only == &kinds[i])
            fprintf(to, "  %-15s trusted:  %s\n  %-15s evidence: %s\n", kinds[i].name, kinds[i].trusted, "",
                    kinds[i].evidence);
}

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

static int misuse(const char *what, const char *which)
{
    fprintf(stderr, "isthmus verify: %s%s\nTry: isthmus verify --help\n", what, which);
    return 2;
}

/* 0, or the exit code. */
static int read_call(struct call *call, int argc, char **argv)
{
    call->kind = kind_of(argv[1]);
    for (int i = 2; i < argc; i++) {
        bool trusted = strcmp(argv[i], "--trusted") == 0;
        if (trusted || strcmp(argv[i], "--report") == 0) {
            if (i + 1 == argc)
                return misuse("a file name must follow ", argv[i]);
            *(trusted ? &call->trusted : &call->report) = argv[i + 1];
            i++;
        } else if (argv[i][0] == '-') {
            return misuse("unknown option ", argv[i]);
        } else if (call->evidence_count == EVIDENCE_MAX) {
            return misuse("too many evidence files: ", argv[i]);
        } else {
            call->evidence[call->evidence_count++] = argv[i];
        }
    }
    if (!call->kind)
        return misuse("unknown kind of evidence: ", argv[1]);
    if (!call->trusted)
        return misuse("--trusted FILE is missing: what is to be believed without proof", "");
    if (call->evidence_count == 0)
        return misuse("no evidence file given", "");
    return 0;
}

static void print_facts(const struct tools_json *facts)
{
    for (void *i = tools_json_first(facts); i; i = tools_json_next(facts, i)) {
        char *text = tools_json_dump(tools_json_value(i));
        printf("  %s: %s\n", tools_json_key(i), text);
        free(text);
    }
}

/* One case: the evidence documents [from, to). Returns 0 valid, 1 invalid, 2 unusable. */
static int run_case(struct tools_json *cases, const struct call *call, struct tools_json_doc *trusted,
                    struct tools_json_doc *const *docs, size_t from, size_t to)
{
    struct tools_verify_case c = {
        trusted, docs + from, to - from, {PROOF_REASON_NOT_CHECKED, 0}, NULL, tools_json_new_object()};
    struct tools_json *entry = tools_json_new_object();
    const char *name = to - from == 1 ? call->evidence[from] : "all evidence";
    const char *error = tools_json_error(trusted);
    enum proof_verdict verdict = error ? PROOF_INVALID : call->kind->verify(&c);
    for (size_t i = from; i < to && !error; i++)
        error = tools_json_error(docs[i]);
    error = error ? error : tools_json_error(trusted);
    tools_json_set_text(entry, "evidence", name);
    tools_json_set_text(entry, "verdict", proof_verdict_text(verdict));
    tools_json_set_text(entry, "reason", proof_reason_text(c.result.reason));
    tools_json_set_integer(entry, "at", (int64_t)c.result.at);
    if (c.part)
        tools_json_set_text(entry, "part", c.part);
    if (error) {
        fprintf(stderr, "isthmus verify: %s\n", error);
        tools_json_set_text(entry, "error", error);
    } else if (verdict == PROOF_VALID) {
        printf("%s: valid\n", name);
        print_facts(c.facts);
    } else {
        printf("%s: %s: %s (%s %zu)\n", name, proof_verdict_text(verdict), proof_reason_text(c.result.reason),
               c.part ? c.part : "at", c.result.at);
    }
    tools_json_set(entry, "facts", c.facts);
    tools_json_append(cases, entry);
    return error ? 2 : verdict == PROOF_VALID ? 0 : 1;
}

static int write_report(const struct call *call, struct tools_json *cases, int code)
{
    struct tools_json *report = tools_json_new_object();
    tools_json_set_flag(report, "ok", code == 0);
    tools_json_set_text(report, "kind", call->kind->name);
    tools_json_set_text(report, "trusted", call->trusted);
    tools_json_set(report, "cases", cases);
    if (call->report && !tools_json_write(call->report, report)) {
        fprintf(stderr, "isthmus verify: cannot write %s: %s\n", call->report, strerror(errno));
        code = 2;
    }
    tools_json_free(report);
    return code;
}

int tools_verify_main(int argc, char **argv)
{
    struct call call = {0};
    struct tools_json_doc *docs[EVIDENCE_MAX] = {0};
    if (argc < 2) {
        usage(stderr, NULL);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout, kind_of(argv[1]));
            return 0;
        }
    int code = read_call(&call, argc, argv);
    if (code != 0)
        return code;
    struct tools_json *cases = tools_json_new_array();
    struct tools_json_doc *trusted = tools_json_open(call.trusted);
    for (size_t i = 0; i < call.evidence_count; i++)
        docs[i] = tools_json_open(call.evidence[i]);
    size_t step = call.kind->joins ? call.evidence_count : 1;
    for (size_t i = 0; i < call.evidence_count; i += step) {
        int one = run_case(cases, &call, trusted, docs, i, i + step);
        code = one > code ? one : code;
    }
    code = write_report(&call, cases, code);
    for (size_t i = 0; i < call.evidence_count; i++)
        tools_json_close(docs[i]);
    tools_json_close(trusted);
    return code;
}
