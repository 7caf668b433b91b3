/*
 * Whether a relay's own file fits the network document, and whether that is signed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/agreement.h"
#include "relay/edge/config_parts.h"
#include "topology/route.h"
#include "topology/signature.h"

struct fit {
    const struct config_relay *relay;
    const struct topology_network *network;
    struct schema_reader reader; /* says problems of the relay's file, at its lines */
    struct yaml_tree *tree;      /* of the relay's file; NULL: lines are not known */
    uint16_t self;
};

static void fit_roots(struct fit *fit)
{
    const struct config_relay *relay = fit->relay;
    const struct topology_network *network = fit->network;
    char path[64];

    for (size_t i = 0; i < relay->roots_len; i++) {
        size_t j = 0;
        while (j < network->roots_len && strcmp(network->roots[j].name, relay->roots[i].name) != 0)
            j++;
        snprintf(path, sizeof path, "roots.%s", relay->roots[i].name);
        if (j == network->roots_len)
            config_say(&fit->reader, fit->tree, path, "the network document has no root '%s'", relay->roots[i].name);
        else if (memcmp(network->roots[j].key, relay->roots[i].key, 32) != 0)
            config_say(&fit->reader, fit->tree, path,
                       "the network document gives another key for root '%s': ask that side which one is right",
                       relay->roots[i].name);
    }
    for (size_t j = 0; j < network->roots_len; j++) {
        size_t i = 0;
        while (i < relay->roots_len && strcmp(network->roots[j].name, relay->roots[i].name) != 0)
            i++;
        if (i == relay->roots_len)
            config_say(&fit->reader, fit->tree, "roots",
                       "lacks root '%s' of the network document: if you trust it, add its key", network->roots[j].name);
    }
}

static void fit_listen(struct fit *fit)
{
    const struct topology_network *network = fit->network;
    uint16_t zones[TOPOLOGY_ZONES_MAX];
    size_t zones_len = topology_route_zones(zones, TOPOLOGY_ZONES_MAX, network, fit->self);
    char path[64];

    for (size_t i = 0; i < fit->relay->listen_len; i++) {
        const char *name = fit->relay->listen[i].zone;
        int zone = topology_zone_by_name(network, name);
        size_t at = 0;
        while (at < zones_len && zones[at] != zone)
            at++;
        snprintf(path, sizeof path, "listen.zones[%zu].zone", i);
        if (zone < 0)
            config_say(&fit->reader, fit->tree, path, "the network document has no zone '%s'", name);
        else if (at == zones_len)
            config_say(&fit->reader, fit->tree, path, "no relay of zone '%s' is linked with '%s': remove it", name,
                       fit->relay->relay);
    }
    for (size_t at = 0; at < zones_len; at++) {
        const char *name = network->zones[zones[at]].name;
        size_t i = 0;
        while (i < fit->relay->listen_len && strcmp(fit->relay->listen[i].zone, name) != 0)
            i++;
        if (i == fit->relay->listen_len)
            config_say(&fit->reader, fit->tree, "listen.zones", "lacks a URL for zone '%s', where linked relays are",
                       name);
    }
}

static void fit_peers(struct fit *fit)
{
    const struct topology_network *network = fit->network;
    uint16_t neighbours[TOPOLOGY_RELAYS_MAX];
    size_t len = topology_route_neighbours(neighbours, TOPOLOGY_RELAYS_MAX, network, fit->self);
    char path[64];

    for (size_t i = 0; i < fit->relay->peers_len; i++) {
        const char *name = fit->relay->peers[i].relay;
        int relay = topology_relay_by_name(network, name);
        snprintf(path, sizeof path, "peers[%zu].relay", i);
        if (relay < 0)
            config_say(&fit->reader, fit->tree, path, "the network document has no relay '%s'", name);
        else if (!topology_route_linked(network, fit->self, (uint16_t)relay))
            config_say(&fit->reader, fit->tree, path, "the network document has no link of '%s' with '%s': remove it",
                       fit->relay->relay, name);
    }
    for (size_t at = 0; at < len; at++) {
        const char *name = network->relays[neighbours[at]].name;
        size_t i = 0;
        while (i < fit->relay->peers_len && strcmp(fit->relay->peers[i].relay, name) != 0)
            i++;
        if (i == fit->relay->peers_len)
            config_say(&fit->reader, fit->tree, "peers", "lacks the addresses of '%s', which is linked with '%s'", name,
                       fit->relay->relay);
    }
}

/* How many of a chain's sources here are pairwise distinct by operator, network and software. */
static size_t independent_sources(const struct fit *fit, const struct topology_chain *chain, bool *submits)
{
    struct proof_agreement_source sources[PROOF_AGREEMENT_SOURCES_MAX];
    struct proof_agreement_trust trust = {.sources = sources};
    *submits = false;
    for (size_t i = 0; i < fit->relay->sources_len; i++) {
        const struct config_source *source = &fit->relay->sources[i];
        if (strcmp(source->chain, chain->id) != 0 || trust.source_count == PROOF_AGREEMENT_SOURCES_MAX)
            continue;
        *submits = *submits || source->submits;
        sources[trust.source_count++] = (struct proof_agreement_source){
            .operator_tag = {(const uint8_t *)source->operator_tag, strlen(source->operator_tag)},
            .network_tag = {(const uint8_t *)source->network_tag, strlen(source->network_tag)},
            .software_tag = {(const uint8_t *)source->software_tag, strlen(source->software_tag)}};
    }
    trust.demanded = 1;
    return trust.source_count ? proof_agreement_independent(&trust, (1u << trust.source_count) - 1) : 0;
}

static void fit_sources(struct fit *fit)
{
    const struct topology_network *network = fit->network;
    char path[64];

    for (size_t i = 0; i < fit->relay->sources_len; i++) {
        int chain = topology_chain_by_id(network, fit->relay->sources[i].chain);
        snprintf(path, sizeof path, "sources[%zu].chain", i);
        if (chain < 0)
            config_say(&fit->reader, fit->tree, path, "the network document has no chain %s",
                       fit->relay->sources[i].chain);
        else if (!topology_relay_serves(network, fit->self, (uint16_t)chain))
            config_say(&fit->reader, fit->tree, path, "the network document does not let '%s' serve %s",
                       fit->relay->relay, fit->relay->sources[i].chain);
        snprintf(path, sizeof path, "sources[%zu]", i);
        if (!fit->relay->sources[i].program_hash_given && !fit->relay->dev)
            config_say(&fit->reader, fit->tree, path,
                       "lacks program_hash: without 'dev: true' nothing runs that is not registered; "
                       "'b2sum -l 256 PROGRAM' prints it");
    }
    for (size_t i = 0; i < network->relays[fit->self].serves_len; i++) {
        uint16_t index = network->relays[fit->self].serves[i];
        const struct topology_chain *chain = &network->chains[index];
        bool submits;
        size_t independent = independent_sources(fit, chain, &submits);
        if (chain->sources < 2 && !fit->relay->dev && !topology_chain_is_light(chain))
            config_say(&fit->reader, fit->tree, "sources",
                       "%s demands a single source, which counts only with 'dev: true' or --dev: never with "
                       "anything of value",
                       chain->id);
        if (independent < chain->sources)
            config_say(&fit->reader, fit->tree, "sources",
                       "%s demands %u sources that differ in operator, network and software; here are %zu: add some",
                       chain->id, chain->sources, independent);
        if (!submits && topology_relay_delivers(network, fit->self, index))
            config_say(&fit->reader, fit->tree, "sources",
                       "'%s' delivers to %s, but no source of it has 'submits: true'", fit->relay->relay, chain->id);
    }
}

/* A light client believes one header that its operator gives, and nothing else. */
static void fit_trust(struct fit *fit)
{
    const struct topology_network *network = fit->network;
    char path[64];

    for (size_t i = 0; i < fit->relay->trust_len; i++) {
        int chain = topology_chain_by_id(network, fit->relay->trust[i].chain);
        snprintf(path, sizeof path, "trust[%zu].chain", i);
        if (chain < 0)
            config_say(&fit->reader, fit->tree, path, "the network document has no chain %s",
                       fit->relay->trust[i].chain);
        else if (!topology_chain_is_light(&network->chains[chain]))
            config_say(&fit->reader, fit->tree, path,
                       "%s is followed by sources that agree, not by a light client: remove it",
                       fit->relay->trust[i].chain);
    }
    for (size_t i = 0; i < network->relays[fit->self].serves_len; i++) {
        const struct topology_chain *chain = &network->chains[network->relays[fit->self].serves[i]];
        size_t j = 0;
        while (j < fit->relay->trust_len && strcmp(fit->relay->trust[j].chain, chain->id) != 0)
            j++;
        if (topology_chain_is_light(chain) && j == fit->relay->trust_len)
            config_say(
                &fit->reader, fit->tree, "trust",
                "lacks a first header of %s: give height and hash of one, younger than its trusting_period of %llu s, "
                "that you checked with others",
                chain->id, (unsigned long long)chain->light.trusting_period);
    }
}

static void fit_operators(struct fit *fit)
{
    const struct topology_network *network = fit->network;
    if (fit->relay->signer.present && network->relays[fit->self].operator_number == 0)
        config_say(&fit->reader, fit->tree, "signer",
                   "relay '%s' has no operator in the network document, so it attests nothing: remove it",
                   fit->relay->relay);
    for (size_t i = 0; i < network->chains_len && !fit->relay->dev; i++) {
        const struct topology_chain *chain = &network->chains[i];
        if (topology_epoch_operators(&chain->epochs[chain->epochs_len - 1]) == 1)
            config_say(&fit->reader, fit->tree, "network",
                       "%s is attested by one operator alone: only with 'dev: true'", chain->id);
    }
}

/* The document's signatures, beside it. */
static void check_signatures(struct fit *fit)
{
    char path[4096];
    struct topology_problem found[32];
    size_t len;
    struct config_problems *problems = fit->reader.problems;
    struct schema_reader reader = {.file = path, .folder = ".", .problems = problems};

    snprintf(path, sizeof path, "%s.sig", fit->relay->network);
    void *text = config_read_file(&reader, path, &len);
    if (!text)
        return;
    size_t total = topology_signature_check(found, 32, fit->network, (struct bytes){text, len});
    for (size_t i = 0; i < total && i < 32; i++) {
        unsigned line = 0;
        sscanf(found[i].path, "line %u", &line);
        struct yaml_tree_node place = {.line = line, .column = 1};
        schema_say(&reader, line ? &place : NULL, "%s", found[i].text);
    }
    free(text);
}

struct topology_network *config_network_accept(const struct config_relay *relay, struct config_problems *problems)
{
    size_t before = problems->total;
    struct topology_network *network = config_network_load(relay->network, problems);
    if (!network)
        return NULL;

    struct fit fit = {.relay = relay, .network = network, .tree = config_parse_again(relay->path)};
    fit.reader = (struct schema_reader){.file = relay->path, .folder = ".", .problems = problems};
    check_signatures(&fit);
    size_t from = problems->len;
    fit_roots(&fit);
    int self = topology_relay_by_name(network, relay->relay);
    if (self < 0) {
        config_say(&fit.reader, fit.tree, "relay", "the network document has no relay '%s'", relay->relay);
    } else {
        fit.self = (uint16_t)self;
        fit_listen(&fit);
        fit_peers(&fit);
        fit_sources(&fit);
        fit_trust(&fit);
        fit_operators(&fit);
    }
    config_problems_sort(problems, from);
    yaml_tree_free(fit.tree);
    if (problems->total != before) {
        topology_network_free(network);
        return NULL;
    }
    return network;
}
