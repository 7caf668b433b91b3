/*
 * Metrics of the edge's own parts: sources and the chains behind them, signer, store, mesh, process.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proofs/codec/connector.h"
#include "relay/edge/health.h"
#include "relay/edge/http.h"
#include "relay/edge/metrics_parts.h"
#include "relay/edge/relay_parts.h"

/* ---- sources and chains -------------------------------------------------------------------------------------------- */

struct source {
    const char *name, *chain;
    bool submits;
    struct relay_source_view core;
    struct edge_child_view process;
    struct edge_source_account account;
    uint64_t still_ms;
};

#define SOURCE_LABELS "source=\"%s\",chain=\"%s\""

static uint64_t source_up(const struct source *source)
{
    return source->core.up;
}

static uint64_t source_contradictions(const struct source *source)
{
    return source->core.contradictions;
}

static uint64_t source_refused(const struct source *source)
{
    return source->core.refused;
}

static uint64_t source_starts(const struct source *source)
{
    return source->process.starts;
}

static uint64_t source_crashes(const struct source *source)
{
    return source->process.crashes;
}

static uint64_t source_quarantined(const struct source *source)
{
    return source->process.state == EDGE_CHILD_QUARANTINED;
}

static void source_heights(struct metrics *out, const struct source *sources, size_t len)
{
    metrics_family(out, "isthmus_source_height", "gauge",
                   "Heights that a source tells: newest, final by the chain's rule, and newest agreed with others.");
    for (size_t i = 0; i < len; i++) {
        const struct source *source = &sources[i];
        metrics_value(out, source->core.newest, SOURCE_LABELS ",kind=\"newest\"", source->name, source->chain);
        metrics_value(out, source->core.final_height, SOURCE_LABELS ",kind=\"final\"", source->name, source->chain);
        metrics_value(out, source->core.agreed, SOURCE_LABELS ",kind=\"agreed\"", source->name, source->chain);
    }
    metrics_family(out, "isthmus_source_still_seconds", "gauge",
                   "For how long the newest height of a source has not moved.");
    for (size_t i = 0; i < len; i++)
        metrics_real(out, (double)sources[i].still_ms / 1000, SOURCE_LABELS, sources[i].name, sources[i].chain);
    uint64_t now = edge_loop_unix();
    metrics_family(out, "isthmus_source_block_age_seconds", "gauge",
                   "This relay's clock less the time of the newest block that a source tells.");
    for (size_t i = 0; i < len; i++)
        if (sources[i].core.newest_time != 0)
            metrics_real(out, (double)(int64_t)(now - sources[i].core.newest_time), SOURCE_LABELS, sources[i].name,
                         sources[i].chain);
}

/* ---- submitting accounts: amounts in the chain's smallest unit --------------------------------------------------------- */

static const char *account_balance(const struct edge_source_account *account)
{
    return account->balance;
}

static const char *account_spent(const struct edge_source_account *account)
{
    return account->spent;
}

static const char *account_cap(const struct edge_source_account *account)
{
    return account->cap;
}

static const char *account_low(const struct edge_source_account *account)
{
    return account->low ? "1" : "0";
}

static const char *account_near(const struct edge_source_account *account)
{
    return account->spending == CONNECTOR_SPENDING_NEAR ? "1" : "0";
}

static const char *account_stopped(const struct edge_source_account *account)
{
    return account->spending == CONNECTOR_SPENDING_STOPPED ? "1" : "0";
}

static void metrics_accounts(struct metrics *out, const struct source *sources, size_t len)
{
    static const struct {
        const char *name, *help;
        const char *(*digits)(const struct edge_source_account *account);
    } plain[] = {
        {"isthmus_account_balance_units", "Balance of the submitting account, in the chain's smallest unit.",
         account_balance},
        {"isthmus_account_spent_units", "What it spent within 24 hours.", account_spent},
        {"isthmus_account_cap_units", "The most that it may spend within 24 hours; absent: no cap.", account_cap},
        {"isthmus_account_low", "1 while the balance is below the option low-balance.", account_low},
        {"isthmus_account_near_cap", "1 while the spending is near its cap.", account_near},
        {"isthmus_account_stopped",
         "1 while nothing is submitted: the cap is reached, or the chain's price is above gas-price-cap.",
         account_stopped},
    };
    for (size_t f = 0; f < sizeof(plain) / sizeof(plain[0]); f++) {
        metrics_family(out, plain[f].name, "gauge", plain[f].help);
        for (size_t i = 0; i < len; i++) {
            const char *digits = plain[f].digits(&sources[i].account);
            if (sources[i].submits && digits[0] != '\0' && strspn(digits, "0123456789") == strlen(digits))
                metrics_real(out, strtod(digits, NULL), SOURCE_LABELS, sources[i].name, sources[i].chain);
        }
    }
}

static void metrics_sources(struct metrics *out, const struct edge_relay *relay)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(const struct source *source);
    } plain[] = {
        {"isthmus_source_up", "gauge", "1 while the connector speaks for its node.", source_up},
        {"isthmus_source_quarantined", "gauge", "1 while the connector crashed too often and is not started.",
         source_quarantined},
        {"isthmus_source_contradictions_total", "counter", "Headers of this source that contradicted agreed ones.",
         source_contradictions},
        {"isthmus_source_refused_total", "counter", "Evidence of this source that proved nothing.", source_refused},
        {"isthmus_source_starts_total", "counter", "Starts of the connector process.", source_starts},
        {"isthmus_source_crashes_total", "counter", "Ends of the connector process that nobody asked for.",
         source_crashes},
    };
    size_t len = relay->config->sources_len;
    struct source *sources = calloc(len + 1, sizeof(*sources));
    if (sources == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        sources[i].name = relay->source_list[i].name;
        sources[i].chain = relay->network->chains[relay->source_list[i].chain].id;
        sources[i].still_ms = edge_health_still_ms(relay, (uint16_t)i);
        relay_core_source_view(relay->core, (uint16_t)i, &sources[i].core);
        sources[i].submits = edge_sources_account(relay->sources, (uint16_t)i, &sources[i].account);
        edge_sources_look(relay->sources, (uint16_t)i, &sources[i].process);
    }
    for (size_t f = 0; f < sizeof(plain) / sizeof(plain[0]); f++) {
        metrics_family(out, plain[f].name, plain[f].type, plain[f].help);
        for (size_t i = 0; i < len; i++)
            metrics_value(out, plain[f].value(&sources[i]), SOURCE_LABELS, sources[i].name, sources[i].chain);
    }
    source_heights(out, sources, len);
    metrics_accounts(out, sources, len);
    free(sources);
}

static void metrics_chains(struct metrics *out, const struct edge_relay *relay)
{
    static const struct {
        const char *name, *help;
        bool of_quorum;
        size_t at;
    } rows[] = {
        {"isthmus_chain_sources_up", "Sources of the chain that are up.", false, 0},
        {"isthmus_chain_sources_moving", "Sources of the chain that are up and whose heights move.", false, 1},
        {"isthmus_chain_sources_needed", "Sources that must agree.", false, 2},
        {"isthmus_quorum_operators", "Operators who attest what arrives on the chain.", true, 0},
        {"isthmus_quorum_reachable", "Those of them that are not seen to be away.", true, 1},
        {"isthmus_quorum_needed", "How many of them must sign.", true, 2},
    };
    for (size_t f = 0; f < sizeof(rows) / sizeof(rows[0]); f++) {
        metrics_family(out, rows[f].name, "gauge", rows[f].help);
        for (size_t i = 0; i < relay->network->chains_len; i++) {
            struct edge_health_chain chain;
            struct edge_health_quorum quorum;
            bool has_sources = edge_health_chain(&chain, relay, (uint16_t)i);
            bool has_quorum = edge_health_quorum(&quorum, relay, (uint16_t)i);
            const size_t of_chain[] = {chain.up, chain.moving, chain.demanded};
            const size_t of_quorum[] = {quorum.operators, quorum.reachable, quorum.needed};
            if (rows[f].of_quorum ? has_quorum : has_sources)
                metrics_value(out, rows[f].of_quorum ? of_quorum[rows[f].at] : of_chain[rows[f].at], "chain=\"%s\"",
                              relay->network->chains[i].id);
        }
    }
}

/* Chains that prove their own headers. */
static void metrics_trust(struct metrics *out, const struct edge_relay *relay)
{
    static const struct {
        const char *name, *help;
    } rows[] = {
        {"isthmus_trust_height", "Newest header of the chain that this relay's light client trusts; 0: none."},
        {"isthmus_trust_signer_height", "The same of its signer."},
        {"isthmus_trust_left_seconds", "Until the trusting period of that header is over; 0: none."},
        {"isthmus_trust_period_seconds", "The trusting period, by the network document."},
        {"isthmus_trust_attacked", "1 when validators of the chain signed headers that contradict each other."}};
    for (size_t f = 0; f < sizeof(rows) / sizeof(rows[0]); f++) {
        metrics_family(out, rows[f].name, "gauge", rows[f].help);
        for (uint16_t i = 0; i < relay->network->chains_len; i++) {
            struct relay_trust_view view;
            if (!relay_core_trust_view(relay->core, i, &view))
                continue;
            const double values[] = {(double)view.height, (double)view.signer_height, (double)view.left,
                                     (double)relay->network->chains[i].light.trusting_period, view.attacked};
            metrics_real(out, values[f], "chain=\"%s\"", relay->network->chains[i].id);
        }
    }
    metrics_family(out, "isthmus_trust_double_votes_total", "counter",
                   "Validators of the chain that were proven to have voted twice in one step.");
    for (uint16_t i = 0; i < relay->network->chains_len; i++) {
        struct relay_trust_view view;
        if (relay_core_trust_view(relay->core, i, &view))
            metrics_value(out, view.double_votes, "chain=\"%s\"", relay->network->chains[i].id);
    }
}

/* ---- signer, store, mesh ------------------------------------------------------------------------------------------- */

static void one(struct metrics *out, const char *name, const char *type, const char *help, double value)
{
    metrics_family(out, name, type, help);
    metrics_real(out, value, "%s", "");
}

static void metrics_signer(struct metrics *out, const struct edge_relay *relay)
{
    struct edge_child_view view;
    if (relay->signer == NULL)
        return;
    edge_child_look(relay->signer, &view);
    one(out, "isthmus_signer_up", "gauge", "1 while the signer answers.", edge_health_signer_up(relay));
    one(out, "isthmus_signer_requests_total", "counter", "Requests given to the signer.", (double)relay->sent.signing);
    one(out, "isthmus_signer_starts_total", "counter", "Starts of the signer process.", (double)view.starts);
    one(out, "isthmus_signer_crashes_total", "counter", "Ends of the signer process that nobody asked for.",
        (double)view.crashes);
}

static void store_commits(struct metrics *out, const struct edge_writer_stats *stats)
{
    static const uint64_t bounds[] = EDGE_WRITER_BUCKETS_US;
    uint64_t sum = 0;
    metrics_family(out, "isthmus_store_commit_seconds", "histogram", "Time of one synced commit.");
    out->name = "isthmus_store_commit_seconds_bucket";
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        sum += stats->commits_within[i];
        metrics_value(out, sum, "le=\"%g\"", (double)bounds[i] / 1e6);
    }
    metrics_value(out, stats->groups, "le=\"+Inf\"");
    out->name = "isthmus_store_commit_seconds_sum";
    metrics_real(out, (double)stats->commit_us / 1e6, "%s", "");
    out->name = "isthmus_store_commit_seconds_count";
    metrics_value(out, stats->groups, "%s", "");
}

static void metrics_store(struct metrics *out, const struct edge_relay *relay)
{
    struct edge_writer_stats stats;
    struct statvfs disk;
    struct edge_mesh_look look;
    edge_writer_stats(relay->writer, &stats);
    one(out, "isthmus_store_up", "gauge", "1 while the store takes writes.",
        relay->store_status == STORE_OK && !relay_core_halted(relay->core) && !edge_health_store_stuck(relay));
    one(out, "isthmus_store_writes_total", "counter", "Writes committed; many share one commit.", (double)stats.writes);
    one(out, "isthmus_store_written_bytes_total", "counter", "Bytes of keys and values committed.",
        (double)stats.bytes);
    one(out, "isthmus_store_queue_bytes", "gauge", "Bytes of writes that wait.", (double)stats.queued_bytes);
    one(out, "isthmus_store_queue_limit_bytes", "gauge", "Above it no input is taken.", (double)stats.limit_bytes);
    store_commits(out, &stats);
    edge_mesh_look(relay->mesh, &look);
    one(out, "isthmus_mesh_connections", "gauge", "Connections that nng holds, both ways.", (double)look.connections);
    one(out, "isthmus_mesh_waits_total", "counter",
        "Times that somebody who came had to wait: connections had all the descriptors that they may have.",
        (double)look.waits);
    one(out, "isthmus_mesh_strangers_ended_total", "counter",
        "Connections that were ended because they did not say in time who they are.", (double)look.ended);
    one(out, "isthmus_mesh_refused_total", "counter",
        "Connections that were refused because their address has as many as one may have.", (double)look.refused);
    if (statvfs(relay->config->store, &disk) == 0)
        one(out, "isthmus_disk_free_bytes", "gauge", "Free bytes of the disk of the store.",
            (double)disk.f_bavail * (double)disk.f_frsize);
    one(out, "isthmus_disk_reserve_bytes", "gauge", "budgets.free_bytes: with less free no new messages are taken.",
        (double)relay->config->budgets.free_bytes);
}

static void metrics_mesh(struct metrics *out, const struct edge_relay *relay)
{
    static const char *const kinds[] = {"publish", "request", "response"};
    metrics_family(out, "isthmus_mesh_sent_frames_total", "counter", "Frames sent, a publication once for a zone.");
    for (size_t i = 0; i < 3; i++)
        metrics_value(out, relay->sent.frames[i], "kind=\"%s\"", kinds[i]);
    metrics_family(out, "isthmus_mesh_sent_bytes_total", "counter", "Bytes of their bodies.");
    for (size_t i = 0; i < 3; i++)
        metrics_value(out, relay->sent.bytes[i], "kind=\"%s\"", kinds[i]);
    one(out, "isthmus_mesh_queue_limit_bytes", "gauge", "Received bytes that may wait for the loop, a peer.",
        (double)relay->config->budgets.queue_bytes);
}

/* ---- process, build ------------------------------------------------------------------------------------------------ */

/* Pages of memory: all, resident. */
static void memory(double pages[2])
{
    FILE *file = fopen("/proc/self/statm", "re");
    pages[0] = pages[1] = 0;
    if (file == NULL)
        return;
    if (fscanf(file, "%lf %lf", &pages[0], &pages[1]) != 2)
        pages[0] = pages[1] = 0;
    fclose(file);
}

static size_t descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count > 3 ? count - 3 : 0; /* ".", "..", and that of the folder */
}

static void metrics_process(struct metrics *out, const struct edge_relay *relay)
{
    struct rusage usage;
    struct rlimit limit = {0};
    double pages[2], page = (double)sysconf(_SC_PAGESIZE);
    memory(pages);
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &limit);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    one(out, "process_cpu_seconds_total", "counter", "Processor time, user and system.", cpu);
    one(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.", pages[0] * page);
    one(out, "process_resident_memory_bytes", "gauge", "Resident memory.", pages[1] * page);
    one(out, "process_open_fds", "gauge", "Open descriptors.", (double)descriptors());
    one(out, "process_max_fds", "gauge", "Most open descriptors.", (double)limit.rlim_cur);
    metrics_family(out, "process_start_time_seconds", "gauge", "Unix time of the start.");
    metrics_value(out, edge_loop_unix() - (edge_loop_now() - relay->started) / 1000, "%s", "");
    one(out, "isthmus_loop_longest_seconds", "gauge", "Longest time for which one thing has held the loop.",
        (double)relay->longest_ms / 1000);
}

static void metrics_build(struct metrics *out, const struct edge_relay *relay)
{
    static const char *const kinds[] = {"2xx", "4xx", "5xx", "none"};
    const struct topology_network *network = relay->network;
    const struct topology_relay *self = &network->relays[relay->self];
    const struct topology_operator *operator_ = topology_operator_by_number(network, self->operator_number);
    metrics_family(out, "isthmus_build_info", "gauge", "Always 1; what this program is.");
    metrics_value(out, 1, "version=\"%s\",compiler=\"%s\"", EDGE_RELAY_VERSION,
#ifdef __clang__
                  "clang " __clang_version__
#else
                  "gcc " __VERSION__
#endif
    );
    metrics_family(out, "isthmus_relay_info", "gauge", "Always 1; who this relay is.");
    metrics_value(out, 1, "network=\"%s\",relay=\"%s\",zone=\"%s\",operator=\"%s\"", network->name, self->name,
                  network->zones[self->zone].name,
                  self->operator_number != 0 && operator_ != NULL ? operator_->name : "");
    metrics_family(out, "isthmus_document_version", "gauge", "Version of the network document.");
    metrics_value(out, network->version, "%s", "");
    metrics_family(out, "isthmus_http_answers_total", "counter",
                   "Answers of this server, by status; none: ended without one.");
    for (unsigned i = 0; i < 4; i++)
        metrics_value(out, edge_http_count(relay->http, i), "status=\"%s\"", kinds[i]);
}

void metrics_edge(struct metrics *out, const struct edge_relay *relay)
{
    metrics_sources(out, relay);
    metrics_chains(out, relay);
    metrics_trust(out, relay);
    metrics_signer(out, relay);
    metrics_store(out, relay);
    metrics_mesh(out, relay);
    metrics_process(out, relay);
    metrics_build(out, relay);
}
